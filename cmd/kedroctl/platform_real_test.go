//go:build real

package main

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

const arm = "linux/arm64"

// TestRealImageForArm deploys for linux/arm64 with an engine that runs nothing for it, as an engine on Apple Silicon runs nothing for linux/amd64.
func TestRealImageForArm(t *testing.T) {
	engine, err := build.Dial(t.Context())
	if err != nil {
		realtest.Missing(t, err.Error())
	}
	defer engine.Close()
	if runs, err := engine.Runs(t.Context(), arm); runs || err != nil {
		realtest.Missing(t, "an engine that does not run "+arm)
	}
	w := newWorkshopFor(t, filepath.Join("..", "..", "testdata", "projects", "flat"), realtest.Python(t), t.TempDir())
	w.global = append(w.global, "--set", "image.base="+realtest.ServeBase(t, "amd64", "arm64"), "--set", "image.platform="+arm)
	w.write(filepath.Join(w.dir, "requirements.txt"), []byte("antlr4-python3-runtime==4.9.3 # pure Python, without a wheel\npytest\n"))
	w.do("init")

	t.Run("Debian packages", func(t *testing.T) {
		code, _, story := w.try("build", "--set", "image.system_packages=libgomp1")
		refused := regexp.MustCompile(`install Debian packages for ` + arm + `: the engine runs only .*linux/amd64\n.*hint: .*binfmt`)
		if code != 1 || !refused.MatchString(story) {
			t.Errorf("exit code %d: %s", code, story)
		}
	})
	_, first, story := w.try("build", "--json")
	if !regexp.MustCompile(`(?m)^try +skipped .*the engine runs no programs for ` + arm).MatchString(story) {
		t.Errorf("the smoke test is not said to be skipped: %s", story)
	}
	var image build.Image
	if err := json.Unmarshal([]byte(first), &image); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { exec.Command("docker", "image", "rm", "--force", image.ID).Run() })
	checkArm(t, image.ID)
	if image.Dependencies == nil || !slices.Contains(image.Dependencies.LeftOut, "pytest") {
		t.Errorf("left out: %+v", image.Dependencies)
	}
	if second := w.do("build", "--json"); second != first {
		t.Errorf("of the image that is there already: %s, before %s", second, first)
	}
	w.wantStory(`build +unchanged`, `try +skipped .* `+arm, `push +done .* sent, \S+@sha256:`)

	t.Run("compiled sources", func(t *testing.T) {
		library := filepath.Join(w.dir, "libs", "quick")
		if err := os.MkdirAll(library, 0o755); err != nil {
			t.Fatal(err)
		}
		write := func(name, text string) { w.write(filepath.Join(library, name), []byte(text)) }
		write(project.Pyproject, "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n")
		write("setup.py", "from setuptools import Extension, setup\nsetup(name=\"quick\", version=\"1.0\", ext_modules=[Extension(\"quick\", [\"quick.c\"])])\n")
		write("quick.c", "int quick(void) { return 1; }\n")
		w.write(filepath.Join(w.dir, "requirements.txt"), []byte("./libs/quick\n"))
		code, _, story := w.try("build")
		for _, want := range []string{
			"quick-1.0-cp", "these wheels were compiled for linux/amd64, and the image is for " + arm, "use versions of which the index has wheels for the image's platform",
		} {
			if code != 1 || !strings.Contains(story, want) {
				t.Errorf("exit code %d, no %q in %s", code, want, story)
			}
		}
	})
}

// checkArm looks into an image, of which nothing can be run: what it says it is for, its shared libraries, what was made of sources, bytecode.
func checkArm(t *testing.T, image string) {
	t.Helper()
	is, err := exec.CommandContext(t.Context(), "docker", "image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image).Output()
	if err != nil || strings.TrimSpace(string(is)) != arm {
		t.Errorf("the image is for %s, %v", is, err)
	}
	id, err := exec.CommandContext(t.Context(), "docker", "create", image).Output()
	if err != nil {
		t.Fatal(err)
	}
	container := strings.TrimSpace(string(id))
	defer exec.Command("docker", "rm", container).Run()
	content, err := exec.CommandContext(t.Context(), "docker", "cp", container+":/srv/kedro/dependencies", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	var libraries, antlr, bytecode int
	files := tar.NewReader(bytes.NewReader(content))
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case path.Ext(h.Name) == ".pyc":
			bytecode++
		case strings.HasPrefix(h.Name, "dependencies/antlr4/"):
			antlr++
		case strings.Contains(path.Base(h.Name), ".so") && h.Typeflag == tar.TypeReg:
			libraries++
			text, err := io.ReadAll(files)
			if err != nil {
				t.Fatal(err)
			}
			if library, err := elf.NewFile(bytes.NewReader(text)); err != nil || library.Machine != elf.EM_AARCH64 {
				t.Errorf("%s: %+v, %v", h.Name, library, err)
			}
		}
	}
	if libraries == 0 || antlr == 0 || bytecode < 1000 {
		t.Errorf("%d shared libraries, %d files of antlr4, %d of bytecode", libraries, antlr, bytecode)
	}
}
