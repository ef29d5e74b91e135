package cmd

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// asks says whether a person can answer.
func (d *deps) asks() bool {
	f, ok := d.std.In.(*os.File)
	return ok && d.term.Live() && term.IsTerminal(int(f.Fd()))
}

// ask puts a question on the terminal and gives the first letter of the answer, in lower case; "" for none.
func (d *deps) ask(question string) string {
	fmt.Fprint(d.std.Err, question+" ")
	line, _ := bufio.NewReader(d.std.In).ReadString('\n') // the end of the input is no answer
	line = strings.ToLower(strings.TrimSpace(line))
	return line[:min(len(line), 1)]
}

// confirm asks a yes-or-no question whose harmless answer is no. Without a terminal it is an error that names --yes.
func (d *deps) confirm(question string) error {
	if d.flags.yes {
		return nil
	}
	d.term.SetStatus(nil)
	if !d.asks() {
		return ui.WithHint(fmt.Errorf("%s nobody can answer here", question), "--yes answers")
	}
	if d.ask(question+" [y/N]") != "y" {
		return errNotConfirmed
	}
	return nil
}

var errNotConfirmed = errors.New("not confirmed: nothing was done")
