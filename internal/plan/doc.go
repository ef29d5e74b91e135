// Package plan takes a snapshot, settings and a selection and gives the plan of a run: groups of nodes, their order, commands and resources, where
// each dataset lies, and findings. It is a pure function: no I/O, no clock, no SDK.
package plan
