package build

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// resolver runs uv on this machine for an image's platform and Python.
type resolver struct {
	uv, dir  string
	host     []string // interpreter of this machine: uv asks it about sources that must be built to tell what they need
	python   string   // of the image
	platform string   // as uv calls it
	indexes  []index
	temp     string   // directory for what uv reads and writes
	more     []string // variables of the environment besides
}

// argument is how uv is told of an index.
func (i index) argument() string {
	if i.Name == "" {
		return i.URL
	}
	return i.Name + "=" + i.URL
}

// env is the environment of uv: the user's own, with pip's indexes in uv's words.
func (r resolver) env() []string {
	var extra []string
	env := append(os.Environ(), "UV_PYTHON_DOWNLOADS=never", "UV_NO_PROGRESS=1", "NO_COLOR=1")
	for _, i := range r.indexes {
		switch {
		case i.Default:
			env = append(env, "UV_DEFAULT_INDEX="+i.argument())
		case !i.Explicit: // those uv finds itself
			extra = append(extra, i.argument())
		}
	}
	return slices.Concat(env, []string{"UV_INDEX=" + strings.Join(extra, " ")}, r.more)
}

// run gives the output of uv in the project's directory, and its account of a failure as the error.
func (r resolver) run(ctx context.Context, stdin string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, r.uv, args...)
	c.Dir, c.Env, c.Stdin = r.dir, r.env(), strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if text := resolverMessage(stderr.String()); text != "" {
			return "", fmt.Errorf("%s", withoutPasswords(text, r.indexes))
		}
		return "", err
	}
	return stdout.String(), nil
}

// withoutPasswords is a text without the passwords of indexes, which tools mask themselves: that is not to depend on them.
func withoutPasswords(text string, indexes []index) string {
	for _, i := range indexes {
		address, err := url.Parse(i.URL)
		if err != nil || address.User == nil {
			continue
		}
		password, ok := address.User.Password()
		if !ok {
			password = address.User.Username() // a token alone
		}
		if password != "" {
			text = strings.NewReplacer(password, "****", url.QueryEscape(password), "****", url.PathEscape(password), "****").Replace(text)
		}
	}
	return text
}

// write puts a file where uv reads it.
func (r resolver) write(name string, content []byte) (string, error) {
	file := filepath.Join(r.temp, name)
	return file, os.WriteFile(file, content, 0o600)
}

func (r resolver) target() []string {
	args := []string{"--quiet", "--python-version", r.python, "--python-platform", r.platform}
	if len(r.host) > 0 {
		args = append(args, "--python", r.host[0])
	}
	return args
}

// compile resolves what is declared. What before has, another resolution, is kept where it can be.
func (r resolver) compile(ctx context.Context, d declared, before string) (string, error) {
	args := slices.Concat([]string{"pip", "compile", "-"}, r.target(), []string{"--generate-hashes", "--no-header"})
	if d.manifest {
		args = slices.Concat(args, []string{"pyproject.toml"}, d.extraArguments())
	}
	for option, lines := range map[string][]string{"--constraints": d.constraints, "--excludes": d.excludes} {
		if len(lines) == 0 {
			continue
		}
		file, err := r.write(strings.TrimPrefix(option, "--")+".txt", joined(lines))
		if err != nil {
			return "", err
		}
		args = append(args, option, file)
	}
	out, err := r.write("resolved.txt", []byte(before))
	if err != nil {
		return "", err
	}
	if _, err := r.run(ctx, string(joined(slices.Concat(d.options, d.requirements))), append(args, "--output-file", out)...); err != nil {
		return "", err
	}
	content, err := os.ReadFile(out)
	return r.withoutPlaces(string(content)), err
}

// withoutPlaces names files of ours in a resolution without the directory that they were in.
func (r resolver) withoutPlaces(text string) string {
	if relative, err := filepath.Rel(r.dir, r.temp); err == nil {
		text = strings.ReplaceAll(text, relative+string(filepath.Separator), "")
	}
	return strings.ReplaceAll(text, r.temp+string(filepath.Separator), "")
}

// export is what a uv.lock fixes, as a requirements file. A lock that is older than pyproject.toml is an error.
func (r resolver) export(ctx context.Context, d declared) (string, error) {
	args := []string{"export", "--quiet", "--locked", "--no-default-groups", "--no-emit-project", "--no-editable", "--no-header", "--format", "requirements.txt"}
	args = append(args, d.extraArguments()...)
	if len(r.host) > 0 {
		args = append(args, "--python", r.host[0])
	}
	return r.run(ctx, "", args...)
}

// source is a distribution that an index has no wheel of for the image, or that lies elsewhere.
type source struct {
	Name string `json:"name"`
	Path string `json:"path,omitempty"` // of a directory or file, relative to the project
	Git  bool   `json:"git,omitempty"`
}

// lockedPackage is an entry of pylock.toml (PEP 751), which has only those wheels that the image can take.
type lockedPackage struct {
	Name      string `toml:"name"`
	Wheels    []any  `toml:"wheels"`
	VCS       any    `toml:"vcs"`
	Directory *struct {
		Path string `toml:"path"`
	} `toml:"directory"`
	Archive *struct {
		Path string `toml:"path"`
		URL  string `toml:"url"`
	} `toml:"archive"`
}

// sources finds out which of the pins are not wheels yet. What uv has in its cache is enough where it has been asked for them before.
func (r resolver) sources(ctx context.Context, pins string, options []string) ([]source, error) {
	out := filepath.Join(r.temp, "pylock.toml")
	args := slices.Concat([]string{"pip", "compile", "-", "--no-deps"}, r.target(), []string{"--format", "pylock.toml", "--output-file", out})
	text := string(joined(options)) + pins
	if _, err := r.run(ctx, text, append(slices.Clone(args), "--offline")...); err != nil {
		if _, err := r.run(ctx, text, args...); err != nil {
			return nil, err
		}
	}
	var lock struct {
		Packages []lockedPackage `toml:"packages"`
	}
	if _, err := toml.DecodeFile(out, &lock); err != nil {
		return nil, err
	}
	var found []source
	for _, p := range lock.Packages {
		switch {
		case p.VCS != nil:
			found = append(found, source{Name: p.Name, Git: true})
		case p.Directory != nil:
			found = append(found, source{Name: p.Name, Path: r.relative(p.Directory.Path)})
		case p.Archive != nil && p.Archive.Path != "":
			found = append(found, source{Name: p.Name, Path: r.relative(p.Archive.Path)})
		case p.Archive != nil && !strings.HasSuffix(p.Archive.URL, ".whl") || p.Archive == nil && len(p.Wheels) == 0:
			found = append(found, source{Name: p.Name})
		}
	}
	return found, nil
}

// relative is a path of the lock, which is relative to the lock's own directory, from the project's.
func (r resolver) relative(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.temp, path)
	}
	if relative, err := filepath.Rel(r.dir, path); err == nil {
		return filepath.ToSlash(relative)
	}
	return path
}

// sdist makes an archive of the sources in a directory that is a copy.
func (r resolver) sdist(ctx context.Context, dir, out string) error {
	args := []string{"build", "--quiet", "--sdist", "--out-dir", out}
	if len(r.host) > 0 {
		args = append(args, "--python", r.host[0])
	}
	_, err := r.run(ctx, "", append(args, dir)...)
	return err
}

// wheels makes wheels of what the arguments of pip name, with its configuration and the constraints of builds in a directory of settings. Where the
// sources want another version than these have, it does without. Before 25.3 pip constrains builds by what constrains all.
func (r resolver) wheels(ctx context.Context, settings, dir string, what ...string) error {
	args := []string{"tool", "run", "--quiet"}
	if len(r.host) > 0 {
		args = append(args, "--python", r.host[0])
	}
	args = append(args, "pip", "wheel", "--quiet", "--no-cache-dir", "--no-deps", "--wheel-dir", dir)
	args = append(args, what...)
	constraints := filepath.Join(settings, pipConstraints)
	free := []string{"PIP_CONFIG_FILE=" + filepath.Join(settings, pipConf), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch.Unix())}
	r.more = append(free[:len(free):len(free)], "PIP_CONSTRAINT="+constraints, "PIP_BUILD_CONSTRAINT="+constraints)
	_, err := r.run(ctx, "", args...)
	if err != nil && ctx.Err() == nil {
		r.more = free
		_, err = r.run(ctx, "", args...)
	}
	return err
}
