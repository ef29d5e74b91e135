//go:build real

package main

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// TestRealRunsOfTwoPeople lets two runs of one environment overlap: each loads what it has itself saved.
func TestRealRunsOfTwoPeople(t *testing.T) {
	w := newWorkshopFor(t, filepath.Join("..", "..", "testdata", "projects", "colleagues"), realtest.Python(t), t.TempDir())
	w.env = append(w.env, noEngine(t), "KEDROCTL_INTERVAL=100ms")
	w.do("init")
	w.do("run", "--no-image", "--params", "who=first", "--group-by", "node") // the server runs, and all there is to prepare is there
	t.Run("versioned and in memory", w.apart)
	t.Run("in a sandbox", w.sandbox)
}

// apart starts a second run that saves newer versions between what the first one saves and what it loads.
func (w *workshop) apart(t *testing.T) {
	began := time.Now()
	var runs [2]jobs
	var all sync.WaitGroup
	for i, params := range []string{"who=ann,pause=4", "who=bob"} {
		all.Go(func() {
			time.Sleep(time.Duration(i) * 2 * time.Second)
			runs[i] = answer[jobs](w, "run", "--no-image", "--pipelines", "apart", "--group-by", "node", "--params", params)
		})
	}
	all.Wait()
	for _, r := range runs {
		w.wantSucceeded(r, 3)
	}
	if runs[0].Run >= runs[1].Run || time.Since(began) < 8*time.Second {
		t.Errorf("runs %s and %s did not overlap", runs[0].Run, runs[1].Run)
	}
}

// sandbox has a state of its own of all that it writes; the main one stays as it was.
func (w *workshop) sandbox(t *testing.T) {
	first := answer[jobs](w, "run", "--no-image", "--params", "who=ann", "--group-by", "node", "--sandbox", "ann")
	w.wantSucceeded(first, 5)
	report := answer[jobs](w, "verify", first.Run)
	if !report.OK || len(report.Outputs) != 6 {
		t.Errorf("verify: %+v", report)
	}
	for _, o := range report.Outputs {
		if _, key, _ := strings.Cut(strings.TrimPrefix(o.Path, "s3://"), "/"); !strings.HasPrefix(key, "sandbox/ann/") {
			t.Errorf("%s is at %s", o.Dataset, o.Path)
		}
	}
	w.wantSucceeded(answer[jobs](w, "run", "--no-image", "--pipelines", "tables", "--nodes", "read", "--params", "who=first", "--sandbox", "ann"), 1)
}
