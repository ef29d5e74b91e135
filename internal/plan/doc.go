// Package plan takes a snapshot, settings and a selection and gives the plan of a run: groups of nodes, their order, commands and resources, where
// each dataset lies, and findings. It is a pure function: no I/O, no clock, no SDK.
//
// It goes in steps. The selection (select.go) has the semantics of Kedro's Pipeline.filter. Each selected node gets a label by the rule of grouping
// (group.go, registered.go); nodes that confirm a dataset follow those that load it, and groups that wait for each other are merged or reported
// (circle.go). The labels make the graph of groups, which is ordered and reduced (quotient.go). Then each dataset that outlives a container gets
// its place (datasets.go, place.go), and what would fail or surprise becomes a finding (checks.go).
package plan
