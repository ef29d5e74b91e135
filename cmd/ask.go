package cmd

import (
	"bufio"
	"context"
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

// askLine puts a question on the terminal and gives the answer in one line, value where it is empty. An interrupt ends the waiting.
func (d *deps) askLine(ctx context.Context, question, value string) (string, error) {
	fmt.Fprint(d.std.Err, question+" ")
	answers := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(d.std.In).ReadString('\n') // the end of the input is no answer
		answers <- strings.TrimSpace(line)
	}()
	select {
	case answer := <-answers:
		if answer == "" {
			answer = value
		}
		return answer, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
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
