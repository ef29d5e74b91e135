// Package templates hands out, as embedded files, everything that kedroctl writes into a project or an image or runs with a
// project's Python: the container entry, the introspection script, and their logging configurations.
//
// The files are read by people who debug their jobs, so they are kept as files here and never assembled from strings.
package templates
