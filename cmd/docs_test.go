package cmd

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

// tableUnder gives the cells of the first table in a Markdown file whose header begins as given, without header and rule.
func tableUnder(t *testing.T, file, header string) [][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n"+header)
	if !found {
		t.Fatalf("%s has no table %q", file, header)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var rows [][]string
	for _, line := range strings.Split(strings.TrimSpace(table), "\n")[2:] {
		line = strings.ReplaceAll(line, `\|`, "\x00")
		rows = append(rows, strings.Split(strings.Trim(line, "| "), " | "))
	}
	return rows
}

var quoted = regexp.MustCompile("`([^`]*)`")

func TestReadmeListsEveryCommand(t *testing.T) {
	var documented, real []string
	for _, row := range tableUnder(t, "../README.md", "| command |") {
		for _, m := range quoted.FindAllStringSubmatch(row[0], -1) {
			name, _, _ := strings.Cut(m[1], " ")
			documented = append(documented, name)
		}
	}
	for _, c := range newApp(newDeps(Stdio{}, func(string) string { return "" })).Commands {
		real = append(real, c.Name)
	}
	slices.Sort(documented)
	slices.Sort(real)
	if diff := cmp.Diff(real, documented); diff != "" {
		t.Errorf("commands (-program +README.md):\n%s", diff)
	}
}

func TestSettingsPageListsEveryKeyWithItsDefault(t *testing.T) {
	p, err := project.Load("../testdata/projects/flights", project.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	real := map[string]reflect.Value{}
	settingsByKey("", reflect.ValueOf(p.Settings), real)
	documented := map[string]bool{}
	for _, row := range tableUnder(t, "../docs/settings.md", "| key |") {
		for _, m := range quoted.FindAllStringSubmatch(row[0], -1) {
			key := strings.TrimSuffix(m[1], `."<name>"`)
			documented[key] = true
			v, ok := real[key]
			if d := quoted.FindStringSubmatch(row[1]); ok && d != nil && row[1] == d[0] {
				checkDefault(t, key, strings.ReplaceAll(d[1], "<project>", project.Slug(p.Name)), v)
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(real)), slices.Sorted(maps.Keys(documented))); diff != "" {
		t.Errorf("keys (-program +docs/settings.md):\n%s", diff)
	}
}

// settingsByKey collects the settings by the dotted keys that pyproject.toml has for them.
func settingsByKey(prefix string, v reflect.Value, into map[string]reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key := prefix + field.Tag.Get("toml")
		switch {
		case field.Anonymous:
			settingsByKey(prefix, v.Field(i), into)
		case field.Type.Kind() == reflect.Struct:
			settingsByKey(key+".", v.Field(i), into)
		default:
			into[key] = v.Field(i)
		}
	}
}

func checkDefault(t *testing.T, key, documented string, v reflect.Value) {
	t.Helper()
	want := reflect.New(v.Type())
	if err := json.Unmarshal([]byte(documented), want.Interface()); err != nil {
		t.Errorf("%s: default %s: %v", key, documented, err)
		return
	}
	empty := (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0 && want.Elem().Len() == 0
	if !empty && !reflect.DeepEqual(want.Elem().Interface(), v.Interface()) {
		t.Errorf("%s: docs/settings.md says %s, the program takes %v", key, documented, v)
	}
}
