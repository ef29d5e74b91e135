// Package project takes the directory of a Kedro project and gives what kedroctl needs to know of it: the fields of pyproject.toml, the settings in
// [tool.kedroctl], and the snapshot that introspection takes with the project's own interpreter.
package project
