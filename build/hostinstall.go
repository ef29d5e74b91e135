package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/scratch"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// dependencyDir is where dependencies are in the image, relative to /.
const dependencyDir = "srv/kedro/dependencies"

// layersOf is where the layers of the dependencies are below the directory that they are installed in.
const layersOf = "layers"

// installDependencies installs what the layout names for the image's platform below root, which stands for / of the image, and arranges it in layers, as the
// step of the Dockerfile does.
func (h *host) installDependencies(ctx context.Context, l layout, deps Dependencies, settings project.ImageSettings, python imagePython, root string) error {
	target := filepath.Join(root, filepath.FromSlash(dependencyDir))
	args := []string{"pip", "install", "--no-deps", "--only-binary", ":all:", "--target", target, "--python", h.python, "--python-platform", uvPlatforms[settings.Platform]}
	if !h.compiles {
		args = append(args, "--python-version", python.minor())
	}
	temp, remove, err := scratch.New("", "install")
	if err != nil {
		return err
	}
	defer remove()
	if config := deps.secrets["uv"]; config != nil {
		file := filepath.Join(temp, "uv.toml")
		if err := os.WriteFile(file, config, 0o600); err != nil {
			return err
		}
		args = append(args, "--config-file", file)
	}
	fail := func(err error) error {
		text := withoutPasswords(err.Error(), deps.indexes)
		return ui.WithHint(fmt.Errorf("install the dependencies of %s: %s", l.source, text), "correct the dependencies, or leave out a distribution with [tool.kedroctl.image] exclude")
	}
	if _, err := h.runUV(ctx, filepath.Join(l.dir, "dependencies"), slices.Concat(args, []string{"--requirements", "requirements.txt"})...); err != nil {
		return fail(err)
	}
	wheels := filepath.Join(temp, "wheels")
	names, err := deps.hostWheels(ctx, l, h.python, wheels, settings.Platform)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		args = slices.Concat(args, []string{"--no-index", "--find-links", wheels}, names)
		if _, err := h.runUV(ctx, wheels, args...); err != nil {
			return fail(err)
		}
	}
	if err := startBy(root, h.python, python.program); err != nil {
		return err
	}
	if err := h.arrange(ctx, filepath.Join(l.dir, "dependencies"), settings.Slim, target, python, filepath.Join(root, layersOf)); err != nil {
		return fmt.Errorf("make layers of the dependencies: %w", err)
	}
	return nil
}

// arrange makes the directories of the layers, below out, of what was installed.
func (h *host) arrange(ctx context.Context, deps string, slim bool, installed string, python imagePython, out string) error {
	args := []string{"arrange.py", "--installed", installed, "--site", "/" + dependencyDir, "--out", out,
		"--layers", fmt.Sprintf("%d,%d", largeLayers, smallLayers), "--cache", filepath.Join(filepath.Dir(h.keep), "bytecode"), "--purelib", python.site, "--used", "used.txt"}
	if !slim {
		args = append(args, "--whole")
	}
	if !h.compiles {
		args = append(args, "--no-bytecode")
	}
	_, err := h.run(ctx, deps, h.python, args...)
	return err
}

// startBy lets the programs of the dependencies start by the image's Python in place of this machine's, and corrects their hashes in the records of the
// distributions. Files become new ones: those here may be uv's own, in its cache.
func startBy(root, here, python string) error {
	dir := filepath.Join(root, filepath.FromSlash(dependencyDir))
	programs, err := filepath.Glob(filepath.Join(dir, "bin", "*"))
	if err != nil {
		return err
	}
	changed := map[string][]byte{}
	for _, file := range programs {
		if !isRegular(file) {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rest, ok := withoutPython(content, here)
		if !ok {
			continue
		}
		name := "bin/" + filepath.Base(file)
		changed[name] = append([]byte("#!"+python+"\n"), rest...)
		if err := replace(file, changed[name], 0o755); err != nil {
			return err
		}
	}
	records, err := filepath.Glob(filepath.Join(dir, "*.dist-info", "RECORD"))
	if err != nil {
		return err
	}
	for _, file := range records {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if now := recorded(content, changed); !bytes.Equal(now, content) {
			if err := replace(file, now, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// replace puts a new file in the place of one.
func replace(file string, content []byte, mode os.FileMode) error {
	if err := os.Remove(file); err != nil {
		return err
	}
	return os.WriteFile(file, content, mode)
}

// withoutPython is a program without the line that starts it by an interpreter. Where that would be too long for a kernel, uv lets a shell start it.
func withoutPython(content []byte, python string) ([]byte, bool) {
	line, rest, _ := bytes.Cut(content, []byte("\n"))
	if string(line) == "#!"+python {
		return rest, true
	}
	if start, _, _ := bytes.Cut(rest, []byte("\n")); string(line) == "#!/bin/sh" && bytes.HasPrefix(start, []byte("'''exec' ")) && bytes.Contains(start, []byte(python)) {
		_, rest, ok := bytes.Cut(rest, []byte("\n' '''\n"))
		return rest, ok
	}
	return nil, false
}

// recorded is the record of a distribution with the hashes and sizes of programs that have changed.
func recorded(record []byte, changed map[string][]byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(record) {
		name, _, _ := strings.Cut(string(line), ",")
		content, ok := changed[name]
		if !ok {
			out.Write(line)
			continue
		}
		sum := sha256.Sum256(content)
		fmt.Fprintf(&out, "%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(content))
	}
	return out.Bytes()
}
