package project

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/templates"
)

// reads is what a snapshot depends on, as introspection watched itself read it (templates/introspect_reads.py), besides what is always looked at:
// sources, configuration, interpreter.
type reads struct {
	Executable  string   `json:"executable"`  // the interpreter's own name for itself
	Paths       []string `json:"paths"`       // where it looks for modules
	Files       []string `json:"files"`       // read, or looked for in vain
	Directories []string `json:"directories"` // listed
	Code        []string `json:"code"`        // those of both that were read before the configuration: what the pipelines depend on
	Variables   []string `json:"variables"`   // names in the environment; "*": all
	Unknowable  string   `json:"unknowable"`  // what the project does on import that leaves no trace; "": nothing
}

// loadReads gives what cannot be known where the script left none.
func loadReads(file string) reads {
	text, err := os.ReadFile(file)
	if err != nil {
		return reads{Unknowable: "introspection does not tell what it read"}
	}
	var r reads
	if err := json.Unmarshal(text, &r); err != nil {
		return reads{Unknowable: fmt.Sprintf("what introspection read is not told: %v", err)}
	}
	return r
}

// ofCode are those of the code alone.
func (r reads) ofCode() reads {
	other := func(path string) bool { return !slices.Contains(r.Code, path) }
	r.Files, r.Directories = slices.DeleteFunc(slices.Clone(r.Files), other), slices.DeleteFunc(slices.Clone(r.Directories), other)
	return r
}

// withCode are those of an introspection that did not import the code, and those of the one that last did.
func (r reads) withCode(last reads) reads {
	code := last.ofCode()
	r.Files, r.Directories, r.Variables = union(r.Files, code.Files), union(r.Directories, code.Directories), union(r.Variables, code.Variables)
	r.Paths, r.Code = last.Paths, last.Code
	return r
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// inputs hashes all that a snapshot is made of.
type inputs struct {
	code    bool // only what the pipelines depend on: no configuration
	project Project
	options InspectOptions
	python  Python
	reads   reads
	conf    string // directory of the configuration, or a file
}

func (in inputs) sum(ctx context.Context, tried []candidate) (string, error) {
	d := NewDigest()
	if err := d.Add(in.options, in.python, string(templates.Introspect()), string(templates.IntrospectLogging()), in.reads); err != nil {
		return "", err
	}
	for _, add := range []func(*Digest) error{in.addTree, in.addReads, in.addDistributions, in.addVariables} {
		if err := add(d); err != nil {
			return "", err
		}
	}
	if err := in.addInterpreter(ctx, d, tried); err != nil {
		return "", err
	}
	return d.Sum(), nil
}

// tree hashes the part of the inputs that people edit.
func (in inputs) tree() (string, error) {
	d := NewDigest()
	err := in.addTree(d)
	return d.Sum(), err
}

// addTree adds pyproject.toml, the sources, and the whole configuration: which environments a loader reads is its own business.
func (in inputs) addTree(d *Digest) error {
	if err := d.AddPyproject(in.project); err != nil {
		return err
	}
	names, err := Sources(in.project)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == Pyproject {
			continue
		}
		if err := d.AddFile(name, filepath.Join(in.project.Dir, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	if in.code {
		return nil
	}
	return filepath.WalkDir(in.conf, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return d.Add("no", path)
		}
		if err != nil || e.IsDir() {
			return err
		}
		return d.AddFile(path, path)
	})
}

// largeFile is the size in bytes from which a file outside of sources and configuration counts by size and time: data that code reads when imported.
const largeFile = 16 << 20

func (in inputs) addReads(d *Digest) error {
	for _, file := range in.reads.Files {
		if in.code && under(file, in.conf) {
			continue
		}
		if info, err := os.Stat(file); err == nil && info.Size() >= largeFile {
			if err := d.Add(file, info.Size(), info.ModTime().UnixNano()); err != nil {
				return err
			}
			continue
		}
		if err := d.AddFile(file, file); err != nil {
			return err
		}
	}
	for _, dir := range in.reads.Directories {
		if in.code && under(dir, in.conf) {
			continue
		}
		names, err := listed(dir, func(name string) bool { return name != "__pycache__" && name+"/" != stateDir && name != OwnLock })
		if err != nil {
			return err
		}
		if err := d.Add(dir, names); err != nil {
			return err
		}
	}
	return nil
}

// under says whether a path is a directory or lies in it.
func under(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+string(filepath.Separator))
}

// listed are the names in a directory that count, none where there is no such directory.
func listed(dir string, counts func(name string) bool) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if counts(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// metadata are the endings of what installers leave beside packages.
var metadata = []string{".dist-info", ".egg-info", ".egg-link", ".pth"}

// addDistributions adds what is installed: each distribution's metadata has its version in the name, and is written anew by every installation.
func (in inputs) addDistributions(d *Digest) error {
	for _, place := range in.reads.Paths {
		names, err := listed(place, func(name string) bool { return slices.Contains(metadata, filepath.Ext(name)) })
		if err != nil { // a zip file
			names = []string{""}
		}
		for _, name := range names {
			path := filepath.Join(place, name)
			if err := d.Add(path, identity(path)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Variables that count though no code in Python reads them by name, and those that differ from terminal to terminal or that introspection sets itself.
var (
	readUnseen   = []string{"PYTHON", "KEDRO", "DYNACONF"} // prefixes
	neverCounted = []string{
		"DO_NOT_TRACK", "PYTHONDONTWRITEBYTECODE", "KEDRO_LOGGING_CONFIG", "_", "SHLVL", "PWD", "OLDPWD", "TERM", "TERM_PROGRAM", "TERM_SESSION_ID",
		"COLORTERM", "COLUMNS", "LINES", "WINDOWID", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "XDG_SESSION_ID", "NO_COLOR",
	}
)

// addVariables adds the variables that were read. Their values are in the sum alone.
func (in inputs) addVariables(d *Digest) error {
	all := slices.Contains(in.reads.Variables, "*")
	var counted []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		unseen := slices.ContainsFunc(readUnseen, func(prefix string) bool {
			return strings.HasPrefix(name, prefix) && !strings.HasPrefix(name, "KEDROCTL")
		})
		if (all || unseen || slices.Contains(in.reads.Variables, name)) && !slices.Contains(neverCounted, name) {
			counted = append(counted, variable)
		}
	}
	slices.Sort(counted)
	return d.Add(counted)
}

// addInterpreter adds the interpreter, and those that would go before it if they were there or had Kedro. One behind the shim of a version manager is
// asked where it is: what it chooses by is its own business.
func (in inputs) addInterpreter(ctx context.Context, d *Digest, tried []candidate) error {
	for _, c := range tried {
		path, err := exec.LookPath(c.path)
		if err := d.Add(c.path, path, identity(path), err == nil); err != nil {
			return err
		}
		if c.path == in.python.Command[0] {
			break
		}
	}
	path, err := exec.LookPath(in.python.Command[0])
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	executable := in.reads.Executable
	if own, err := filepath.EvalSymlinks(executable); err != nil || own != real {
		described, err := in.python.Describe(ctx, os.Environ())
		if err != nil {
			return err
		}
		executable = described.Path
	}
	if err := d.Add(executable, identity(executable)); err != nil {
		return err
	}
	venv := filepath.Join(filepath.Dir(filepath.Dir(executable)), "pyvenv.cfg")
	return d.AddFile(venv, venv)
}

// identity changes when a program or directory is replaced; it is "" where there is none.
func identity(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	info, err := os.Stat(real)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s %d %d", real, info.Size(), info.ModTime().UnixNano())
}
