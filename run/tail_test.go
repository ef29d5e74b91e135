package run

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTailWaitsForLinesThatComeLate(t *testing.T) {
	w := newWorld(t)
	w.must(w.output.Open(logGroup, "s"))
	put := func(line string) { w.output.Put(logGroup, "s", w.Now(), line) }
	for i := range 50 {
		put(fmt.Sprintf("line %d", i))
	}
	sleeps := 0
	w.onSleep = func() {
		if sleeps++; sleeps == 1 {
			put("Traceback")
			put("ValueError")
		}
	}
	lines, err := w.clients.tail(t.Context(), Run{LogGroup: logGroup}, "s", 4, true)
	w.must(err)
	if diff := cmp.Diff([]string{"line 48", "line 49", "Traceback", "ValueError"}, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestTailOfAStreamThatNeverWas(t *testing.T) {
	w := newWorld(t)
	lines, err := w.clients.tail(t.Context(), Run{LogGroup: logGroup}, "s", 4, true)
	if err != nil || len(lines) > 0 {
		t.Errorf("lines %v, error %v", lines, err)
	}
}
