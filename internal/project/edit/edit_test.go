package edit

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

var kedroctl = []string{"tool", "kedroctl"}

func TestSet(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty file": {"", "[tool.kedroctl]\nbucket = \"b\"\n"},
		"no table": {
			"# top\n[tool.kedro] # mine\nx = 1 # one\n",
			"# top\n[tool.kedro] # mine\nx = 1 # one\n\n[tool.kedroctl]\nbucket = \"b\"\n",
		},
		"no line end": {"[tool.kedro]\nx = 1", "[tool.kedro]\nx = 1\n\n[tool.kedroctl]\nbucket = \"b\"\n"},
		"CRLF":        {"[tool.kedro]\r\nx = 1\r\n", "[tool.kedro]\r\nx = 1\r\n\r\n[tool.kedroctl]\r\nbucket = \"b\"\r\n"},
		"behind the last key": {
			"[tool.kedroctl]\n# region of the team\nregion = \"r\"   # fixed\n\n# lint\n[tool.ruff]\n",
			"[tool.kedroctl]\n# region of the team\nregion = \"r\"   # fixed\nbucket = \"b\"\n\n# lint\n[tool.ruff]\n",
		},
		"empty table": {"[ tool . \"kedroctl\" ] # ours\n[tool.x]\n", "[ tool . \"kedroctl\" ] # ours\nbucket = \"b\"\n[tool.x]\n"},
		"before its subtables": {
			"[tool.kedro]\nx = 1\n\n# sizes\n# of jobs\n[tool.kedroctl.job]\nmemory = 1\n",
			"[tool.kedro]\nx = 1\n\n[tool.kedroctl]\nbucket = \"b\"\n\n# sizes\n# of jobs\n[tool.kedroctl.job]\nmemory = 1\n",
		},
		"dotted keys there": {"[tool.kedroctl]\njob.memory = 1\n", "[tool.kedroctl]\njob.memory = 1\nbucket = \"b\"\n"},
		"dotted table":      {"[tool]\nkedroctl.region = \"x\"\nx = 1\n", "[tool]\nkedroctl.region = \"x\"\nkedroctl.bucket = \"b\"\nx = 1\n"},
		"strings that look like headers": {
			"a = \"\"\"\n[tool.kedroctl]\n\\\"\"\"\"\"\nb = '''\n[tool.kedroctl]'''\n[tool.kedroctl]\nc = [ # [tool.kedroctl]\n  \"]\", ['#'],\n]\n",
			"a = \"\"\"\n[tool.kedroctl]\n\\\"\"\"\"\"\nb = '''\n[tool.kedroctl]'''\n[tool.kedroctl]\nc = [ # [tool.kedroctl]\n  \"]\", ['#'],\n]\nbucket = \"b\"\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Set(test.text, kedroctl, "bucket", "b")
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestAppend(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"one line":       {`dependencies = ["a", "b"] # c`, `dependencies = ["a", "b", "s"] # c`},
		"trailing comma": {`dependencies = ["a", "b", ]`, `dependencies = ["a", "b", "s", ]`},
		"empty":          {`dependencies = [ ]`, `dependencies = ["s"]`},
		"empty lines":    {"dependencies = [\n]", "dependencies = [\n    \"s\",\n]"},
		"literal":        {`dependencies = ['a']`, `dependencies = ['a', 's']`},
		"lines": {
			"dependencies = [\n  \"a[x,y]>=1\", # why, and ] how\n  # last\n  \"b; python_version < '3.13'\",   # the end\n]\n",
			"dependencies = [\n  \"a[x,y]>=1\", # why, and ] how\n  # last\n  \"b; python_version < '3.13'\",   # the end\n  \"s\",\n]\n",
		},
		"lines, last without comma": {"dependencies = [\n\t\"a\",\n\t\"b\" # the end\n]\n", "dependencies = [\n\t\"a\",\n\t\"b\", # the end\n\t\"s\"\n]\n"},
		"CRLF":                      {"dependencies = [\r\n  \"a\",\r\n]\r\n", "dependencies = [\r\n  \"a\",\r\n  \"s\",\r\n]\r\n"},
		"bracket on the last line":  {"dependencies = [\"a\",\n  \"b\"]\n", "dependencies = [\"a\",\n  \"b\", \"s\"]\n"},
		"comma on the next line":    {"dependencies = [\n  \"a\"\n  ,\n]\n", "dependencies = [\n  \"a\"\n  ,\n  \"s\",\n]\n"},
		"absent":                    {"name = \"x\"\n[tool.x]\n", "name = \"x\"\ndependencies = [\"s\"]\n[tool.x]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			eol := newline(test.text)
			got, err := Append("[project]"+eol+test.text, []string{"project"}, "dependencies", "s")
			if diff := cmp.Diff("[project]"+eol+test.want, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestRefusesWhatItCannotEdit(t *testing.T) {
	for name, text := range map[string]string{
		"inline table":    "[tool]\nkedroctl = { region = \"x\" }\n",
		"key there":       "[tool.kedroctl]\nbucket = \"x\"\n",
		"not a table":     "[tool]\nkedroctl = 1\n",
		"array of tables": "[[tool.kedroctl]]\nx = 1\n",
	} {
		if got, err := Set(text, kedroctl, "bucket", "b"); !errors.Is(err, ErrShape) {
			t.Errorf("%s: %v; want ErrShape, not\n%s", name, err, got)
		}
	}
	for name, text := range map[string]string{"not a list": "[project]\ndependencies = 1\n", "inline": "project = { dependencies = [\"a\"] }\n"} {
		if got, err := Append(text, []string{"project"}, "dependencies", "s"); !errors.Is(err, ErrShape) {
			t.Errorf("%s: %v; want ErrShape, not\n%s", name, err, got)
		}
	}
}

// FuzzEdit checks that an edit is refused, or adds one thing and deletes no line of the old text.
func FuzzEdit(f *testing.F) {
	for _, seed := range []string{
		"", "[tool.kedro]\nx = 1", "[project]\ndependencies = [\n 'a', # b\n]\n[tool.kedroctl.job]\r\n", "a = \"\"\"\n\"\"\"\n[[tool.x]]\ny = {a = [1, {b = ']'}]}",
		"[project]\ndependencies = ['''a''', \"\"\"b\\\n  c\"\"\"]", "x = 1979-05-27 07:32:00 # d\n\"a.b\".c = inf\n[project]\ndependencies = [ # x\n\n]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var old map[string]any
		if toml.Unmarshal([]byte(text), &old) != nil {
			t.Skip()
		}
		if edited, err := Set(text, kedroctl, "bucket", "b"); err == nil {
			checkEdit(t, text, edited, old, kedroctl, "bucket")
		}
		if edited, err := Append(text, []string{"project"}, "dependencies", "s"); err == nil {
			checkEdit(t, text, edited, old, []string{"project"}, "dependencies")
		}
	})
}

func checkEdit(t *testing.T, text, edited string, old map[string]any, table []string, key string) {
	t.Helper()
	var parsed map[string]any
	if err := toml.Unmarshal([]byte(edited), &parsed); err != nil {
		t.Fatalf("%v in\n%s", err, edited)
	}
	at, _ := tableAt(parsed, table)
	switch value := at[key].(type) {
	case string:
		delete(at, key)
	case []any:
		at[key] = value[:len(value)-1]
		if before, err := tableAt(old, table); err == nil && before[key] == nil {
			delete(at, key)
		}
	default:
		t.Fatalf("%s = %v in\n%s", key, at[key], edited)
	}
	for _, root := range []map[string]any{old, parsed} { // a table that the edit made is empty again
		for _, path := range [][]string{kedroctl, {"project"}} {
			_, _ = tableAt(root, path)
		}
	}
	if !reflect.DeepEqual(old, parsed) {
		t.Fatalf("other keys changed:\n%s", cmp.Diff(old, parsed))
	}
	if rest := remove(edited, text); rest != "" {
		t.Fatalf("lost from %q on in\n%s", rest, edited)
	}
}

// remove takes the letters of old, in order, out of text, and returns what it did not find.
func remove(text, old string) string {
	old = strings.Join(strings.Fields(old), "")
	for i := range len(text) {
		if old != "" && text[i] == old[0] {
			old = old[1:]
		}
	}
	return old
}
