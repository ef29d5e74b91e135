// Package disk takes bytes and values and gives files that are whole or absent, whenever the process is killed.
package disk
