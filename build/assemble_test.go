package build

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	streamed "github.com/google/go-containerregistry/pkg/v1/stream"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// layerOf has empty files, and links, whose names hold "->".
func layerOf(t *testing.T, names ...string) v1.Layer {
	t.Helper()
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	for _, name := range names {
		h := &tar.Header{Name: name, Mode: 0o755, Typeflag: tar.TypeReg}
		if link, to, ok := strings.Cut(name, "->"); ok {
			h.Name, h.Linkname, h.Typeflag = link, to, tar.TypeSymlink
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

func imageOf(t *testing.T, env []string, layers ...v1.Layer) v1.Image {
	t.Helper()
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"}, Config: v1.Config{Env: env}})
	if err != nil {
		t.Fatal(err)
	}
	if image, err = mutate.AppendLayers(image, layers...); err != nil {
		t.Fatal(err)
	}
	return image
}

func TestFindImagePython(t *testing.T) {
	tests := []struct {
		name   string
		image  v1.Image
		want   imagePython
		wanted string
	}{
		{"official", imageOf(t, []string{"PYTHON_VERSION=3.12.4"}, layerOf(t, "usr/bin/python3.11", "usr/bin/python3->python3.11"),
			layerOf(t, "usr/local/bin/python3.12", "usr/local/bin/python3->python3.12", "usr/local/bin/python->python3")),
			imagePython{"/usr/local/bin/python", "3.12.4", "/usr/local/lib/python3.12/site-packages"}, "3.12"},
		{"Debian", imageOf(t, []string{"PYTHON_VERSION=2.7"}, layerOf(t, "/usr/bin/python3.11", "/usr/bin/python3->/usr/bin/python3.11")),
			imagePython{"/usr/bin/python3", "3.11", "/usr/local/lib/python3.11/dist-packages"}, "3.11"},
		{"removed by a later layer", imageOf(t, nil, layerOf(t, "usr/local/bin/python3.12", "usr/local/bin/python3->python3.12"), layerOf(t, "usr/local/bin/.wh.python3")),
			imagePython{}, ""},
		{"none", imageOf(t, nil, layerOf(t, "bin/sh", "usr/bin/python3->python3")), imagePython{}, ""},
	}
	for _, tt := range tests {
		got, err := findImagePython(tt.image)
		if (err != nil) != (tt.wanted == "") || got != tt.want || got.minor() != tt.wanted {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
}

func TestTreeBecomesTheSameLayerWhoeverBuilds(t *testing.T) {
	var digests []v1.Hash
	for i, mode := range []os.FileMode{0o600, 0o664} {
		root := t.TempDir()
		write(t, root, map[string]string{"srv/kedro/boot/a.py": "a", "srv/kedro/boot/bin/b": "b", "srv/kedro/other/c": "c"})
		for _, err := range []error{
			os.Chmod(filepath.Join(root, "srv/kedro/boot/a.py"), mode),
			os.Chmod(filepath.Join(root, "srv/kedro/boot/bin/b"), mode|0o100),
			os.Chtimes(filepath.Join(root, "srv/kedro/boot/a.py"), time.Time{}, time.Unix(int64(1e9*i), 0)),
			os.Symlink("a.py", filepath.Join(root, "srv/kedro/boot/link")),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		layer := tree{root: root, below: "srv/kedro/boot", owner: 7}.layer()
		packed, err := layer.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(packed)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := layer.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest)
		again, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := again.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := walkTar(unpacked, func(h *tar.Header, _ io.Reader) error {
			if h.Uid != 7 || h.Gid != 7 || !h.ModTime.Equal(epoch) {
				t.Errorf("%s: owner %d:%d, time %s", h.Name, h.Uid, h.Gid, h.ModTime)
			}
			got = append(got, h.FileInfo().Mode().String()+" "+h.Name)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"drwxr-xr-x srv/", "drwxr-xr-x srv/kedro/", "drwxr-xr-x srv/kedro/boot/", "-rw-r--r-- srv/kedro/boot/a.py", "drwxr-xr-x srv/kedro/boot/bin/",
			"-rwxr-xr-x srv/kedro/boot/bin/b", "Lrwxrwxrwx srv/kedro/boot/link",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	}
	if digests[0] != digests[1] {
		t.Errorf("layers of the same files differ: %v", digests)
	}
}

func TestProgramsStartByTheImagesPython(t *testing.T) {
	root := t.TempDir()
	const here, image = "/home/me/a venv/bin/python", "/usr/local/bin/python"
	write(t, root, map[string]string{
		"srv/kedro/dependencies/bin/plain":            "#!" + here + "\nprint()\n",
		"srv/kedro/dependencies/bin/long":             "#!/bin/sh\n'''exec' '" + here + "' \"$0\" \"$@\"\n' '''\nprint()\n",
		"srv/kedro/dependencies/bin/other":            "#!/usr/bin/env python\n",
		"srv/kedro/dependencies/bin/shell":            "#!/bin/sh\necho\n",
		"srv/kedro/dependencies/x-1.dist-info/RECORD": "bin/plain,sha256=old,9\nbin/other,sha256=same,4\nx.py,,\n",
	})
	if err := startBy(root, here, image); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(root, "srv/kedro/dependencies", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	want := "#!" + image + "\nprint()\n"
	if read("bin/plain") != want || read("bin/long") != want || read("bin/other") != "#!/usr/bin/env python\n" || read("bin/shell") != "#!/bin/sh\necho\n" {
		t.Errorf("%q, %q, %q", read("bin/plain"), read("bin/long"), read("bin/other"))
	}
	// printf '#!/usr/local/bin/python\nprint()\n' | openssl dgst -sha256 -binary | base64
	if diff := cmp.Diff("bin/plain,sha256=MY5-Fatu3Pvhd7oZ4InZG3PfMG0wXJywUzrWJoRvkfU,32\nbin/other,sha256=same,4\nx.py,,\n", read("x-1.dist-info/RECORD")); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestWheelThatForbidsThePython(t *testing.T) {
	l := layout{dir: t.TempDir()}
	write(t, l.dir, map[string]string{"project/x-1.dist-info/METADATA": "Name: x\nRequires-Python: >=3.10,!=3.12.*\n\nRequires-Python: none\n"})
	for version, ok := range map[string]bool{"3.11": true, "3.12.4": false, "3.12": false, "3.9": false, "3.13.0": true} {
		if err := l.allows(version); (err == nil) != ok {
			t.Errorf("%s: %v", version, err)
		}
	}
}

func TestVariablesReplaceThoseOfTheBase(t *testing.T) {
	env := []string{"PATH=/bin", "LANG=C"}
	got := withVariable(withVariable(env, "PATH=/srv/bin"), "HOME=/var/tmp")
	if diff := cmp.Diff([]string{"PATH=/srv/bin", "LANG=C", "HOME=/var/tmp"}, got); diff != "" || env[0] != "PATH=/bin" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

func testStore(t *testing.T) *store {
	t.Helper()
	s, err := openStore(filepath.Join(t.TempDir(), "images"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStoreKeepsWhatIsWhole(t *testing.T) {
	s := testStore(t)
	ctx := t.Context()
	if found, err := s.find(ctx, "a"); found != nil || err != nil {
		t.Fatalf("empty store: %v, %v", found, err)
	}
	image, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := image.Digest()
	if _, err := s.put(ctx, "a", image, map[string]string{"note": "1"}); err != nil {
		t.Fatal(err)
	}
	found, err := s.find(ctx, "a")
	if err != nil || found == nil || found.notes["note"] != "1" {
		t.Fatalf("found %v, %v", found, err)
	}
	if got, _ := found.Digest(); got != digest {
		t.Errorf("digest %s, want %s", got, digest)
	}
	damage := map[string]func() error{
		"a manifest that was cut":      func() error { return os.Truncate(s.blob(digest), 10) },
		"a configuration that was cut": func() error { h, _ := image.ConfigName(); return os.Truncate(s.blob(h), 10) },
		"a layer that is gone":         func() error { m, _ := image.Manifest(); return os.Remove(s.blob(m.Layers[0].Digest)) },
		"an index that was cut":        func() error { return os.Truncate(filepath.Join(s.dir, "index.json"), 10) },
	}
	for what, do := range damage {
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if found, err := s.find(ctx, "a"); found != nil || err != nil {
			t.Errorf("%s: found %v, %v", what, found, err)
		}
		if _, err := s.put(ctx, "a", image, nil); err != nil {
			t.Errorf("%s: put again: %v", what, err)
		}
	}
}

// TestStoreIsInterrupted wants an end at once, though a layer never ends, and that what was under way is swept up.
func TestStoreIsInterrupted(t *testing.T) {
	s := testStore(t)
	r, w := io.Pipe()
	defer w.Close()
	image, err := mutate.AppendLayers(empty.Image, streamed.NewLayer(r))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	part := func() []string {
		parts, _ := filepath.Glob(filepath.Join(s.dir, "blobs", "sha256", "*"))
		return parts
	}
	go func() {
		for len(part()) == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, err := s.put(ctx, "a", image, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
	if found, err := s.find(t.Context(), "a"); found != nil || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	parts := part()
	if len(parts) != 1 {
		t.Fatalf("parts %v", parts)
	}
	then := time.Now().Add(-2 * storeGrace)
	if err := os.Chtimes(parts[0], then, then); err != nil {
		t.Fatal(err)
	}
	whole, err := random.Image(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.put(t.Context(), "b", whole, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(parts[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the part of a layer: %v", err)
	}
}

func TestStoreIsSharedByMany(t *testing.T) {
	s := testStore(t)
	var group errgroup.Group
	for i := range 12 {
		group.Go(func() error {
			image, err := random.Image(1000, 1)
			if err != nil {
				return err
			}
			_, err = s.put(t.Context(), fmt.Sprint(i), image, nil)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		if found, err := s.find(t.Context(), fmt.Sprint(i)); found == nil || err != nil {
			t.Errorf("image %d: %v, %v", i, found, err)
		}
	}
}

func TestStoreIsBounded(t *testing.T) {
	s := testStore(t)
	put := func(name string, used time.Duration) v1.Hash {
		image, err := random.Image(1000, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.put(t.Context(), name, image, nil); err != nil {
			t.Fatal(err)
		}
		digest, _ := image.Digest()
		manifest, _ := image.Manifest()
		then := time.Now().Add(-used)
		for _, h := range []v1.Hash{digest, manifest.Layers[0].Digest} {
			if err := os.Chtimes(s.blob(h), then, then); err != nil {
				t.Fatal(err)
			}
		}
		return manifest.Layers[0].Digest
	}
	old := put("old", storeAge+time.Hour)
	recent := put("recent", 2*storeGrace)
	put("new", 0)
	if found, _ := s.find(t.Context(), "old"); found != nil {
		t.Error("an image that was not used for long is there")
	}
	if _, err := os.Stat(s.blob(old)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its layer: %v", err)
	}
	if found, _ := s.find(t.Context(), "recent"); found == nil {
		t.Error("an image that was used is gone")
	}
	if _, err := os.Stat(s.blob(recent)); err != nil {
		t.Errorf("its layer: %v", err)
	}
}

func TestGetBaseErrors(t *testing.T) {
	host := serveOpenRegistry(t)
	ref, err := name.ParseReference(host + "/python:3")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, imageOf(t, nil, layerOf(t, "usr/local/bin/python3.12", "usr/local/bin/python3->python3.12"))); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	tests := []struct{ name, image, platform, want, hint string }{
		{"other platform", host + "/python:3", "linux/arm64", "get base image " + host + "/python:3: it is for linux/amd64, not for linux/arm64", "linux/arm64"},
		{"no such image", host + "/python:4", "linux/amd64", "MANIFEST_UNKNOWN", "name another image"},
		{"password wanted", serveRegistry(t, "word") + "/python:3", "linux/amd64", "401", "docker login"},
		{"nobody there", "127.0.0.1:1/python:3", "linux/amd64", "connection refused", "reaches its registry"},
	}
	for _, tt := range tests {
		_, err := getBase(t.Context(), testStore(t), tt.image, tt.platform, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(ui.Hint(err), tt.hint) {
			t.Errorf("%s: %v\nhint: %s", tt.name, err, ui.Hint(err))
		}
	}
}

// TestGetBaseOnce gets a base image with the credentials of its host, and a second time does not get its layers.
func TestGetBaseOnce(t *testing.T) {
	host := serveRegistry(t, "word")
	r := login(t, "AWS:word")
	ref, options, err := r.access(t.Context(), host+"/python:3")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, imageOf(t, nil, layerOf(t, "usr/local/bin/python3.12", "usr/local/bin/python3->python3.12")), options...); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	write(t, dir, map[string]string{"config.json": `{"auths": {"` + host + `": {"auth": "QVdTOndvcmQ="}, "other.example": {"auth": "bm86bm8="}}}`}) // AWS:word
	s := testStore(t)
	fixed := ""
	for i, told := range []bool{true, false} {
		var story bytes.Buffer
		b, err := getBase(t.Context(), s, host+"/python:3", "linux/amd64", &story)
		if err != nil {
			t.Fatal(err)
		}
		if b.python.version != "3.12" || !strings.HasPrefix(b.digest(), "sha256:") || strings.Contains(story.String(), "get base ") != told {
			t.Errorf("%d: %+v, story %q", i, b.python, story.String())
		}
		fixed = host + "/python@" + b.digest()
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir()) // the registry refuses now, but is not asked
	if b, err := getBase(t.Context(), s, fixed, "linux/amd64", io.Discard); err != nil || b.ref != fixed {
		t.Errorf("by digest: %s, %v", b.ref, err)
	}
}

func TestPushAssembled(t *testing.T) {
	a := &Assembler{store: testStore(t)}
	random, err := random.Image(100e3, 3)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := a.store.put(t.Context(), "image demo:key", random, nil)
	if err != nil {
		t.Fatal(err)
	}
	image, err := describe(kept, "demo:key", "key")
	if err != nil {
		t.Fatal(err)
	}
	to := Target{Repository: serveRegistry(t, "word") + "/demo", Tag: "key"}
	var last LayerEvent
	pushed, err := a.Push(t.Context(), image, to, login(t, "AWS:word"), func(e LayerEvent) { last = e })
	if err != nil {
		t.Fatal(err)
	}
	if pushed.Ref != to.Repository+"@"+image.ID || pushed.Sent < 300e3 || last.Done != last.Total || last.Total < 300e3 {
		t.Errorf("pushed %+v, last event %+v", pushed, last)
	}
	if pushed, err = a.Push(t.Context(), image, to, login(t, "AWS:word"), nil); err != nil || pushed.Sent > 10e3 {
		t.Errorf("pushed again: %+v, %v", pushed, err)
	}
	_, err = a.Push(t.Context(), image, to, login(t, "AWS:wrong"), nil)
	if err == nil || !strings.Contains(err.Error(), "push "+to.Repository+":key: ") || !strings.Contains(ui.Hint(err), "ecr:GetAuthorizationToken") {
		t.Errorf("wrong password: %v, hint %q", err, ui.Hint(err))
	}
}

func TestCanAssemble(t *testing.T) {
	p, _ := fixture(t)
	if err := CanAssemble(p); err != nil {
		t.Error(err)
	}
	p.Settings.Image.SystemPackages = []string{"libgomp1"}
	if err := CanAssemble(p); err == nil || !strings.Contains(err.Error(), "system_packages (libgomp1)") || ui.Hint(err) == "" {
		t.Errorf("system packages: %v", err)
	}
	p.Settings.Image.SystemPackages, p.Settings.Image.Dockerfile = nil, "Dockerfile"
	if err := CanAssemble(p); err == nil || !strings.Contains(err.Error(), "dockerfile (Dockerfile)") || ui.Hint(err) == "" {
		t.Errorf("own Dockerfile: %v", err)
	}
}
