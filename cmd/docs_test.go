package cmd

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
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
		case field.Tag.Get("toml") == "-":
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

func TestReadmeListsEveryExitCode(t *testing.T) {
	var documented []string
	for _, row := range tableUnder(t, "../README.md", "| exit code |") {
		documented = append(documented, row[0])
	}
	var real []string
	for _, code := range []int{0, exitFailed, exitUsage, exitRunFailed, exitProject, exitInterrupted} {
		real = append(real, strconv.Itoa(code))
	}
	if diff := cmp.Diff(real, documented); diff != "" {
		t.Errorf("exit codes (-program +README.md):\n%s", diff)
	}
}

// Flags that the pages speak of and that are those of other programs.
var foreignFlags = []string{"conf-source"}

func TestDocumentedFlagsExist(t *testing.T) {
	app := newApp(newDeps(Stdio{}, func(string) string { return "" }))
	known := takesValue(app.Flags)
	for _, c := range app.Commands {
		maps.Copy(known, takesValue(c.Flags))
	}
	for _, page := range pages(t) {
		for _, m := range regexp.MustCompile("`--([a-z-]+)").FindAllStringSubmatch(page.text, -1) {
			if _, ok := known[m[1]]; !ok && !slices.Contains(foreignFlags, m[1]) {
				t.Errorf("%s: no command has the flag --%s", page.file, m[1])
			}
		}
	}
}

// TestVariablesAreDocumented looks for the names of variables in all that is built into the program; those that only tests set are not its own.
func TestVariablesAreDocumented(t *testing.T) {
	var documented strings.Builder
	for _, page := range pages(t) {
		documented.WriteString(page.text)
	}
	name := regexp.MustCompile("KEDROCTL_[A-Z_]*[A-Z]")
	internal := []string{"KEDROCTL_JOB_DIR"} // from the container entry to its own hooks
	for _, root := range []string{".", "../build", "../internal", "../provision", "../run", "../templates/boot", "../templates/image"} {
		err := fs.WalkDir(os.DirFS(root), ".", func(file string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, ".pyc") {
				return err
			}
			text, err := os.ReadFile(filepath.Join(root, file))
			for _, variable := range name.FindAllString(string(text), -1) {
				if !strings.Contains(documented.String(), "`"+variable) && !slices.Contains(internal, variable) {
					t.Errorf("%s/%s: no page has %s", root, file, variable)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

type page struct{ file, text string }

// pages are README.md and the pages of docs.
func pages(t *testing.T) []page {
	t.Helper()
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []page
	for _, file := range append(files, "../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page{file, string(text)})
	}
	return all
}

// TestEventsAreDocumented compares docs/events.md with what a run tells.
func TestEventsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, names := range map[string]*regexp.Regexp{
		"../run/reporter.go": regexp.MustCompile(`\bNotice\w+ += "(\w+)"`),
		"../run/job.go":      regexp.MustCompile("`json:\"(\\w+)"),
		"events.go":          regexp.MustCompile("`json:\"(\\w+)|\\bevent\\w+ += \"(\\w+)\""),
	} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := names.FindAllStringSubmatch(string(source), -1)
		for _, m := range found {
			if word := strings.Join(m[1:], ""); !strings.Contains(string(page), "`"+word+"`") {
				t.Errorf("docs/events.md lacks %s of %s", word, file)
			}
		}
		if len(found) < 5 {
			t.Errorf("%d names in %s", len(found), file)
		}
	}
}
