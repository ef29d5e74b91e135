package templates

import _ "embed"

//go:embed image/Dockerfile.tmpl
var dockerfile string

//go:embed image/own.tmpl
var ownDockerfile string

// Dockerfile returns the text/template of the image's Dockerfile; package build fills it in.
func Dockerfile() string {
	return dockerfile
}

// OwnDockerfile returns the text/template of the instructions that follow a project's own Dockerfile; package build fills it in.
func OwnDockerfile() string {
	return ownDockerfile
}
