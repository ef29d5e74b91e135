// Command kedroctl takes a Kedro project to AWS Batch and runs it there.
package main

import (
	"os"

	"github.com/kedroctl/kedroctl/cmd"
)

func main() {
	os.Exit(cmd.Main(os.Args, cmd.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
