package cmd

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// reorder puts arguments into the order that urfave/cli/v2 understands: global flags, the subcommand, its flags, its arguments. People may write
// global flags after the subcommand and flags after arguments, as kedro, docker and gh allow. What stands after "--" stays there, or is given back
// as passed where the subcommand hands it on. A flag that nobody knows is left in front of the subcommand's arguments, where the parser names it.
func reorder(app *cli.App, args []string) (ordered, passed []string) {
	if len(args) == 0 {
		return args, nil
	}
	global, local := takesValue(app.Flags), map[string]bool{}
	words, rest := cutRest(args[1:])
	var name []string
	if sub, at := subcommand(app, global, words); sub != nil {
		name, local = []string{sub.Name}, takesValue(sub.Flags)
		words = slices.Delete(slices.Clone(words), at, at+1)
		if len(rest) > 0 && strings.HasSuffix(sub.ArgsUsage, handsOn) {
			rest, passed = nil, rest[1:]
		}
	}
	globals, locals, positional := sortWords(words, global, local)
	return slices.Concat(args[:1], globals, name, locals, positional, rest), passed
}

// handsOn ends the usage text of a subcommand that hands what stands after "--" on to another program.
const handsOn = "[-- ARGUMENT…]"

// sortWords parts words into global flags and other flags, both with their values, and arguments.
func sortWords(words []string, global, local map[string]bool) (globals, locals, positional []string) {
	for i := 0; i < len(words); i++ {
		name, isFlag, hasValue := flagName(words[i])
		if !isFlag {
			positional = append(positional, words[i])
			continue
		}
		value, isLocal := local[name]
		list := &locals
		if v, isGlobal := global[name]; isGlobal && !isLocal {
			value, list = v, &globals
		}
		*list = append(*list, words[i])
		if value && !hasValue && i+1 < len(words) {
			i++
			*list = append(*list, words[i])
		}
	}
	return globals, locals, positional
}

// cutRest parts the arguments at the first "--", which stays with the second part.
func cutRest(words []string) (front, rest []string) {
	if i := slices.Index(words, "--"); i >= 0 {
		return words[:i], words[i:]
	}
	return words, nil
}

// subcommand is the first word that is neither a flag nor the value of a global one, if it names a subcommand.
func subcommand(app *cli.App, global map[string]bool, words []string) (*cli.Command, int) {
	for i := 0; i < len(words); i++ {
		name, isFlag, hasValue := flagName(words[i])
		if !isFlag {
			return app.Command(words[i]), i
		}
		if global[name] && !hasValue {
			i++
		}
	}
	return nil, 0
}

// flagName takes "--name=value", "--name" or "-n" apart. A lone "-" and negative numbers are arguments.
func flagName(word string) (name string, isFlag, hasValue bool) {
	if len(word) < 2 || word[0] != '-' || word[1] >= '0' && word[1] <= '9' {
		return "", false, false
	}
	name, _, hasValue = strings.Cut(strings.TrimLeft(word, "-"), "=")
	return name, true, hasValue
}

// takesValue maps each name of each flag to whether it takes a value.
func takesValue(flags []cli.Flag) map[string]bool {
	m := map[string]bool{"help": false, "h": false}
	for _, f := range flags {
		value := true
		switch f.(type) {
		case *cli.BoolFlag, detachFlag:
			value = false
		}
		for _, n := range f.Names() {
			m[n] = value
		}
	}
	return m
}
