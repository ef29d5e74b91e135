package run

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

func TestLimits(t *testing.T) {
	long := strings.Repeat("n", 1100)
	for name, c := range map[string]struct {
		change func(*Input)
		want   string // beginning of the error, "" for none
	}{
		"nothing unusual": {func(*Input) {}, ""},
		"a long command": {func(in *Input) {
			in.Plan.Groups[0].Command = append(in.Plan.Groups[0].Command, strings.Repeat("n", 3*overridesMax))
		}, ""},
		"a group with a name too long for the environment": {func(in *Input) {
			in.Plan.Groups[0].Name = strings.Repeat("é", offloadFrom/2)
		}, "group éé"},
		"an empty word behind --": {func(in *Input) { in.Args = []string{"--own", ""} }, "group a: a word of its command is empty"},
		"more tags than a job can have": {func(in *Input) {
			for i := range tagsMax {
				in.Tags[fmt.Sprint("tag", i)] = "x"
			}
		}, "group a: its jobs have 53 tags, and Batch takes 50"},
		"a name that no job can have": {func(in *Input) { in.Plan.Groups[0].Key = "x/y" }, "group a: its jobs would be named kedro-"},
		"a long name of a dataset in memory": {func(in *Input) {
			in.Plan.Datasets[0].Path = "s3://" + bucket + "/runs/" + plan.RunID + "/" + long
		}, "dataset a_out: its key in S3 has 1130 bytes, and S3 takes 1024"},
		"a path that only versions make too long": {func(in *Input) {
			in.Plan.Datasets[0].Path, in.Plan.Datasets[0].Versioned = "s3://"+bucket+"/"+long[:550], true
		}, "dataset a_out: its key in S3 has 1126 bytes"},
		"the same path without versions": {func(in *Input) { in.Plan.Datasets[0].Path = "s3://" + bucket + "/" + long[:550] }, ""},
		"a long path that is not in S3":  {func(in *Input) { in.Plan.Datasets[0].Path = "gs://" + bucket + "/" + long }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			in := input("a")
			c.change(&in)
			_, err := Start(t.Context(), w.clients, in, &told{})
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want) || ui.Hint(err) == ""):
				t.Errorf("error %v with hint %q, want %s…", err, ui.Hint(err), c.want)
			case c.want != "" && w.count("submitjob") > 0:
				t.Error("a job was submitted")
			}
			if ids, _ := w.clients.folders(t.Context(), bucket, runsPrefix); c.want != "" && len(ids) > 0 {
				t.Errorf("the refused run left %v", ids)
			}
		})
	}
}

// TestLongCommandTravelsThroughTheBucket has words of several bytes per character, and a job that is submitted late.
func TestLongCommandTravelsThroughTheBucket(t *testing.T) {
	for name, word := range map[string]string{"ASCII": "n", "two bytes": "é", "three bytes": "数", "four bytes": "🙂", "escaped": `"`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			parents := make([]string, parentsMax+1)
			for i := range parents {
				parents[i] = fmt.Sprintf("p%02d", i)
			}
			in := input(append(parents, "join <- "+strings.Join(parents, " "))...)
			in.Args = []string{"--params", "a=1"}
			nodes := strings.Repeat(word, overridesMax+1)
			for _, i := range []int{0, parentsMax + 1} {
				in.Plan.Groups[i].Command = append(in.Plan.Groups[i].Command[:6:6], nodes)
			}
			r, rep := w.start(in)
			if result := w.follow(r, rep); !result.Succeeded() {
				t.Errorf("states %v", states(result.Jobs))
			}
			for _, i := range []int{0, parentsMax + 1} {
				var q request
				w.must(w.clients.get(t.Context(), bucket, r.requestKey(Submission{Key: r.Plan.Groups[i].Key, Try: 1}), &q))
				want := []string{"--pipelines", "__default__", "--nodes", nodes, "--params", "a=1"}
				if q.Schema != schemaAll || strings.Join(q.Args, " ") != strings.Join(want, " ") {
					t.Errorf("request of schema %d has %d arguments", q.Schema, len(q.Args))
				}
			}
			var q request
			if w.clients.get(t.Context(), bucket, r.requestKey(Submission{Key: r.Plan.Groups[1].Key, Try: 1}), &q) == nil {
				t.Error("a short command travelled through the bucket too")
			}
		})
	}
}

func TestReasonsAreCutBetweenCharacters(t *testing.T) {
	for text, want := range map[string]int{
		"short": 5, strings.Repeat("x", reasonMax): reasonMax, strings.Repeat("x", reasonMax+1): reasonMax, strings.Repeat("数", reasonMax): 1023,
	} {
		if got := reasonFor(text); len(got) != want || !utf8.ValidString(got) || !strings.HasPrefix(text, got) {
			t.Errorf("%d bytes of %d, want %d", len(got), len(text), want)
		}
	}
}

func TestLongestJobName(t *testing.T) {
	r := Run{ID: "2026-11-23T09.55.12.345Z", Plan: plan.Plan{Project: "p", Env: "aws_batch"}}
	g := plan.Group{Name: "g", Key: strings.Repeat("k", 67), Command: []string{"a", "b", "c"}, Resources: project.Resources{VCPUs: 1, Memory: 4}}
	if err := checkJobLimits(r, g); err != nil {
		t.Error(err)
	}
}
