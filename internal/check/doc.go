// Package check takes a project, its snapshot and the findings of its plan, and gives all findings: those of the plan with the file and line that each
// is about, and those that only the project's files can tell, such as what conf/local has and no image gets.
//
// It reads the tree and nothing else. Configuration is read as it is written, keys alone: what it resolves to is in the snapshot, and no value gets
// into a finding.
package check
