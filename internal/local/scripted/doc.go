// Package scripted takes attempts of jobs and gives the ends that a script has for them, without any container: the job runner of Go tests.
package scripted
