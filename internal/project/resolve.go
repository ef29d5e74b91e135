package project

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// resolver lays the sources of settings over the defaults, the weakest first, and remembers where each value came from.
type resolver struct{ settings Settings }

// resolve applies, each over the one before: defaults, [tool.kedroctl], [tool.kedroctl.env.<env>], KEDROCTL_* variables, flags.
func resolve(p Project, section any, o LoadOptions) (Settings, error) {
	r := resolver{defaults(p)}
	r.settings.Origins = map[string]Origin{}
	table, ok := section.(map[string]any)
	if section != nil && !ok {
		return Settings{}, settingError(Pyproject, "", "must be a table", "")
	}
	table = maps.Clone(table)
	envs, err := takeEnvs(table)
	if err != nil {
		return Settings{}, err
	}
	if err := r.apply(table, Pyproject, ""); err != nil {
		return Settings{}, err
	}
	for _, env := range slices.Sorted(maps.Keys(envs)) {
		layer := &r
		if env != p.Env { // checked all the same: a misspelt key must not wait until that environment is used
			layer = &resolver{Settings{Origins: map[string]Origin{}}}
		}
		if err := layer.apply(envs[env], Pyproject, "env."+env+"."); err != nil {
			return Settings{}, err
		}
	}
	return r.finish(p, o)
}

// finish applies what does not stand in a file: KEDROCTL_* variables and flags.
func (r *resolver) finish(p Project, o LoadOptions) (Settings, error) {
	if err := r.variables(o.getenv()); err != nil {
		return Settings{}, err
	}
	for _, key := range slices.Sorted(maps.Keys(o.Set)) {
		if err := r.text(key, o.Set[key], flagSource+key); err != nil {
			return Settings{}, err
		}
	}
	r.followInstances()
	if _, set := r.settings.Origins["image.repository"]; !set && prefixName.MatchString(r.settings.AWS.Prefix) {
		r.settings.Image.Repository = r.settings.AWS.Prefix + r.settings.Image.Repository
	}
	return r.settings, r.validate(p)
}

// takeEnvs removes the tables of single environments from [tool.kedroctl].
func takeEnvs(table map[string]any) (map[string]any, error) {
	value, given := table["env"]
	delete(table, "env")
	envs, ok := value.(map[string]any)
	if given && !ok {
		return nil, settingError(Pyproject, "env", "must hold a table for each environment, such as [tool.kedroctl.env.prod]", "")
	}
	return envs, nil
}

func (r *resolver) apply(table any, source, prefix string) error {
	a := assignment{Origin: Origin{source, prefix}, given: r.settings.Origins}
	return a.assign(reflect.ValueOf(&r.settings).Elem(), table, "")
}

// variables applies KEDROCTL_<KEY>, such as KEDROCTL_JOB_MEMORY. An empty variable counts as none.
func (r *resolver) variables(getenv func(string) string) error {
	for _, key := range leaves(reflect.TypeFor[Settings](), "") {
		name := "KEDROCTL_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
		if value := getenv(name); value != "" {
			if err := r.text(key, value, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// text applies one value that is given as text.
func (r *resolver) text(key, value, source string) error {
	table, err := parse(reflect.TypeFor[Settings](), key, value)
	if err != nil {
		return settingError(source, key, err.Error(), "")
	}
	return r.apply(table, source, "")
}

// parse makes of a key and its text the TOML value that would say the same. Names of groups and variables may hold dots themselves.
func parse(t reflect.Type, key, text string) (any, error) {
	switch t.Kind() {
	case reflect.Struct:
		name, rest, _ := strings.Cut(key, ".")
		field, ok := fieldOf(t, name)
		if !ok {
			return map[string]any{name: text}, nil // assign names the unknown key
		}
		value, err := parse(field.Type, rest, text)
		return map[string]any{name: value}, err
	case reflect.Map:
		name, rest := key, ""
		if t.Elem().Kind() == reflect.Struct {
			name, rest = cutName(t.Elem(), key)
		}
		value, err := parse(t.Elem(), rest, text)
		return map[string]any{strings.Trim(name, `"'`): value}, err
	case reflect.Slice:
		return splitList(text), nil
	case reflect.Int:
		return parseNumber(text, "a whole number", func(s string) (any, error) { return strconv.ParseInt(s, 10, 64) })
	case reflect.Bool:
		switch text = strings.TrimSpace(text); text {
		case "true", "false":
			return text == "true", nil
		}
		return nil, fmt.Errorf("must be true or false, not %q", text)
	case reflect.Float64:
		return parseNumber(text, "a number", func(s string) (any, error) { return strconv.ParseFloat(s, 64) })
	}
	return text, nil
}

// cutName parts the name of a table from a key in it, at the last dot before a key that such tables have, else at the last dot.
func cutName(t reflect.Type, text string) (name, key string) {
	for dot := strings.LastIndexByte(text, '.'); dot > 0; dot = strings.LastIndexByte(text[:dot], '.') {
		if key == "" {
			name, key = text[:dot], text[dot+1:]
		}
		first, _, _ := strings.Cut(text[dot+1:], ".")
		if _, known := fieldOf(t, first); known {
			return text[:dot], text[dot+1:]
		}
	}
	if key == "" {
		return text, ""
	}
	return name, key
}

func parseNumber(text, want string, convert func(string) (any, error)) (any, error) {
	value, err := convert(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("must be %s, not %q", want, text)
	}
	return value, nil
}

func splitList(text string) []any {
	var list []any
	for _, item := range strings.Split(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}
