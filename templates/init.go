package templates

import (
	"embed"
	"io/fs"
)

//go:embed init/*
var initFiles embed.FS

// Init returns the text/template files that `kedroctl init` writes into a project: dockerignore, globals.yml (.Bucket), catalog.yml (.Hash and
// .Entries); for AWSBatchRunner batch_runner.py, batch_jobs.py, runner.py (the package's __init__), cli.py, and parameters.yml (.Queue and .Definition).
func Init() fs.FS {
	return sub(initFiles, "init")
}
