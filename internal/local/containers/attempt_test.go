package containers

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

func TestContainerIsLimited(t *testing.T) {
	a := &attempt{Attempt: batch.Attempt{JobID: "id", Number: 2, VCPUs: 8, MemoryMiB: 512, SharedMemoryMiB: 128,
		Env: map[string]string{"B": "2", "A": "1"}}}
	h := a.hostConfig(2)
	if h.NanoCPUs != 2e9 || h.Memory != 512<<20 || h.MemorySwap != h.Memory || h.ShmSize != 128<<20 {
		t.Errorf("limits: %+v", h)
	}
	if h := a.hostConfig(16); h.NanoCPUs != 8e9 {
		t.Errorf("on a large machine: %d", h.NanoCPUs)
	}
	c := (&Runner{owner: "/state"}).config(a, "image")
	if diff := cmp.Diff([]string{"A=1", "B=2"}, slices.Sorted(slices.Values(c.Env))); diff != "" {
		t.Error(diff)
	}
	if c.Image != "image" {
		t.Errorf("image %s", c.Image)
	}
	if diff := cmp.Diff(map[string]string{"kedroctl:local": "/state", "kedroctl:job": "id-2"}, c.Labels); diff != "" {
		t.Error(diff)
	}
}

// TestLines has what Docker writes, a line at a time and long ones in pieces, and what Podman does: what the program wrote at once.
func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for name, tt := range map[string]struct{ written, want []string }{
		"lines":              {[]string{"one\n", "two\n"}, []string{"one\n", "two\n"}},
		"pieces of a line":   {[]string{"one", " and", " two\n", "three\n"}, []string{"one and two\n", "three\n"}},
		"several lines":      {[]string{"one\ntwo\n"}, []string{"one\n", "two\n"}},
		"no end":             {[]string{"one\n", "two"}, []string{"one\n", "two"}},
		"longer than a line": {[]string{long, "rest\n"}, []string{long, "rest\n"}},
	} {
		var got []string
		l := &liner{line: func(text string) { got = append(got, text) }}
		for _, piece := range tt.written {
			l.Write([]byte(piece))
		}
		l.flush()
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
