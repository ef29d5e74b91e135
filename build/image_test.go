package build

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLabels(t *testing.T) {
	p, s := fixture(t)
	const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	p.Settings.Image.Base = "python:3.12-slim@" + digest
	want := map[string]string{
		"org.opencontainers.image.title":       "Demo",
		"org.opencontainers.image.version":     "0.1",
		"org.opencontainers.image.revision":    "0123456789ab-dirty",
		"org.opencontainers.image.base.name":   "python:3.12-slim@" + digest,
		"org.opencontainers.image.base.digest": digest,
		"kedroctl.package":                     "demo",
		"kedroctl.env":                         "aws_batch",
		"kedroctl.input-key":                   "key",
		"kedroctl.kedro-version":               "1.7.0",
	}
	spec := Spec{Project: p, Snapshot: s, Wheel: Wheel{Version: "0.1"}, InputKey: "key", Revision: "0123456789ab-dirty\n"}
	if diff := cmp.Diff(want, labels(spec)); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	spec.Revision, spec.Project.Settings.Image.Base = "", "python:3.12-slim"
	spec.Dependencies.base.Digest = digest // as it was when they were resolved
	if got := labels(spec)["org.opencontainers.image.base.digest"]; got != digest {
		t.Errorf("digest of the base image: %q", got)
	}
	spec.Dependencies.base.Digest = ""
	for _, name := range []string{"org.opencontainers.image.revision", "org.opencontainers.image.base.digest"} {
		if value, ok := labels(spec)[name]; ok {
			t.Errorf("%s is %q, which nobody knows", name, value)
		}
	}
}
