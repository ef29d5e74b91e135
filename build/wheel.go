package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/scratch"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// epoch is the time of every file that kedroctl puts into a wheel or an image: the earliest that zip archives know.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Wheel is a project's wheel on this machine.
type Wheel struct {
	Path    string `json:"path"`
	SHA256  string `json:"sha256"` // of the file, hexadecimal
	Name    string `json:"name"`   // distribution, as in the file's name
	Version string `json:"version"`
}

// Package makes the project's wheel by `kedro package`, into .kedroctl/dist of the project, where it replaces older ones. python is the command of the
// project's interpreter, such as ["/venv/bin/python"] or ["uv", "run", "python"]. It works on a copy of what it reads, so that nothing in the user's
// tree changes. The same sources give the same bytes. What it was made of is noted for [FindWheel].
func Package(ctx context.Context, p project.Project, python []string) (Wheel, error) {
	key, err := wheelKey(p, python)
	if err != nil {
		return Wheel{}, fmt.Errorf("package %s: %w", p.Name, err)
	}
	w, err := packageCopy(ctx, p, python)
	if err == nil {
		err = keepWheel(p, python, key, w)
	}
	if err != nil {
		return Wheel{}, fmt.Errorf("package %s: %w", p.Name, err)
	}
	return w, nil
}

func packageCopy(ctx context.Context, p project.Project, command []string) (Wheel, error) {
	python, err := interpreter(ctx, command, p.Dir)
	if err != nil {
		return Wheel{}, err
	}
	tree, remove, err := scratch.New("", "package")
	if err != nil {
		return Wheel{}, err
	}
	defer remove()
	if err := copySources(p, tree); err != nil {
		return Wheel{}, fmt.Errorf("copy sources: %w", err)
	}
	if err := kedroPackage(ctx, python, tree); err != nil {
		return Wheel{}, err
	}
	made, err := filepath.Glob(filepath.Join(tree, "dist", "*.whl"))
	if err != nil || len(made) != 1 {
		return Wheel{}, fmt.Errorf("kedro package made %d wheels, expected one", len(made))
	}
	return takeWheel(made[0], distDir(p))
}

// interpreter is the program behind a command that may depend on the working directory, as `uv run` does.
func interpreter(ctx context.Context, command []string, dir string) (string, error) {
	if len(command) == 0 {
		return "", errors.New("no interpreter")
	}
	if len(command) == 1 && filepath.IsAbs(command[0]) {
		return command[0], nil
	}
	args := append(slices.Clone(command[1:]), "-c", "import sys; print(sys.executable)")
	cmd := exec.CommandContext(ctx, command[0], args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s: %w", strings.Join(command, " "), err)
	}
	lines := strings.Fields(string(out))
	if len(lines) == 0 {
		return "", fmt.Errorf("run %s: it names no interpreter", strings.Join(command, " "))
	}
	return lines[len(lines)-1], nil
}

// copySources lays out what packaging reads. `kedro package` also archives the configuration; it gets an empty directory to do so.
func copySources(p project.Project, tree string) error {
	names, err := project.Sources(p)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := copyFile(filepath.Join(p.Dir, filepath.FromSlash(name)), filepath.Join(tree, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	source, err := filepath.Rel(p.Dir, p.SourceDir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(tree, source), 0o755); err != nil {
		return err
	}
	conf := p.ConfSource()
	if !filepath.IsLocal(conf) {
		return nil // the command finds it where it is
	}
	return os.MkdirAll(filepath.Join(tree, conf), 0o755)
}

// copyFile copies a file; a link to a directory stays a link, to where it points now.
func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		target, err := filepath.EvalSymlinks(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(dst, src); err != nil {
		dst.Close()
		return err
	}
	return dst.Close()
}

func kedroPackage(ctx context.Context, python, tree string) error {
	cmd := exec.CommandContext(ctx, python, "-m", "kedro", "package")
	cmd.Dir = tree
	// Telemetry would edit pyproject.toml; the user's logging configuration may be a path relative to their directory.
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KEDRO_LOGGING_CONFIG=") }),
		"DO_NOT_TRACK=1", "PYTHONDONTWRITEBYTECODE=1", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch.Unix()))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		return nil
	}
	message := toolMessage(out.String())
	if message == "" {
		return fmt.Errorf("kedro package: %w", err)
	}
	err = fmt.Errorf("kedro package: %s", message)
	if strings.Contains(message, "No module named kedro") || strings.Contains(message, "No module named build") {
		return ui.WithHint(err, "install the project's dependencies into "+python)
	}
	return err
}

// takeWheel normalises a wheel into dir, where it becomes the only one.
func takeWheel(file, dir string) (Wheel, error) {
	content, err := normalise(file)
	if err != nil {
		return Wheel{}, fmt.Errorf("normalise %s: %w", filepath.Base(file), err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Wheel{}, err
	}
	path := filepath.Join(dir, filepath.Base(file))
	if err := writeAtomically(path, content); err != nil {
		return Wheel{}, err
	}
	stale, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil {
		return Wheel{}, err
	}
	for _, old := range stale {
		if old != path {
			os.Remove(old) // the exact path is the answer: one that stays does no harm
		}
	}
	sum := sha256.Sum256(content)
	parts := strings.Split(filepath.Base(file), "-") // name-version-python-abi-platform.whl
	if len(parts) < 5 {
		return Wheel{}, fmt.Errorf("%s is no name of a wheel", filepath.Base(file))
	}
	return Wheel{Path: path, SHA256: hex.EncodeToString(sum[:]), Name: parts[0], Version: parts[1]}, nil
}

func writeAtomically(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(content); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Chmod(fs.FileMode(0o644)); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
