package containers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

func TestLinesAreCutAtTheirEnds(t *testing.T) {
	tests := map[string]struct {
		written []string
		want    []string
	}{
		"several in one":    {[]string{"one\ntwo\n"}, []string{"one", "two"}},
		"one in several":    {[]string{"o", "n", "e\n"}, []string{"one"}},
		"the last unended":  {[]string{"one\ntwo"}, []string{"one", "two"}},
		"carriage returns":  {[]string{"one\r\n"}, []string{"one"}},
		"empty ones":        {[]string{"one\n\n\r\ntwo\n"}, []string{"one", "two"}},
		"bytes of no text":  {[]string{"\xff\n"}, []string{"\uFFFD"}},
		"longer than a log": {[]string{strings.Repeat("x", maxLine+1) + "\n"}, []string{strings.Repeat("x", maxLine+1)}},
		"longer than a log, and no end yet": {[]string{strings.Repeat("x", maxLine+1), "y\n"},
			[]string{strings.Repeat("x", maxLine), "xy"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			w := &lineWriter{line: func(line string) { got = append(got, line) }}
			for _, p := range tt.written {
				if n, err := w.Write([]byte(p)); err != nil || n != len(p) {
					t.Fatalf("wrote %d of %d bytes: %v", n, len(p), err)
				}
			}
			w.flush()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestContainerIsLimited(t *testing.T) {
	a := &attempt{Attempt: batch.Attempt{JobID: "id", Number: 2, VCPUs: 8, MemoryMiB: 512, SharedMemoryMiB: 64,
		Env: map[string]string{"B": "2", "A": "1"}}}
	h := a.hostConfig(2)
	if h.NanoCPUs != 2e9 || h.Memory != 512<<20 || h.MemorySwap != h.Memory || h.ShmSize != 64<<20 || h.NetworkMode != "host" {
		t.Errorf("limits: %+v", h)
	}
	if h := a.hostConfig(16); h.NanoCPUs != 8e9 {
		t.Errorf("on a large machine: %d", h.NanoCPUs)
	}
	c := (&Runner{owner: "/state"}).config(a)
	if diff := cmp.Diff([]string{"A=1", "B=2"}, c.Env); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"kedroctl:local": "/state", "kedroctl:job": "id-2"}, c.Labels); diff != "" {
		t.Error(diff)
	}
}
