//go:build real

package build

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// assembler has nothing in its cache, and the Python of the base image on this machine.
func (r parts) assembler(t *testing.T) *Assembler {
	t.Helper()
	uv, err := FindUV(t.Context(), t.TempDir(), os.Getenv)
	if err != nil {
		realtest.Missing(t, err.Error())
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", realtest.PythonOfBase(t)+":"+filepath.Dir(uv)+":"+os.Getenv("PATH"))
	t.Setenv("UV_CACHE_DIR", filepath.Join(cache, "uv")) // what it downloads is not what is tested
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	a, err := NewAssembler(r.python)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *Assembler) image(t *testing.T, image Image) v1.Image {
	t.Helper()
	found, err := a.store.find(t.Context(), "image "+image.Ref)
	if err != nil || found == nil {
		t.Fatalf("%s: %v, %v", image.Ref, found, err)
	}
	return found
}

// imageFile is what of a file in an image is compared.
type imageFile struct {
	Mode     int64
	Owner    string
	Link     string
	Contents string
}

func filesOf(t *testing.T, content io.Reader) map[string]imageFile {
	t.Helper()
	files := map[string]imageFile{}
	err := walkTar(content, func(h *tar.Header, r io.Reader) error {
		if h.Typeflag == tar.TypeLink { // which of the names has the contents is the archive's business
			files[path.Clean("/"+h.Name)] = files[path.Clean("/"+h.Linkname)]
			return nil
		}
		hash := sha256.New()
		if _, err := io.Copy(hash, r); err != nil {
			return err
		}
		files[path.Clean("/"+h.Name)] = imageFile{h.Mode & 0o7777, fmt.Sprintf("%d:%d", h.Uid, h.Gid), h.Linkname, fmt.Sprintf("%x", hash.Sum(nil)[:6])}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// exported are the files of an image as a container of the engine has them, but those that the engine makes.
func (r parts) exported(t *testing.T, image Image) map[string]imageFile {
	t.Helper()
	id, err := exec.CommandContext(t.Context(), "docker", "create", "--network", "none", image.Ref).Output()
	if err != nil {
		t.Fatal(err)
	}
	container := strings.TrimSpace(string(id))
	defer exec.CommandContext(context.WithoutCancel(t.Context()), "docker", "rm", container).Run()
	cmd := exec.CommandContext(t.Context(), "docker", "export", container)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	files := filesOf(t, out)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return files
}

// byEngine are the paths that an engine adds to every container, with what is in them.
func byEngine(name string) bool {
	return name == "/" || name == "/.dockerenv" || name == "/dev" || strings.HasPrefix(name, "/dev/") ||
		slices.Contains([]string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab", "/proc", "/sys"}, name)
}

// TestRealAssembledIsTheBuiltImage makes the image of one project with an engine, and twice without one.
func TestRealAssembledIsTheBuiltImage(t *testing.T) {
	r := realParts(t)
	p := r.miniature(t)
	spec := r.spec(t, p, r.inspect(t, p))
	built, err := r.build(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.Project.Settings.Image.Base = realtest.ServeBase(t, "amd64")
	a := r.assembler(t)
	assembled, err := a.Build(t.Context(), spec, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if len(assembled.Warnings) > 0 || len(assembled.Left) != len(built.Left) {
		t.Errorf("assembled: %+v, built: %+v", assembled, built)
	}
	t.Run("again, from nothing", func(t *testing.T) {
		again, err := r.assembler(t).Build(t.Context(), spec, t.Output())
		if err != nil || again.ID != assembled.ID {
			t.Errorf("%+v, %v, before %s", again, err, assembled.ID)
		}
	})
	image := a.image(t, assembled)
	t.Run("files", func(t *testing.T) {
		content := mutate.Extract(image)
		defer content.Close()
		compareFiles(t, r.exported(t, built), filesOf(t, content))
	})
	t.Run("bill of materials", func(t *testing.T) {
		want, err := r.engine.SBOM(t.Context(), built)
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.SBOM(t.Context(), assembled)
		if diff := cmp.Diff(string(want), string(got)); err != nil || diff != "" {
			t.Errorf("%v (-built +assembled):\n%s", err, diff)
		}
		for _, purl := range []string{"pkg:pypi/kedro@", "pkg:pypi/mini@0.1", "pkg:pypi/pip@", "pkg:deb/debian/libc6@"} {
			if !strings.Contains(string(got), purl) {
				t.Errorf("no %s", purl)
			}
		}
		checkSchema(t, got)
	})
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	inspected, err := r.engine.docker.ImageInspect(t.Context(), built.ID)
	if err != nil {
		t.Fatal(err)
	}
	want, got := inspected.Config, config.Config
	if diff := cmp.Diff([]any{want.Env, want.User, want.WorkingDir, want.Cmd, len(want.Entrypoint), inspected.Os, inspected.Architecture},
		[]any{got.Env, got.User, got.WorkingDir, got.Cmd, len(got.Entrypoint), config.OS, config.Architecture}); diff != "" {
		t.Errorf("configuration (-built +assembled):\n%s", diff)
	}
}

func compareFiles(t *testing.T, want, got map[string]imageFile) {
	t.Helper()
	var differences []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		found, ok := got[name]
		switch {
		case byEngine(name):
		case !ok:
			differences = append(differences, "missing: "+name)
		case found != want[name]:
			differences = append(differences, fmt.Sprintf("%s: built %+v, assembled %+v", name, want[name], found))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok && !byEngine(name) {
			differences = append(differences, "more: "+name)
		}
	}
	for _, line := range differences[:min(len(differences), 30)] {
		t.Error(line)
	}
	bytecode, library := 0, 0
	for name := range got {
		if strings.HasPrefix(name, "/srv/kedro/") && path.Ext(name) == ".pyc" {
			bytecode++
		}
		if strings.HasPrefix(name, "/usr/local/lib/python3.") && path.Ext(name) == ".pyc" {
			library++
		}
	}
	t.Logf("%d files, of them %d and %d of bytecode, %d differences", len(got), library, bytecode, len(differences))
	if bytecode < 1000 || library < 300 {
		t.Error("hardly any bytecode")
	}
}

// TestRealAssembledForAnotherPlatform makes an image for arm64 on whatever this machine is: shared libraries are its, what has only sources is built here.
func TestRealAssembledForAnotherPlatform(t *testing.T) {
	r := realParts(t)
	p := r.miniature(t)
	p.Settings.Image.Platform = "linux/arm64"
	p.Dependencies = []string{"kedro~=1.0", "antlr4-python3-runtime==4.9.3"} // has no wheel
	spec := r.spec(t, p, r.inspect(t, p))
	spec.Project.Settings.Image.Base = realtest.ServeBase(t, "arm64")
	a := r.assembler(t)
	assembled, err := a.Build(t.Context(), spec, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	image := a.image(t, assembled)
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS+"/"+config.Architecture != "linux/arm64" {
		t.Errorf("platform %s/%s", config.OS, config.Architecture)
	}
	var libraries, antlr int
	var made bool
	if err := walkImage(image, func(h *tar.Header, content io.Reader) error {
		if strings.HasPrefix(h.Name, "srv/kedro/dependencies/antlr4/") {
			antlr++
		}
		if strings.HasPrefix(path.Base(path.Dir(h.Name)), "antlr4") && path.Base(h.Name) == "WHEEL" {
			text, err := io.ReadAll(content)
			if err != nil || !strings.Contains(string(text), "setuptools ("+setuptoolsVersion+")") {
				t.Errorf("its wheel was made otherwise: %v\n%s", err, text)
			}
			made = true
		}
		if !strings.HasPrefix(h.Name, "srv/kedro/") || path.Ext(h.Name) != ".so" {
			return nil
		}
		libraries++
		text, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		library, err := elf.NewFile(bytes.NewReader(text))
		if err != nil || library.Machine != elf.EM_AARCH64 {
			t.Errorf("%s: %v, %v", h.Name, library.Machine, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if libraries == 0 || antlr == 0 || !made {
		t.Errorf("%d shared libraries, %d files of antlr4, of a wheel: %v", libraries, antlr, made)
	}
}
