package build

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// installed is a file of an installed wheel.
type installed struct {
	content []byte
	program bool // may be run
}

// install is what an installer makes of a wheel in a directory, by path: https://packaging.python.org/en/latest/specifications/binary-distribution-format/.
// It depends on the wheel alone: neither on an installer's version nor on where a Python is, as programs ask env for it.
func (w Wheel) install() (map[string]installed, error) {
	r, err := zip.OpenReader(w.Path)
	if err != nil {
		return nil, fmt.Errorf("read wheel: %w", err)
	}
	defer r.Close()
	files, info := map[string]installed{}, ""
	for _, entry := range r.File {
		if top, _, _ := strings.Cut(entry.Name, "/"); path.Ext(top) == ".dist-info" {
			info = top + "/"
		}
		name, program := place(entry.Name)
		if strings.HasSuffix(entry.Name, "/") || name == "" {
			continue
		}
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, fmt.Errorf("read wheel: %q is no path inside it", entry.Name)
		}
		content, err := unzip(entry)
		if err != nil {
			return nil, fmt.Errorf("read wheel: %s: %w", entry.Name, err)
		}
		if rest, ok := bytes.CutPrefix(content, []byte("#!python\n")); ok && program {
			content = append([]byte("#!/usr/bin/env python3\n"), rest...)
		}
		files[name] = installed{content, program || entry.Mode()&0o111 != 0}
	}
	if info == "" {
		return nil, fmt.Errorf("read wheel: %s has no .dist-info", filepath.Base(w.Path))
	}
	for name, call := range consoleScripts(string(files[info+"entry_points.txt"].content)) {
		files["bin/"+name] = installed{[]byte(call), true}
	}
	files[info+"INSTALLER"] = installed{content: []byte("kedroctl\n")}
	files[info+"REQUESTED"] = installed{}
	files[info+"RECORD"] = installed{}
	files[info+"RECORD"] = installed{content: record(files, info+"RECORD")}
	return files, nil
}

func unzip(entry *zip.File) ([]byte, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// place is where a file of a wheel goes, "" for nowhere, and whether it is a program.
func place(name string) (to string, program bool) {
	top, rest, _ := strings.Cut(name, "/")
	if path.Ext(top) != ".data" {
		return name, false
	}
	scheme, rest, _ := strings.Cut(rest, "/")
	switch scheme {
	case "purelib", "platlib", "data":
		return rest, false
	case "scripts":
		return path.Join("bin", rest), true
	}
	return "", false // headers, for compilers
}

// consoleScripts are the programs that entry points ask for, by name.
func consoleScripts(entryPoints string) map[string]string {
	scripts, section := map[string]string{}, ""
	for line := range strings.Lines(entryPoints) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[] ")
			continue
		}
		name, object, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if !ok || section != "console_scripts" || name != path.Base(name) || name == ".." {
			continue
		}
		object, _, _ = strings.Cut(object, "[") // extras
		module, call, _ := strings.Cut(strings.TrimSpace(object), ":")
		first, _, _ := strings.Cut(call, ".")
		scripts[name] = fmt.Sprintf("#!/usr/bin/env python3\nimport sys\n\nfrom %s import %s\n\nif __name__ == \"__main__\":\n    sys.exit(%s())\n",
			strings.TrimSpace(module), first, call)
	}
	return scripts
}

// record lists files with their hashes, but its own.
func record(files map[string]installed, own string) []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		line := []string{name, "", ""}
		if name != own {
			sum := sha256.Sum256(files[name].content)
			line[1], line[2] = "sha256="+base64.RawURLEncoding.EncodeToString(sum[:]), fmt.Sprint(len(files[name].content))
		}
		_ = w.Write(line) // into memory
	}
	w.Flush()
	return out.Bytes()
}
