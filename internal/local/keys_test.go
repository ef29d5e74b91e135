package local

import (
	"maps"
	"testing"
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
