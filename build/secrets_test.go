package build

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSecretIn(t *testing.T) {
	tests := []struct {
		name, file, content string
		secret              bool
	}{
		{"references", "credentials.yml", "s3: {key: '${oc.env:A}', secret: '${oc.env:B,null}', token: null}", false},
		{"reference with a literal default", "credentials.yml", "s3: {secret: '${oc.env:B,hunter2}'}", true},
		{"nested reference with a literal default", "credentials.yml", "s3: {secret: '${oc.env:A,${oc.env:B,hunter2}}'}", true},
		{"literal secret", "credentials.yml", "s3: {secret: hunter2}", true},
		{"literal access key", "credentials.yml", "s3: {aws_access_key_id: abc}", true},
		{"camel case", "credentials.json", `{"svc": {"accountKey": "abc"}}`, true},
		{"nested", "credentials.yml", "s3: {client_kwargs: {aws_secret_access_key: abc}}", true},
		{"under a secret mapping", "credentials.yml", "s3: {secrets: {main: abc}}", true},
		{"in a list", "credentials.yml", "s3: [{token: abc}]", true},
		{"number", "credentials.yml", "s3: {password: 1234}", true},
		{"by an anchor", "credentials.yml", "a: &x {token: abc}\nb: *x", true},
		{"plain settings", "credentials.yml", "s3: {anon: false, client_kwargs: {endpoint_url: 'https://s3.example'}}", false},
		{"name of an entry", "credentials.yml", "token_service: {endpoint: here}", false},
		{"boolean token", "credentials.yml", "hf: {token: true}", false},
		{"connection with references", "credentials.yml", "db: {con: 'postgresql://${oc.env:U}:${oc.env:P}@db/x'}", false},
		{"connection with a password", "credentials.yml", "db: {con: 'postgresql://me:hunter2@db/x'}", true},
		{"connection without a password", "credentials.yml", "db: {con: 'postgresql://db/x'}", false},
		{"connection that is no URL", "credentials.yml", "db: {con: 'Server=db;Pwd=x'}", true},
		{"URL under any key", "credentials.yml", "db: {address: 'https://me:hunter2@db/x'}", true},
		{"token as the user of a URL", "credentials.yml", "git: {url: 'https://ghp_abc@github.com/x'}", true},
		{"signed URL", "credentials.yml", "blob: {url: 'https://x.example/c?sv=1&sig=abc'}", true},
		{"user of a URL", "credentials.yml", "db: {con: 'postgresql://me@db/x'}", false},
		{"not YAML", "credentials.yml", "a: [", true},
		{"other format", "credentials.ini", "[s3]", true},
		{"directory of credentials", "credentials/s3.yml", "s3: {secret: hunter2}", true},
		{"upper case", "My_CREDENTIALS.yml", "s3: {secret: hunter2}", true},
		{"other file", "parameters.yml", "token: abc", false},
		{"access key id in any file", "catalog.yml", "a: AKIAIOSFODNN7EXAMPLE", true},
		{"private key in any file", "x.pem", "-----BEGIN RSA PRIVATE KEY-----\n", true},
	}
	for _, tt := range tests {
		if got := secretIn(tt.file, []byte(tt.content)); (got != "") != tt.secret {
			t.Errorf("%s: %s in %s: %q, want secret: %v", tt.name, tt.content, tt.file, got, tt.secret)
		}
	}
}

// TestExposed looks at files that jobs need, and that are copied whatever they hold.
func TestExposed(t *testing.T) {
	tests := map[string]struct{ file, content, want string }{
		"URL in a catalog":        {"catalog.yml", "a:\n  con: postgresql://me:hunter2@db/x\n", "line 2 has an address with a password or token"},
		"URL in a comment":        {"catalog.yml", "# was https://me:hunter2@x.example\na: {}\n", "line 1 has an address with a password or token"},
		"URL of references":       {"catalog.yml", "a: {con: 'postgresql://${globals:user}:${oc.env:P}@db/x'}", ""},
		"parameter":               {"parameters.yml", "svc: {api_key: hunter2}", "svc.api_key is a literal"},
		"in a list":               {"globals.yml", "dbs: [{db-password: hunter2}]", "dbs.db-password is a literal"},
		"JSON":                    {"parameters.json", `{"client_secret": "hunter2"}`, "client_secret is a literal"},
		"reference":               {"globals.yml", "password: ${oc.env:P}", ""},
		"nothing":                 {"globals.yml", "password: ''", ""},
		"names of models":         {"parameters.yml", "pad_token: <pad>\nmax_tokens: 10\njoin_key: id\nprimary_key: id\ntoken_pattern: x", ""},
		"credentials of an entry": {"catalog.yml", "a: {credentials: db_password}", ""},
		"not YAML":                {"catalog.yml", "a: [", ""},
		"logging":                 {"logging.yml", "formatters: {plain: {format: '%(message)s'}}", ""},
	}
	for name, tt := range tests {
		if got := exposedIn(tt.file, []byte(tt.content)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	p, s := fixture(t)
	write(t, p.Dir, map[string]string{"conf/base/catalog.yml": "a: {filepath: 'https://me:hunter2@x.example/a.csv'}\n", "conf/base/key.pem": "-----BEGIN PRIVATE KEY-----"})
	got, err := Exposed(p, s) // of the key, which is left out, LeftOut tells
	want := []Exposure{{"conf/base/catalog.yml", "line 1 has an address with a password or token"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, exposed (-want +got):\n%s", err, diff)
	}
}

func TestWheelExposed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "demo-0.1-py3-none-any.whl")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, entry := range []struct{ name, content string }{
		{"demo/.env", "TOKEN=hunter2"}, {"demo/credentials.py", "def f(): ..."}, {"demo/credentials.yml", "db: {password: hunter2}"}, {"demo/deep/", ""},
		{"demo/id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----"}, {"demo/nodes.py", "KEY = 'AKIAIOSFODNN7EXAMPLE'"}, {"demo/table.csv", "a,b"},
	} {
		w, err := z.Create(entry.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(entry.content)); err != nil && entry.content != "" {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := Wheel{Path: file}.Exposed()
	want := []Exposure{
		{"demo/.env", "it is a file of environment variables"}, {"demo/credentials.yml", "db.password is a literal; write it as ${oc.env:NAME}"},
		{"demo/id_rsa", "it holds a private key"}, {"demo/nodes.py", "it holds an AWS access key id"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, exposed (-want +got):\n%s", err, diff)
	}
}
