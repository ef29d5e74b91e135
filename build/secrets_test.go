package build

import "testing"

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
