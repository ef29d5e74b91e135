package run

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/plan"
)

func TestFindMade(t *testing.T) {
	w := newWorld(t)
	for key, content := range map[string]string{
		"file.csv":                 "a,b",
		"empty.csv":                "",
		"parts/":                   "",
		"parts/1.csv":              "a",
		"marked":                   "",
		"marked/":                  "",
		"failed/1.csv":             "",
		"near.csv.bak":             "x",
		"model/2026-01-01/model":   "old",
		"tree/2026-01-01/tree/x":   "a directory in each version",
		"broken/2026-01-01/broken": "old",
		"broken/2026-02-01/broken": "",
		"pinned/2026-01-01/pinned": "old",
		"gone/2026-01-01/other":    "x",
	} {
		w.write(key, content)
	}
	at := func(name, role, key string) plan.Dataset {
		return plan.Dataset{Name: name, Role: role, Path: "s3://" + bucket + "/" + key}
	}
	versioned := func(key string) plan.Dataset {
		d := at(key, plan.Leaving, key)
		d.Versioned = true
		return d
	}
	memory := at("memory", plan.Crossing, "file.csv")
	memory.Action = plan.Persist
	p := plan.Plan{Datasets: []plan.Dataset{
		at("file", plan.Internal, "file.csv"), at("empty", plan.Leaving, "empty.csv"), at("absent", plan.Leaving, "absent.csv"), at("near", plan.Leaving, "near.csv"),
		at("parts", plan.Crossing, "parts"), at("parts_slash", plan.Crossing, "parts/"), at("marked", plan.Crossing, "marked"), at("failed", plan.Crossing, "failed"),
		versioned("model"), versioned("tree"), versioned("broken"), versioned("pinned"), versioned("gone"), versioned("never"),
		at("raw", plan.Input, "file.csv"), memory,
		{Name: "table", Role: plan.Leaving}, {Name: "elsewhere", Role: plan.Leaving, Path: "gs://bucket/x"}, {Name: "new", Role: plan.Leaving, Path: "s3://kedro-no-such-bucket/x"},
	}}
	made, err := FindMade(t.Context(), w.clients, p, map[string]string{"pinned": "2026-03-01"})
	w.must(err)
	maps.DeleteFunc(made.There, func(_ string, there bool) bool { return !there })
	if diff := cmp.Diff([]string{"file", "model", "parts", "parts_slash", "tree"}, slices.Sorted(maps.Keys(made.There))); diff != "" {
		t.Errorf("there (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"elsewhere", "table"}, made.Unseen); diff != "" {
		t.Errorf("not looked at (-want +got):\n%s", diff)
	}
}

func TestFindMadeEndsWhereS3DoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	w.fault = func(string, int) fault { return broken }
	_, err := FindMade(t.Context(), w.clients, plan.Plan{Datasets: []plan.Dataset{{Name: "x", Role: plan.Leaving, Path: "s3://" + bucket + "/x"}}}, nil)
	if err == nil {
		t.Error("no error: what S3 does not tell would be made again")
	}
}
