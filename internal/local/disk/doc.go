// Package disk takes bytes and values and gives files that are whole or absent, whenever the process is killed: documents for what changes seldom,
// logs of changes for what changes often.
package disk
