package templates

import _ "embed"

//go:embed image/Dockerfile.tmpl
var dockerfile string

//go:embed image/own.tmpl
var ownDockerfile string

//go:embed image/arrange.py
var arrange string

//go:embed image/library.py
var library string

// Dockerfile returns the text/template of the image's Dockerfile; package build fills it in.
func Dockerfile() string {
	return dockerfile
}

// OwnDockerfile returns the text/template of the instructions that follow a project's own Dockerfile; package build fills it in.
func OwnDockerfile() string {
	return ownDockerfile
}

// Arrange returns the Python script that makes an image's layers of installed dependencies: what no job reads left out, compiled, with fixed times.
func Arrange() []byte {
	return []byte(arrange)
}

// Library returns the Python script that compiles the standard library of a base image.
func Library() []byte {
	return []byte(library)
}
