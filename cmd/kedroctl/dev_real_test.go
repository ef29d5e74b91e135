//go:build real

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// developed adds a metric to those of the example.
const developed = `

_deployed_evaluate_model = evaluate_model


def evaluate_model(*args):
    return {**_deployed_evaluate_model(*args), "developed": 1.0}
`

// developmentRun: a changed node and a changed configuration run in the image that is deployed already, with nothing built and no engine at hand. The deployment stays.
func (w *workshop) developmentRun(t *testing.T) {
	w.t = t
	nodes := filepath.Join(w.dir, "src/spaceflights/pipelines/data_science/nodes.py")
	catalog := filepath.Join(w.dir, "conf/base/catalog.yml")
	for _, file := range []string{nodes, catalog} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		defer os.WriteFile(file, text, 0o644)
	}
	appendTo(t, nodes, developed)
	appendTo(t, catalog, "\nmetrics:\n  type: json.JSONDataset\n  filepath: data/08_reporting/developed.json\n")
	env, layers := w.env, w.layers()
	w.env = append(slices.Clone(env), noEngine(t))
	since := time.Now()
	events := w.events("run", "--dev", "--pipelines", "data_processing,data_science", "--json")
	w.env = env
	sent := events["run"].Code.Size
	t.Logf("figure|one line in a node: run --dev until the first submit, s|%.3f", events["submitted"].Time.Sub(since).Seconds())
	t.Logf("figure|one line in a node: run --dev sent, kB|%.3f", float64(sent)/1000)
	if sent == 0 || sent > 50_000 {
		t.Errorf("%d bytes of code", sent)
	}
	if after := w.layers(); !maps.Equal(layers, after) {
		t.Errorf("the registry has other layers: %v, then %v", layers, after)
	}
	report := answer[jobs](w, "verify")
	if !report.OK {
		t.Errorf("verify: %+v", report)
	}
	i := slices.IndexFunc(report.Outputs, func(o struct{ Dataset, Path, Version, State string }) bool { return o.Dataset == "metrics" })
	if i < 0 || !strings.HasSuffix(report.Outputs[i].Path, "/08_reporting/developed.json") {
		t.Fatalf("metrics are not where the tree's catalog says: %+v", report.Outputs)
	}
	if text := w.content(report.Outputs[i].Path); !strings.Contains(text, `"developed"`) {
		t.Errorf("metrics are those of the deployed code: %s", text)
	}
	if out := w.do("runs", "--limit", "1"); !strings.Contains(out, ", development") {
		t.Errorf("runs does not mark it:\n%s", out)
	}
}

// toldEvent is what a run told, as far as tests look at it.
type toldEvent struct {
	Type string
	Time time.Time
	Code struct{ Size int64 }
}

// events runs a command that must succeed and gives the first event of each type.
func (w *workshop) events(args ...string) map[string]toldEvent {
	w.t.Helper()
	first := map[string]toldEvent{}
	for d := json.NewDecoder(strings.NewReader(w.do(args...))); ; {
		var e toldEvent
		if err := d.Decode(&e); err == io.EOF {
			return first
		} else if err != nil {
			w.t.Fatal(err)
		}
		if _, ok := first[e.Type]; !ok {
			first[e.Type] = e
		}
	}
}

// content is that of an object, by its URI.
func (w *workshop) content(uri string) string {
	w.t.Helper()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	object, err := newS3(w.aws()).GetObject(w.t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		w.t.Fatal(err)
	}
	defer object.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(object.Body); err != nil {
		w.t.Fatal(err)
	}
	return text.String()
}
