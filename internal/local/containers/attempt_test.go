package containers

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

func TestContainerIsLimited(t *testing.T) {
	a := &attempt{Attempt: batch.Attempt{JobID: "id", Number: 2, VCPUs: 8, MemoryMiB: 512, SharedMemoryMiB: 128,
		Env: map[string]string{"B": "2", "A": "1"}}}
	h := a.hostConfig(2)
	if h.NanoCPUs != 2e9 || h.Memory != 512<<20 || h.MemorySwap != h.Memory || h.ShmSize != 128<<20 || h.NetworkMode != "host" {
		t.Errorf("limits: %+v", h)
	}
	if h := a.hostConfig(16); h.NanoCPUs != 8e9 {
		t.Errorf("on a large machine: %d", h.NanoCPUs)
	}
	c := (&Runner{owner: "/state"}).config(a)
	if diff := cmp.Diff([]string{"A=1", "B=2"}, slices.Sorted(slices.Values(c.Env))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"kedroctl:local": "/state", "kedroctl:job": "id-2"}, c.Labels); diff != "" {
		t.Error(diff)
	}
}
