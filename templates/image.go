package templates

import _ "embed"

//go:embed image/Dockerfile.tmpl
var dockerfile string

// Dockerfile returns the text/template of the image's Dockerfile; package build fills it in.
func Dockerfile() string {
	return dockerfile
}
