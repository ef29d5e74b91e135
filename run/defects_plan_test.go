package run

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// shop is a project whose nodes read "name: inputs -> outputs"; what stands before a point is their namespace. __default__ has the first pipeline's.
func shop(pipelines map[string][]string) project.Snapshot {
	s := project.Snapshot{KedroVersion: "1.7.0", Package: "shop", Env: "aws_batch", Pipelines: map[string]project.Pipeline{}, Datasets: map[string]project.Dataset{}}
	for name, texts := range pipelines {
		var nodes []project.Node
		for _, text := range texts {
			node, flow, _ := strings.Cut(text, ":")
			in, out, _ := strings.Cut(flow, "->")
			n := project.Node{Name: node, Inputs: strings.Fields(in), Outputs: strings.Fields(out)}
			n.Namespace, _, _ = strings.Cut(node, ".")
			if n.Namespace == node {
				n.Namespace = ""
			}
			nodes = append(nodes, n)
		}
		s.Pipelines[name] = project.Pipeline{Nodes: nodes}
	}
	return s
}

// commands plans and starts a run, and gives the commands that Batch got, by group.
func commands(t *testing.T, s project.Snapshot, o plan.Options, change func(*Input)) map[string][]string {
	t.Helper()
	w := newWorld(t)
	seen := w.watchSubmissions()
	in := shopInput(t, s, o)
	if change != nil {
		change(&in)
	}
	w.start(in)
	got := make(map[string][]string)
	for _, j := range seen.all {
		got[variable(j, "KEDROCTL_GROUP")] = j.ContainerOverrides.Command
	}
	return got
}

func shopInput(t *testing.T, s project.Snapshot, o plan.Options) Input {
	t.Helper()
	o.Project = "shop"
	pl, err := plan.New(s, shopSettings(), o)
	if err != nil {
		t.Fatal(err)
	}
	in := input()
	in.Plan, in.Snapshot = pl, s
	return in
}

func shopSettings() project.Settings {
	return project.Settings{Bucket: bucket, GroupBy: "namespace", Crossing: "persist", Job: project.JobSettings{Resources: project.Resources{VCPUs: 2, Memory: 4096, Timeout: 3600, Attempts: 2}}}
}

// flagOf is the value of a flag in a command, "" where it is not there.
func flagOf(command []string, name string) string {
	if i := slices.Index(command, name); i >= 0 && i+1 < len(command) {
		return command[i+1]
	}
	return ""
}

func TestDefectsOfTheGuidesPlan(t *testing.T) {
	spaceflights := shop(map[string][]string{
		"__default__": {"prep.clean: -> prep.table", "science.split: prep.table -> science.x", "science.train: science.x -> science.model"},
		"science":     {"science.split: prep.table -> science.x", "science.train: science.x -> science.model"},
	})
	t.Run("10 groups in a circle are found when all others have run", func(t *testing.T) {
		in := shopInput(t, shop(map[string][]string{"__default__": {"a.one: -> x", "b.two: x -> y", "a.three: y -> z"}}), plan.Options{})
		done := make(map[string]bool)
		for _, g := range in.Plan.Groups {
			for _, p := range g.DependsOn {
				if !done[p] {
					t.Errorf("group %s comes before %s, which it waits for", g.Name, p)
				}
			}
			done[g.Name] = true
		}
		if len(in.Plan.Groups) < 3 {
			t.Errorf("%d groups for a way through a, b and a again", len(in.Plan.Groups))
		}
	})
	t.Run("11 a node named like a namespace takes its nodes away", func(t *testing.T) {
		got := commands(t, shop(map[string][]string{"__default__": {"fit: -> x", "fit.one: x -> y", "fit.two: y -> z"}}), plan.Options{}, nil)
		var run []string
		for _, c := range got {
			if flagOf(c, "--namespaces") == "fit" {
				run = append(run, "fit.one", "fit.two")
			}
			run = append(run, strings.FieldsFunc(flagOf(c, "--nodes"), func(c rune) bool { return c == ',' })...)
		}
		if diff := cmp.Diff([]string{"fit", "fit.one", "fit.two"}, sorted(run)); diff != "" {
			t.Errorf("nodes that run (-want +got):\n%s", diff)
		}
	})
	t.Run("12 the environment is always aws_batch", func(t *testing.T) {
		s := spaceflights
		s.Env = "prod"
		for group, c := range commands(t, s, plan.Options{}, nil) {
			if flagOf(c, "--env") != "prod" {
				t.Errorf("%s: %q", group, c)
			}
		}
	})
	t.Run("13 jobs run __default__ whatever pipeline was chosen", func(t *testing.T) {
		got := commands(t, spaceflights, plan.Options{Selection: plan.Selection{Pipelines: []string{"science"}}}, nil)
		if len(got) != 1 || flagOf(got["science"], "--pipelines") != "science" {
			t.Errorf("commands %q", got)
		}
	})
	t.Run("14 filters are lost: the job runs the whole namespace", func(t *testing.T) {
		got := commands(t, spaceflights, plan.Options{Selection: plan.Selection{FromNodes: []string{"science.train"}}}, nil)
		if c := got["science"]; len(got) != 1 || flagOf(c, "--nodes") != "science.train" || flagOf(c, "--namespaces") != "" {
			t.Errorf("commands %q", got)
		}
	})
	t.Run("15 parameters are lost", func(t *testing.T) {
		w := newWorld(t)
		seen := w.watchSubmissions()
		in := shopInput(t, spaceflights, plan.Options{})
		in.Args, in.Params = []string{"--params", "test_size=0.3"}, map[string]any{"features": []any{"a", "b,c"}}
		w.start(in)
		for _, s := range seen.all {
			if flagOf(s.ContainerOverrides.Command, "--params") != "test_size=0.3" {
				t.Errorf("command %q", s.ContainerOverrides.Command)
			}
			if diff := cmp.Diff(in.Params, w.request(variable(s, "KEDROCTL_REQUEST")).Params); diff != "" {
				t.Errorf("nested parameters (-want +got):\n%s", diff)
			}
		}
	})
	t.Run("16 load versions are lost", func(t *testing.T) {
		w := newWorld(t)
		seen := w.watchSubmissions()
		s := shop(map[string][]string{"__default__": {"prep.clean: raw -> prep.table"}})
		s.Datasets["raw"] = project.Dataset{Source: "catalog", Type: "pandas.CSVDataset", Path: "s3://" + bucket + "/raw.csv", Versioned: true}
		in := shopInput(t, s, plan.Options{})
		in.LoadVersions = map[string]string{"raw": "2026-01-01T00.00.00.000Z"}
		w.write("raw.csv/2026-01-01T00.00.00.000Z/raw.csv", "x")
		w.write("raw.csv/2026-02-02T00.00.00.000Z/raw.csv", "y")
		w.start(in)
		if got := w.request(variable(seen.all[0], "KEDROCTL_REQUEST")).Versions["raw"]; got != "2026-01-01T00.00.00.000Z" {
			t.Errorf("version %q of raw is loaded", got)
		}
	})
	t.Run("17 only missing outputs: the job makes the others again too", func(t *testing.T) {
		s := spaceflights
		s.Datasets = map[string]project.Dataset{}
		for _, name := range []string{"science.x", "science.model"} {
			s.Datasets[name] = project.Dataset{Source: "catalog", Type: "pandas.CSVDataset", Path: "s3://" + bucket + "/data/" + name}
		}
		nodes, skipped, err := plan.OnlyMissing(s, plan.Selection{}, func(name string) bool { return name == "science.x" })
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t)
		seen := w.watchSubmissions()
		w.write("data/science.x", "made before")
		w.start(shopInput(t, s, plan.Options{Selection: plan.Selection{Nodes: nodes}}))
		if len(seen.all) != 1 {
			t.Fatalf("%d jobs for %q, skipped %q", len(seen.all), nodes, skipped)
		}
		if c := seen.all[0].ContainerOverrides.Command; flagOf(c, "--nodes") != "science.train" || !slices.Contains(skipped, "science.split") {
			t.Errorf("command %q, skipped %q", c, skipped)
		}
	})
	t.Run("18 --async and a runner are lost", func(t *testing.T) {
		set := shopSettings()
		set.Job.Groups = map[string]project.GroupSettings{"science": {Runner: "ThreadRunner"}}
		pl, err := plan.New(spaceflights, set, plan.Options{Project: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		got := commands(t, spaceflights, plan.Options{}, func(in *Input) { in.Plan, in.Args = pl, []string{"--async"} })
		if c := got["science"]; flagOf(c, "--runner") != "ThreadRunner" || !slices.Contains(c, "--async") || flagOf(got["prep"], "--runner") != "" {
			t.Errorf("commands %q", got)
		}
	})
	t.Run("26 a mistyped setting is a TypeError of boto3", func(t *testing.T) {
		dir := t.TempDir()
		text := "[tool.kedro]\npackage_name = \"shop\"\nproject_name = \"shop\"\nkedro_init_version = \"1.7.0\"\n[tool.kedroctl]\nregoin = \"eu-west-1\"\n"
		if err := errors.Join(os.WriteFile(filepath.Join(dir, "pyproject.toml"), []byte(text), 0o600), os.MkdirAll(filepath.Join(dir, "src", "shop"), 0o700)); err != nil {
			t.Fatal(err)
		}
		_, err := project.Load(dir, project.LoadOptions{Getenv: func(string) string { return "" }})
		if e, ok := errors.AsType[*project.SettingsError](err); !ok || e.Key != "tool.kedroctl.regoin" || !strings.Contains(e.Next, `"region"`) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("27 the order of groups changes from plan to plan", func(t *testing.T) {
		wide := shop(map[string][]string{"__default__": {"a: -> x", "b: -> y", "c: -> z", "d: x z -> u", "e: y -> v", "f: u v -> w"}})
		first := shopInput(t, wide, plan.Options{}).Plan
		for range 10 {
			if diff := cmp.Diff(first, shopInput(t, wide, plan.Options{}).Plan); diff != "" {
				t.Fatalf("plan (-first +again):\n%s", diff)
			}
		}
	})
	t.Run("28 data in memory between jobs fails in AWS", func(t *testing.T) {
		in := shopInput(t, spaceflights, plan.Options{})
		i := slices.IndexFunc(in.Plan.Datasets, func(d plan.Dataset) bool { return d.Name == "prep.table" })
		if i < 0 || in.Plan.Datasets[i].Action != plan.Persist {
			t.Fatalf("datasets %+v", in.Plan.Datasets)
		}
		w := newWorld(t)
		r, rep := w.start(in)
		w.follow(r, rep)
		report, err := Verify(t.Context(), w.clients, r)
		w.must(err)
		if !report.OK || !slices.ContainsFunc(report.Outputs, func(o Output) bool { return o.Dataset == "prep.table" && o.State == OutputOK }) {
			t.Errorf("report %+v", report)
		}
	})
}
