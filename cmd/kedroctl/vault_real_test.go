//go:build real

package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// planted are the words that no place but the user's own may have. Those of the environment stand in job definitions, as everyone is told.
var planted = []string{"planted-argument", "planted-password", "planted-address", "planted-parameter", "planted-credential", "planted-secret", "planted-local"}

// TestRealSecretsStayWhereTheyAre plants secrets in resolvers, fs_args, an address, credentials, parameters, conf/local and variables, and looks for them in
// all that is said and kept: snapshot, plan, deployment, requests, records, logs.
func TestRealSecretsStayWhereTheyAre(t *testing.T) {
	w := newWorkshopFor(t, filepath.Join("..", "..", "testdata", "projects", "vault"), realtest.Python(t), t.TempDir())
	w.env = append(w.env, noEngine(t), `KEDROCTL_LOCAL_CREDENTIALS_lake={"username": "ann", "key": "planted-credential"}`, "KEDROCTL_LOCAL_SECRET_TOKEN=planted-secret")
	arn := "arn:aws:secretsmanager:us-east-1:000000000000:secret:"
	w.global = append(w.global, "--set", "credentials.lake="+arn+"lake-AbCdEf", "--set", "job.secrets.TOKEN="+arn+"token-AbCdEf", "--set", "job.environment.GREETING=kept-in-definitions")
	w.write(filepath.Join(w.dir, "conf/local/credentials.yml"), []byte("lake: {key: planted-local}\n"))
	w.do("init")
	var said strings.Builder
	for _, args := range [][]string{
		{"check", "--json"}, {"plan", "--json"}, {"plan", "--verbose"}, {"run", "--no-image", "--verbose"}, {"status", "--json"}, {"verify", "--json"},
	} {
		code, stdout, stderr := w.try(args...)
		if code != 0 {
			t.Errorf("%v: exit code %d", args, code)
		}
		said.WriteString(stdout + stderr)
	}
	wantNone(t, "what commands say", said.String(), append(planted, "kept-in-definitions")...)
	found := ""
	for _, dir := range []string{w.localDir, filepath.Join(w.dir, ".kedroctl")} {
		eachFile(t, dir, func(name string, content []byte) {
			words := planted
			if strings.Contains(name, "buckets") {
				words = append(words[:len(words):len(words)], "kept-in-definitions")
			}
			wantNone(t, name, string(content), words...)
			if bytes.Contains(content, []byte("GREETING, TOKEN, address, key, password parameter, token, token parameter, username")) {
				found = name
			}
		})
	}
	if found == "" {
		t.Error("the jobs have not seen each secret")
	}
}

// eachFile leaves out where the user's own secrets are kept: for the server, and the copy of the configuration that is an image's.
func eachFile(t *testing.T, dir string, f func(name string, content []byte)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil, !d.Type().IsRegular() && !d.IsDir():
			return err
		case d.IsDir() && d.Name() == "no-image":
			return fs.SkipDir
		case d.IsDir(), d.Name() == "secrets.json":
			return nil
		}
		content, err := os.ReadFile(name)
		f(name, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func wantNone(t *testing.T, where, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(text, word) {
			t.Errorf("%s has %q", where, word)
		}
	}
}
