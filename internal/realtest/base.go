//go:build real

package realtest

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// ServeBase has the engine's base image in a registry that ends with the test, for an architecture that it says it is for. With several there is an index, as
// official images have one.
func ServeBase(t testing.TB, architectures ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "base.tar")
	if out, err := exec.CommandContext(t.Context(), "docker", "save", "--output", file, Base()).CombinedOutput(); err != nil {
		Missing(t, "base image: "+string(out))
	}
	image, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	ref, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/" + Base())
	if err != nil {
		t.Fatal(err)
	}
	var index v1.ImageIndex = empty.Index
	for _, architecture := range architectures {
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config = config.DeepCopy()
		config.Architecture = architecture
		variant, err := mutate.ConfigFile(image, config)
		if err != nil {
			t.Fatal(err)
		}
		if len(architectures) == 1 {
			if err := remote.Write(ref, variant); err != nil {
				t.Fatal(err)
			}
			return ref.String()
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: variant, Descriptor: v1.Descriptor{Platform: config.Platform()}})
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	return ref.String()
}

// PythonOfBase is the directory of a Python on this machine that is of the same release as the base image's: that is a copy of it.
func PythonOfBase(t testing.TB) string {
	t.Helper()
	const ask = "import platform; print(platform.python_version())"
	out, err := exec.CommandContext(t.Context(), "docker", "run", "--rm", "--network", "none", Base(), "python3", "-c", ask).Output()
	if err != nil {
		Missing(t, "base image: "+err.Error())
	}
	release := strings.TrimSpace(string(out))
	minor := release[:strings.LastIndex(release, ".")]
	root := os.Getenv("PYENV_ROOT")
	if root == "" {
		root = filepath.Join(os.Getenv("HOME"), ".pyenv")
	}
	for _, dir := range []string{filepath.Join(root, "versions", release, "bin"), "/usr/local/bin", "/usr/bin"} {
		got, err := exec.CommandContext(t.Context(), filepath.Join(dir, "python"+minor), "-c", ask).Output()
		if err == nil && strings.TrimSpace(string(got)) == release {
			return dir
		}
	}
	Missing(t, "Python "+release+", which the base image has, on this machine")
	return ""
}
