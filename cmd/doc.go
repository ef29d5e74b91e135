// Package cmd takes the command line and gives an exit code: one file per subcommand, each of which parses flags, wires stages together and shows
// their results. What a subcommand does is in the packages of the stages.
package cmd
