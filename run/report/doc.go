// Package report takes the account of a run and gives one HTML page of it: timeline, graph, groups, failures and outputs. The page carries all that it shows,
// runs no script, and opens without a network. What it repeats of jobs (names, log lines, errors) is text to it, whatever is in it.
package report
