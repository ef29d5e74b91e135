// Package ui takes what commands have to say and writes it for people or for programs: answers to stdout, the story to stderr.
package ui
