package build

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// serveUV is an index with a wheel of uv, which asks for a password; html says in which form it answers. It counts the downloads.
func serveUV(t *testing.T, asHTML bool) (address string, wheel uvWheel, downloads *atomic.Int32) {
	t.Helper()
	var content bytes.Buffer
	z := zip.NewWriter(&content)
	w, err := z.Create("uv-" + uvVersion + ".data/scripts/" + uvName())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(w, "#!/bin/sh\necho uv %s\n", uvVersion)
	z.Close()
	sum := sha256.Sum256(content.Bytes())
	wheel = uvWheel{"any", hex.EncodeToString(sum[:])}
	downloads = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case user != "team" || password != "PLANTED":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/simple/uv/" && asHTML:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, `<!DOCTYPE html><a href="uv-0.1.whl">old</a><br/><a href="../../files/%s#sha256=00">new</a>`, wheel.file())
		case r.URL.Path == "/simple/uv/":
			w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
			fmt.Fprintf(w, `{"files": [{"filename": "uv-0.1.whl", "url": "x"}, {"filename": %q, "url": "http://%s/files/%[1]s"}]}`, wheel.file(), r.Host)
		case r.URL.Path == "/files/"+wheel.file():
			downloads.Add(1)
			w.Write(content.Bytes())
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	return "http://team:PLANTED@" + strings.TrimPrefix(server.URL, "http://") + "/simple", wheel, downloads
}

func TestFetchUVOnce(t *testing.T) {
	for _, asHTML := range []bool{false, true} {
		address, wheel, downloads := serveUV(t, asHTML)
		without := httptest.NewServer(http.NotFoundHandler())
		defer without.Close()
		program := filepath.Join(t.TempDir(), "new", uvName())
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if err := fetchUV(t.Context(), wheel, program, []index{{URL: without.URL}, {URL: address}}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		info, err := os.Stat(program)
		if err != nil || info.Mode().Perm()&0o111 == 0 || downloads.Load() != 1 {
			t.Errorf("html %v: %v, %v, %d downloads", asHTML, info, err, downloads.Load())
		}
	}
}

func TestFetchUVErrors(t *testing.T) {
	address, wheel, _ := serveUV(t, false)
	tests := []struct {
		name, address, sha256, want string
	}{
		{"other content", address, strings.Repeat("0", 64), "is not the file that it should be"},
		{"other password", strings.Replace(address, "team", "nobody", 1), wheel.sha256, "answers 401 Unauthorized"},
		{"no distribution", address + "/more", wheel.sha256, "answers 404 Not Found"},
		{"nobody there", "http://team:PLANTED@127.0.0.1:1/simple", wheel.sha256, "connection refused"},
		{"no address", "http://team:PLANTED@host:x/simple", wheel.sha256, "the address is none"},
	}
	for _, tt := range tests {
		program := filepath.Join(t.TempDir(), uvName())
		err := fetchUV(t.Context(), uvWheel{wheel.platform, tt.sha256}, program, []index{{URL: tt.address}})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "PLANTED") {
			t.Errorf("%s: %v", tt.name, err)
		}
		if isRegular(program) {
			t.Errorf("%s: left a program", tt.name)
		}
	}
}

func TestFindUVPrefersOneOnPath(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	for version, want := range map[string]bool{uvVersion: true, "99.0.0": true, "0.4.30": false, "nonsense": false} {
		script := "#!/bin/sh\necho uv " + version + " '(x86_64-unknown-linux-gnu)'\n"
		if err := os.WriteFile(filepath.Join(dir, "uv"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, ok := uvOnPath(t.Context()); ok != want {
			t.Errorf("uv %s: taken %v", version, ok)
		}
	}
}
