package templates

import (
	"embed"
	"io/fs"
)

//go:embed init/*
var initFiles embed.FS

// Init returns the text/template files that `kedroctl init` writes into a project: dockerignore, globals.yml (.Bucket) and catalog.yml (.Hash and
// .Entries).
func Init() fs.FS {
	return sub(initFiles, "init")
}
