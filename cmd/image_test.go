package cmd

import (
	"testing"

	"github.com/kedroctl/kedroctl/build"
)

// What a push tells grows to its total, and the total never shrinks, whatever an engine says last of a layer.
func TestLayerProgress(t *testing.T) {
	p := &layerProgress{done: map[string]build.LayerEvent{}}
	for _, step := range []struct {
		event build.LayerEvent
		want  string
	}{
		{build.LayerEvent{Layer: "a", State: "Preparing"}, "0 B of 0 B, 1 layer"},
		{build.LayerEvent{Layer: "a", State: "Pushing", Done: 400_000, Total: 1_000_000}, "400 kB of 1.0 MB, 1 layer"},
		{build.LayerEvent{Layer: "b", State: "Pushing", Done: 1_000, Total: 3_000_000}, "401 kB of 4.0 MB, 2 layers"},
		{build.LayerEvent{Layer: "b", State: "Pushed"}, "3.4 MB of 4.0 MB, 2 layers"},
		{build.LayerEvent{Layer: "c", State: "Layer already exists"}, "3.4 MB of 4.0 MB, 3 layers"},
		{build.LayerEvent{Layer: "a", State: "Pushing", Done: 1_000_512}, "4.0 MB of 4.0 MB, 3 layers"},
		{build.LayerEvent{Layer: "a", State: "Pushed"}, "4.0 MB of 4.0 MB, 3 layers"},
	} {
		if got := p.add(step.event); got != step.want {
			t.Errorf("after %+v: %q, want %q", step.event, got, step.want)
		}
	}
}
