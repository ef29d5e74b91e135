// Package scratch makes temporary directories that do not stay when a process is killed: the next one removes what it finds left.
//
//	<parent>/kedroctl-<name>-<random>/lock   locked for as long as the process lives
//	<parent>/kedroctl-<name>-<random>/work   what the caller gets
package scratch
