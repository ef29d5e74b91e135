package build

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindIndexes(t *testing.T) {
	tests := []struct {
		name     string
		env      map[string]string
		files    map[string]string // HOME is home, the project's directory is project
		declared []index
		want     []string
	}{
		{"nothing", nil, nil, nil, []string{pypi}},
		{
			"declared", map[string]string{"UV_DEFAULT_INDEX": "https://mirror.example/simple", "TOKEN": "t0"}, nil,
			[]index{{URL: "https://me:${TOKEN}@team.example/simple"}, {URL: "https://first.example/simple", Default: true}},
			[]string{"https://me:t0@team.example/simple", "https://first.example/simple"},
		},
		{
			"variables of uv", map[string]string{
				"UV_INDEX": "team=https://team.example/simple  https://u:p@other.example/simple", "UV_DEFAULT_INDEX": "https://mirror.example/simple",
				"UV_INDEX_TEAM_USERNAME": "me", "UV_INDEX_TEAM_PASSWORD": "a/b",
			}, nil, nil,
			[]string{"https://me:a%2Fb@team.example/simple", "https://u:p@other.example/simple", "https://mirror.example/simple"},
		},
		{
			"variables of pip, netrc", map[string]string{"PIP_INDEX_URL": "https://mirror.example/simple", "PIP_EXTRA_INDEX_URL": "https://extra.example/s"},
			map[string]string{"home/.netrc": "machine extra.example\n  login me\n  password secret\nmachine x login y password z"}, nil,
			[]string{"https://me:secret@extra.example/s", "https://mirror.example/simple"},
		},
		{
			"the project's before the user's", nil, map[string]string{
				"project/pyproject.toml": "[[tool.uv.index]]\nname = \"team-1\"\nurl = \"https://team.example/simple\"\nexplicit = true\n" +
					"[[tool.uv.index]]\nurl = \"https://mirror.example/simple\"\ndefault = true\n",
				"home/.config/uv/uv.toml":   "index-url = \"https://weaker.example/simple\"\n[pip]\nextra-index-url = [\"https://extra.example/s\"]\n",
				"home/.config/pip/pip.conf": "[global]\nindex-url = https://weakest.example/simple\nextra-index-url =\n    https://a.example/%25s\n    https://b.example/s\n",
			}, nil,
			[]string{"https://team.example/simple", "https://extra.example/s", "https://a.example/%25s", "https://b.example/s", "https://mirror.example/simple"},
		},
		{
			"uv.toml instead of pyproject.toml", map[string]string{"NETRC": "secrets"}, map[string]string{
				"project/pyproject.toml": "[tool.uv]\nextra-index-url = [\"https://unread.example\"]\n",
				"project/uv.toml":        "extra-index-url = [\"https://read.example/s\"]\n",
			}, nil,
			[]string{"https://read.example/s", pypi},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tt.files)
			env := map[string]string{"HOME": filepath.Join(dir, "home"), "PIP_CONFIG_FILE": ""}
			for name, value := range tt.env {
				env[name] = value
			}
			found, err := findIndexes(filepath.Join(dir, "project"), func(name string) string { return env[name] }, tt.declared...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range found {
				got = append(got, i.URL)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
