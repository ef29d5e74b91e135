package build

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// buildSecrets are the files that steps of a build see while they run, by the id of the mount: what uv and pip have to know of indexes, and the passwords of
// the hosts that pins name. No layer has them, and no history: a step is the same whatever they hold.
func (d Dependencies) buildSecrets(machines map[string]*url.Userinfo) (map[string][]byte, error) {
	files := map[string][]byte{}
	if len(d.indexes) > 1 || d.indexes[0].URL != pypi {
		uv, err := d.uvConfig()
		if err != nil {
			return nil, err
		}
		files["uv"], files["pip"] = uv, pipConfig(d.indexes)
	}
	if netrc := d.netrc(machines); netrc != "" {
		files["netrc"] = []byte(netrc)
	}
	return files, nil
}

// uvConfig has the indexes in the order in which they count. Where each pin of a wheel has a hash it does not matter which of them a file comes from: uv looks on where
// the first that has the distribution lacks the version.
func (d Dependencies) uvConfig() ([]byte, error) {
	var list []index
	for _, i := range d.indexes {
		i.Explicit = false // the pins do not say which of them are for such an index
		list = append(list, i)
	}
	config := map[string]any{"index": list}
	if !slices.ContainsFunc(d.pins, func(p pin) bool { return !d.isSource(p) && !strings.Contains(p.line, "--hash") }) {
		config["index-strategy"] = "unsafe-first-match"
	}
	return toml.Marshal(config)
}

func pipConfig(indexes []index) []byte {
	var first string
	var extra, trusted []string
	for _, i := range indexes {
		if i.Default {
			first = i.URL
		} else {
			extra = append(extra, i.URL)
		}
		if address, err := url.Parse(i.URL); err == nil && address.Scheme == "http" { // pip would ignore it
			trusted = append(trusted, address.Host)
		}
	}
	text := "[global]\nindex-url = " + first + "\n"
	for key, values := range map[string][]string{"extra-index-url": extra, "trusted-host": trusted} {
		if len(values) > 0 {
			text += key + " =\n    " + strings.Join(values, "\n    ") + "\n"
		}
	}
	return []byte(text)
}

// netrc has the entries of those hosts alone that a pin of another kind than an index's comes from.
func (d Dependencies) netrc(machines map[string]*url.Userinfo) string {
	var text string
	seen := map[string]bool{}
	for _, p := range d.pins {
		_, rest, ok := strings.Cut(p.line, "://")
		if !ok {
			continue
		}
		address, err := url.Parse("https://" + rest)
		if err != nil {
			continue
		}
		host := address.Hostname()
		user := machines[host]
		if user == nil || seen[host] {
			continue
		}
		seen[host] = true
		password, _ := user.Password()
		text += fmt.Sprintf("machine %s login %s password %s\n", host, user.Username(), password)
	}
	return text
}

// secretPlaces are where steps of a build have the files of [Dependencies.buildSecrets]: there the tools look for them by themselves.
var secretPlaces = []struct{ id, path string }{
	{"netrc", "/root/.netrc"}, {"pip", "/etc/pip.conf"}, {"uv", "/etc/uv/uv.toml"},
}

// secretMounts is what stands between RUN and the rest of a step, "" without secrets.
func (d Dependencies) secretMounts() string {
	text := ""
	for _, place := range secretPlaces {
		if d.secrets[place.id] != nil {
			text += fmt.Sprintf("--mount=type=secret,id=%s,target=%s ", place.id, place.path)
		}
	}
	return text
}
