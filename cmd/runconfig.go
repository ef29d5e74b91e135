package cmd

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v4"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// runConfigKeys are the keys of Kedro's own configuration of a run that are flags here by another name than with hyphens.
// https://docs.kedro.org/en/stable/build/run_a_pipeline/#configure-kedro-run-arguments
var runConfigKeys = map[string]string{"pipeline": "pipelines", "is_async": "async"}

// configFlag is Kedro's --config: a YAML file whose section "run" has what the flags would say. Flags win over it.
func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "flags from the section run of a YAML `FILE`, as Kedro's --config", Action: readRunConfig}
}

func readRunConfig(c *cli.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return usageError{fmt.Errorf("--config: %w", err)}
	}
	var config struct {
		Run map[string]any `yaml:"run"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return usageError{fmt.Errorf("--config %s: %w", file, err)}
	}
	if config.Run == nil {
		return usageError{fmt.Errorf("--config %s: it has no section run", file)}
	}
	var given []string // before the file adds to them
	for _, name := range c.LocalFlagNames() {
		given = append(given, flagNames(c, name)...)
	}
	for key, value := range config.Run {
		name := strings.ReplaceAll(key, "_", "-")
		if other, ok := runConfigKeys[key]; ok {
			name = other
		}
		known := flagNames(c, name)
		if len(known) == 0 || name == "config" {
			err := usageError{fmt.Errorf("--config %s: kedroctl %s has no flag for the key %s", file, c.Command.Name, key)}
			if key == "env" || key == "conf_source" {
				return ui.WithHint(err, "the environment is that of the deployment: give it by --env")
			}
			return err
		}
		if value == nil || slices.Contains(given, name) {
			continue
		}
		text, err := flagText(value, key == "params" || key == "runner_params")
		if err == nil {
			err = c.Set(name, text)
		}
		if err != nil {
			return usageError{fmt.Errorf("--config %s: key %s: %w", file, key, err)}
		}
	}
	return nil
}

// flagNames are all names of a flag of the command; none where it has no such flag.
func flagNames(c *cli.Context, name string) []string {
	for _, f := range c.Command.Flags {
		if slices.Contains(f.Names(), name) {
			return f.Names()
		}
	}
	return nil
}

// flagText writes a value of YAML as the flag takes it: a list with commas, a mapping as KEY=VALUE with dots in nested keys.
func flagText(value any, pairs bool) (string, error) {
	switch v := value.(type) {
	case []any:
		words := make([]string, len(v))
		for i, item := range v {
			words[i] = fmt.Sprint(item)
		}
		return strings.Join(words, ","), nil
	case map[string]any:
		if !pairs {
			return "", fmt.Errorf("a mapping is no value of this flag")
		}
		words, err := pairsOf("", v)
		slices.Sort(words)
		return strings.Join(words, ","), err
	}
	return fmt.Sprint(value), nil
}

// pairsOf writes a mapping as KEY=VALUE; what a flag cannot say so is an error.
func pairsOf(prefix string, values map[string]any) (words []string, err error) {
	for key, value := range values {
		switch v := value.(type) {
		case map[string]any:
			nested, err := pairsOf(prefix+key+".", v)
			if err != nil {
				return nil, err
			}
			words = append(words, nested...)
			continue
		case []any, nil:
			return nil, fmt.Errorf("%s%s: --params takes numbers, words and true or false: put it into a parameters file of the environment", prefix, key)
		}
		word := prefix + key + "=" + fmt.Sprint(value)
		if len(plan.SplitPlain(word)) != 1 {
			return nil, fmt.Errorf("%s%s: --params takes no comma in a value: put it into a parameters file of the environment", prefix, key)
		}
		words = append(words, word)
	}
	return words, nil
}
