package local

import (
	"maps"
	"testing"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// A job that outlives the process of its server fetches credentials from the next one by what it was told by the first.
func TestKeysOfAnAttemptOutliveTheProcess(t *testing.T) {
	enter := func(secret, id string) map[string]string {
		t.Helper()
		s, err := New(Options{SecretKey: secret})
		if err != nil {
			t.Fatal(err)
		}
		env, leave := s.enter(id, "arn:aws:iam::000000000000:role/r")
		defer leave()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		return env
	}
	first := enter("secret", "job-1")
	if again := enter("secret", "job-1"); !maps.Equal(first, again) {
		t.Errorf("at first %v, then %v", first, again)
	}
	if other := enter("secret", "job-2"); maps.Equal(first, other) {
		t.Error("two attempts have the same keys")
	}
	if other := enter("another", "job-1"); maps.Equal(first, other) {
		t.Error("two servers have the same keys")
	}
}

// On AWS a job without a role has no credentials of its own; here its server's would open everything to it.
func TestJobsMayDoWhatTheirRoleAllows(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	env, leave := s.enter("job-1", "")
	if uri, given := env["AWS_CONTAINER_CREDENTIALS_FULL_URI"]; given {
		t.Errorf("a job without a role gets credentials at %s", uri)
	}
	leave()
	// A call that is under way when its job ends is still the job's.
	k := sessionKey(s.opt, "job-2", "arn:aws:iam::000000000000:role/r")
	if !s.denied(wire.WithCaller(t.Context(), k.caller), "s3:GetObject", "arn:aws:s3:::b/k", nil) {
		t.Error("a role without policies may read")
	}
}
