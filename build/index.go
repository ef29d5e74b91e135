package build

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"gopkg.in/ini.v1"
)

// pypi is the index of those who have named no other.
const pypi = "https://pypi.org/simple"

// index is a package index, as uv knows it (https://docs.astral.sh/uv/concepts/indexes/). Its address may hold a password: it goes to a file of secrets
// and to requests, never into a message.
type index struct {
	Name     string `toml:"name,omitempty"`
	URL      string `toml:"url"`
	Default  bool   `toml:"default,omitempty"`
	Explicit bool   `toml:"explicit,omitempty"` // only for what [tool.uv.sources] pins to it
}

// findIndexes are the indexes that the user's tools use for the project in dir, in the order of their priority: those that files of requirements declare,
// those that the environment names, in the words of uv or of pip, those of uv's settings, those of pip's configuration; last the one that stands for PyPI. User and password come from the address
// itself, else from uv's variables for an index with a name, else from netrc.
func findIndexes(dir string, getenv func(string) string, declared ...index) ([]index, error) {
	declared = slices.Clone(declared)
	list := environmentIndexes(getenv)
	settings, err := uvIndexes(dir, getenv)
	if err != nil {
		return nil, err
	}
	configured, err := pipIndexes(getenv)
	if err != nil {
		return nil, err
	}
	for at := range declared {
		declared[at].URL = variableRef.ReplaceAllStringFunc(declared[at].URL, func(name string) string { return getenv(name[2 : len(name)-1]) })
	}
	list = slices.Concat(declared, list, settings, configured)
	machines, err := readNetrc(getenv)
	if err != nil {
		return nil, err
	}
	var extra, first []index
	seen := map[string]bool{}
	for _, i := range list {
		i.authenticate(machines, getenv)
		switch {
		case seen[i.URL]:
		case i.Default && first == nil:
			first = []index{i}
		case !i.Default:
			extra = append(extra, i)
		}
		seen[i.URL] = true
	}
	if first == nil {
		first = []index{{URL: pypi, Default: true}}
	}
	return slices.Concat(extra, first), nil
}

// variableRef is a reference to one in a file of requirements, as pip and uv take it.
var variableRef = regexp.MustCompile(`\$\{[A-Z0-9_]+\}`)

func environmentIndexes(getenv func(string) string) []index {
	var list []index
	for _, name := range []string{"UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"} {
		for _, text := range strings.Fields(getenv(name)) {
			list = append(list, namedIndex(text))
		}
	}
	for _, name := range []string{"UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"} {
		if text := strings.TrimSpace(getenv(name)); text != "" {
			i := namedIndex(text)
			i.Default = true
			list = append(list, i)
		}
	}
	return list
}

// indexName is what uv takes for one in name=address.
var indexName = regexp.MustCompile(`^([A-Za-z0-9_.-]+)=(.+)$`)

func namedIndex(text string) index {
	if m := indexName.FindStringSubmatch(text); m != nil {
		return index{Name: m[1], URL: m[2]}
	}
	return index{URL: text}
}

// uvSettings are the settings of uv that matter here, in uv.toml or in [tool.uv].
type uvSettings struct {
	Index []index  `toml:"index"`
	First string   `toml:"index-url"`
	Extra []string `toml:"extra-index-url"`
	Pip   *struct {
		First string   `toml:"index-url"`
		Extra []string `toml:"extra-index-url"`
	} `toml:"pip"`
}

func (s uvSettings) indexes() []index {
	list := slices.Clone(s.Index)
	first, extra := []string{s.First}, s.Extra
	if s.Pip != nil {
		first, extra = append(first, s.Pip.First), append(s.Pip.Extra, extra...)
	}
	for _, address := range extra {
		list = append(list, index{URL: address})
	}
	for _, address := range first {
		if address != "" {
			list = append(list, index{URL: address, Default: true})
		}
	}
	return list
}

// uvIndexes are those of the project's uv.toml, or its pyproject.toml where there is none, then of the user's and the system's uv.toml.
func uvIndexes(dir string, getenv func(string) string) ([]index, error) {
	var list []index
	project := filepath.Join(dir, "uv.toml")
	if !isRegular(project) {
		var manifest struct {
			Tool struct {
				UV uvSettings `toml:"uv"`
			} `toml:"tool"`
		}
		if _, err := toml.DecodeFile(filepath.Join(dir, "pyproject.toml"), &manifest); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read indexes: %w", err)
		}
		list = manifest.Tool.UV.indexes()
	}
	home := cmp.Or(getenv("XDG_CONFIG_HOME"), filepath.Join(getenv("HOME"), ".config"))
	for _, file := range []string{project, cmp.Or(getenv("UV_CONFIG_FILE"), filepath.Join(home, "uv", "uv.toml")), "/etc/uv/uv.toml"} {
		var settings uvSettings
		if _, err := toml.DecodeFile(file, &settings); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read indexes of uv: %w", err)
		}
		list = append(list, settings.indexes()...)
	}
	return list, nil
}

// pipIndexes are those of pip's configuration files, the strongest first (https://pip.pypa.io/en/stable/topics/configuration/).
func pipIndexes(getenv func(string) string) ([]index, error) {
	home := getenv("HOME")
	files := []string{
		getenv("PIP_CONFIG_FILE"), filepath.Join(getenv("VIRTUAL_ENV"), "pip.conf"),
		filepath.Join(cmp.Or(getenv("XDG_CONFIG_HOME"), filepath.Join(home, ".config")), "pip", "pip.conf"), filepath.Join(home, ".pip", "pip.conf"),
		"/etc/pip.conf",
	}
	if runtime.GOOS == "darwin" {
		files = slices.Insert(files, 2, filepath.Join(home, "Library", "Application Support", "pip", "pip.conf"))
	}
	if getenv("PIP_CONFIG_FILE") == os.DevNull {
		return nil, nil
	}
	var list []index
	for _, file := range files {
		if !filepath.IsAbs(file) || !isRegular(file) {
			continue
		}
		conf, err := ini.LoadSources(ini.LoadOptions{
			AllowPythonMultilineValues: true, SkipUnrecognizableLines: true, IgnoreInlineComment: true, SpaceBeforeInlineComment: true,
		}, file)
		if err != nil {
			return nil, fmt.Errorf("read indexes of pip: %w", err)
		}
		for _, section := range []string{"install", "global"} {
			s := conf.Section(section)
			for _, address := range strings.Fields(s.Key("extra-index-url").String()) {
				list = append(list, index{URL: address})
			}
			if address := strings.TrimSpace(s.Key("index-url").String()); address != "" {
				list = append(list, index{URL: address, Default: true})
			}
		}
	}
	return list, nil
}

var notInVariable = regexp.MustCompile(`[^A-Z0-9]`)

// authenticate puts user and password into the address, where they are known and not there yet.
func (i *index) authenticate(machines map[string]*url.Userinfo, getenv func(string) string) {
	address, err := url.Parse(i.URL)
	if err != nil || address.User != nil {
		return
	}
	variable := "UV_INDEX_" + notInVariable.ReplaceAllString(strings.ToUpper(i.Name), "_")
	user, password := getenv(variable+"_USERNAME"), getenv(variable+"_PASSWORD")
	switch {
	case i.Name != "" && user+password != "":
		address.User = url.UserPassword(user, password)
	case machines[address.Hostname()] != nil:
		address.User = machines[address.Hostname()]
	case machines[""] != nil && address.Host != "pypi.org": // the entry of all others
		address.User = machines[""]
	default:
		return
	}
	i.URL = address.String()
}

// public is the address without user and password.
func (i *index) public() string {
	address, err := url.Parse(i.URL)
	if err != nil {
		return "an index whose address is none"
	}
	address.User = nil
	return address.String()
}

// readNetrc are user and password by host; "" is the default entry.
func readNetrc(getenv func(string) string) (map[string]*url.Userinfo, error) {
	file := cmp.Or(getenv("NETRC"), filepath.Join(getenv("HOME"), ".netrc"))
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || getenv("NETRC")+getenv("HOME") == "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read netrc: %w", err)
	}
	machines := map[string]*url.Userinfo{}
	words := strings.Fields(string(content))
	host, user := "", ""
	for at := 0; at < len(words); at++ {
		value := ""
		if at+1 < len(words) {
			value = words[at+1]
		}
		switch words[at] {
		case "default":
			host, user = "", ""
			continue
		case "machine":
			host, user = value, ""
		case "login":
			user = value
		case "password":
			if machines[host] == nil { // the first entry of a host counts
				machines[host] = url.UserPassword(user, value)
			}
		case "macdef": // a script for ftp, up to the next entry
			for at+1 < len(words) && words[at+1] != "machine" && words[at+1] != "default" {
				at++
			}
			continue
		default:
			continue
		}
		at++
	}
	return machines, nil
}
