package project

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// snapshotOf is a snapshot of one node that uses all datasets; each line is "name type path", "=" for none, or "name type path pattern".
func snapshotOf(lines ...string) Snapshot {
	s := Snapshot{Package: "spaceflights", ConfSource: "conf", BaseEnv: "base", Datasets: map[string]Dataset{}}
	node := Node{Name: "n", Inputs: []string{"parameters", "params:a"}}
	for _, line := range lines {
		fields := strings.Fields(line)
		d := Dataset{Source: "catalog", Type: fields[1], Path: strings.Trim(fields[2], "=")}
		if len(fields) > 3 {
			d.Source, d.Pattern = "pattern", fields[3]
		}
		s.Datasets[fields[0]] = d
		node.Inputs = append(node.Inputs, fields[0])
	}
	s.Datasets["unused"] = Dataset{Source: "catalog", Type: "pandas.CSVDataset", Path: "data/unused.csv"}
	s.Pipelines = map[string]Pipeline{"__default__": {Nodes: []Node{node}}}
	return s
}

func takes(s Snapshot) func(context.Context, string) (Snapshot, error) {
	return func(context.Context, string) (Snapshot, error) { return s, nil }
}

// body is the catalog without its header.
func body(text string) string {
	_, entries, _ := strings.Cut(text, "\n\n")
	return entries
}

func TestInitCatalogEntries(t *testing.T) {
	for name, test := range map[string]struct {
		base     string
		env      string // conf/aws_batch/catalog_own.yml
		globals  string // conf/base/globals.yml
		datasets []string
		want     string
		note     string
	}{
		"full definition, nothing else": {
			base: `
# raw
companies:
  type: pandas.CSVDataset  # from the provider
  filepath: data/01_raw/companies.csv
  load_args: {sep: ";", na_values: ['#NA', no]}
  save_args:
    header: yes
  metadata:
    note: |
      two
      lines

unused:
  type: pandas.CSVDataset
  filepath: data/unused.csv

remote:
  type: pandas.CSVDataset
  filepath: s3://lake/x.csv
`,
			datasets: []string{"companies pandas.CSVDataset data/01_raw/companies.csv", "remote pandas.CSVDataset s3://lake/x.csv", "db pandas.SQLTableDataset ="},
			want: `companies:
  type: pandas.CSVDataset
  filepath: s3://${globals:s3_bucket}/01_raw/companies.csv
  load_args: {sep: ";", na_values: ['#NA', no]}
  save_args:
    header: yes
  metadata:
    note: |
      two
      lines
`,
		},
		"memory": {
			base: "kept:\n  type: MemoryDataset\n  copy_mode: assign\n",
			datasets: []string{
				"metrics MemoryDataset =", "kept MemoryDataset =", "ns.x kedro.io.MemoryDataset =", "t@a MemoryDataset =", "t@b MemoryDataset =",
			},
			want: `kept:
  type: pickle.PickleDataset
  filepath: s3://${globals:s3_bucket}/memory/kept.pkl

metrics:
  type: pickle.PickleDataset
  filepath: s3://${globals:s3_bucket}/memory/metrics.pkl

ns.x:
  type: pickle.PickleDataset
  filepath: s3://${globals:s3_bucket}/memory/ns.x.pkl

t@a:
  type: pickle.PickleDataset
  filepath: s3://${globals:s3_bucket}/memory/t.pkl

t@b:
  type: pickle.PickleDataset
  filepath: s3://${globals:s3_bucket}/memory/t.pkl
`,
		},
		"patterns and interpolation": {
			base: `
_root: data
_csv:
  type: pandas.CSVDataset
  load_args: ${_args.load}
_args: {load: {sep: ","}, n: 5}
_unused: 1
"{ns}.{name}#csv":
  type: ${_csv.type}
  filepath: ${_root}/01_raw/{ns}/{name}_${runtime_params:day,d1}.csv
  load_args: ${_csv.load_args}
"{default}":
  type: MemoryDataset
whole: ${_whole}
_whole: {type: pandas.CSVDataset, filepath: "${_root}/w.csv", load_args: "${_csv.load_args}"}
secret:
  type: pandas.CSVDataset
  filepath: data/s.csv
  fs_args: {key: "${oc.env:TOKEN}", n: "${_args.n}"}
by_entry:
  type: ${by_global.type}
  filepath: data/e.pkl
by_global:
  type: pickle.PickleDataset
  filepath: ${globals:folders.models}/m.pkl
by_fallback:
  type: pickle.PickleDataset
  filepath: ${globals:absent, data/07}/m.pkl
by_param:
  type: pickle.PickleDataset
  filepath: ${runtime_params:root,x}/m.pkl
`,
			globals: "folders:\n  models: data/06_models\n",
			datasets: []string{
				"a.x#csv pandas.CSVDataset data/01_raw/a/x_d1.csv {ns}.{name}#csv", "b.y#csv pandas.CSVDataset data/01_raw/b/y_d1.csv {ns}.{name}#csv",
				"m MemoryDataset = {default}", "by_global pickle.PickleDataset data/06_models/m.pkl", "by_fallback pickle.PickleDataset data/07/m.pkl",
				"by_param pickle.PickleDataset x/m.pkl", "whole pandas.CSVDataset data/w.csv",
				"secret pandas.CSVDataset data/s.csv", "by_entry pickle.PickleDataset data/e.pkl",
			},
			env: "_args: {load: {sep: \"|\"}}\n",
			want: `'{ns}.{name}#csv':
  type: pandas.CSVDataset
  filepath: s3://${globals:s3_bucket}/01_raw/{ns}/{name}_${runtime_params:day,d1}.csv
  load_args: {sep: ","}

'{default}':
  type: pickle.PickleDataset
  filepath: s3://${globals:s3_bucket}/memory/{default}.pkl

whole: {type: pandas.CSVDataset, filepath: 's3://${globals:s3_bucket}/w.csv', load_args: {sep: ","}}

secret:
  type: pandas.CSVDataset
  filepath: s3://${globals:s3_bucket}/s.csv
  fs_args: {key: "${oc.env:TOKEN}", n: 5}

by_entry:
  type: ${by_global.type}
  filepath: s3://${globals:s3_bucket}/e.pkl

by_global:
  type: pickle.PickleDataset
  filepath: s3://${globals:s3_bucket}/06_models/m.pkl

by_fallback:
  type: pickle.PickleDataset
  filepath: s3://${globals:s3_bucket}/07/m.pkl

by_param:
  type: pickle.PickleDataset
  filepath: s3://${globals:s3_bucket}/${runtime_params:root,x}/m.pkl
`,
		},
		"anchors, nested, transcoded, flow": {
			base: `
_sql: &sql {type: pandas.CSVDataset, load_args: {sep: ","}}
_more: &more
  load_args: {sep: ";"}
  versioned: true
table@pandas:
  <<: [*sql, *more]
  filepath: data/02/t.csv
table@text: {type: text.TextDataset, filepath: data/02/t.csv}
parts:
  type: partitions.IncrementalDataset
  path: data/parts/
  dataset: *sql
  checkpoint: {filepath: data/parts/CHECKPOINT}
cached:
  type: CachedDataset
  dataset:
    type: pickle.PickleDataset
    filepath: models/m.pkl
`,
			datasets: []string{
				"table@pandas pandas.CSVDataset data/02/t.csv", "table@text text.TextDataset data/02/t.csv", "parts partitions.IncrementalDataset data/parts",
				"cached CachedDataset models/m.pkl",
			},
			want: `table@pandas:
  filepath: s3://${globals:s3_bucket}/02/t.csv
  type: pandas.CSVDataset
  load_args: {sep: ","}
  versioned: true

table@text: {type: text.TextDataset, filepath: 's3://${globals:s3_bucket}/02/t.csv'}

parts:
  type: partitions.IncrementalDataset
  path: s3://${globals:s3_bucket}/parts
  dataset: {type: pandas.CSVDataset, load_args: {sep: ","}}
  checkpoint: {filepath: 's3://${globals:s3_bucket}/parts/CHECKPOINT'}

cached:
  type: CachedDataset
  dataset:
    type: pickle.PickleDataset
    filepath: s3://${globals:s3_bucket}/models/m.pkl
`,
		},
		"what the environment has, and what cannot be moved": {
			base:     "mine: {type: a.B, filepath: data/x}\nfar: {type: a.B, filepath: /srv/x}\nup: {type: a.B, filepath: ../x}\nok: {type: a.B, filepath: data/ok}\n",
			env:      "mine: {type: a.B, filepath: local/x}\n\"{p}_x\": {type: a.B, filepath: \"local/{p}\"}\n",
			datasets: []string{"mine a.B local/x", "far a.B /srv/x", "up a.B ../x", "ok a.B data/ok", "q_x a.B local/q {p}_x", "lost a.B data/lost"},
			want:     "ok: {type: a.B, filepath: 's3://${globals:s3_bucket}/ok'}\n",
			note: "up is left out: its path ../x is outside the project; far is left out: its path /srv/x is outside the project; " +
				"lost is left out: no catalog file of the base environment has it",
		},
		"classes that may not work on S3": {
			base: `
table@pandas: {type: pandas.CSVDataset, filepath: data/t}
table@spark: {type: spark.SparkDataset, filepath: data/t}
image: {type: spaceflights.io.ImageDataset, filepath: data/i.png}
here: {type: pandas.CSVDataset, filepath: "${oc.env:ROOT}/h"}
ok: {type: pandas.CSVDataset, filepath: data/ok}
`,
			datasets: []string{
				"table@pandas pandas.CSVDataset data/t", "table@spark spark.SparkDataset data/t", "image spaceflights.io.ImageDataset data/i.png",
				"here pandas.CSVDataset /mnt/h", "ok pandas.CSVDataset data/ok",
			},
			want: "ok: {type: pandas.CSVDataset, filepath: 's3://${globals:s3_bucket}/ok'}\n",
			note: "here is left out: its path /mnt/h is outside the project; image, table@spark are left out: of a class that may not work on S3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newProject(t, projectTable+kedroTable)
			write(t, dir, "conf/base/catalog/all.yaml", test.base)
			write(t, dir, "conf/base/globals.yml", test.globals)
			write(t, dir, "conf/aws_batch/catalog_own.yml", test.env)
			options := InitOptions{Catalog: true, Snapshot: takes(snapshotOf(test.datasets...))}
			got, err := initialise(t, dir, "", options)
			if err != nil {
				t.Fatal(err)
			}
			text := read(t, dir, "conf/aws_batch/catalog.yml")
			if diff := cmp.Diff(test.want, body(text)); diff != "" {
				t.Errorf("entries:\n%s", diff)
			}
			if _, note, _ := strings.Cut(got["conf/aws_batch/catalog.yml"], ": "); note != test.note {
				t.Errorf("note %q, want %q", note, test.note)
			}
			if again, err := initialise(t, dir, "", options); err != nil || !strings.HasPrefix(again["conf/aws_batch/catalog.yml"], Unchanged) {
				t.Errorf("second run: %v %v", err, again)
			}
		})
	}
}

func TestInitCatalogOfOtherFiles(t *testing.T) {
	for name, test := range map[string]struct{ patterns, written string }{
		"more of them":   {`["catalog*", "data/**", "**/sets.y*ml"]`, Written},
		"not this one":   {`["data/**", "**/sets.y*ml"]`, Kept + ": CONFIG_LOADER_ARGS in settings.py makes Kedro read the catalog of data/**, **/sets.y*ml only: write entries into such a file by hand"},
		"in a comment":   {"", Written},
		"over two lines": {"[\n    'data/**',\n    \"**/sets.y*ml\", 'cat?log.yml']", Written},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newProject(t, projectTable+kedroTable)
			settings := "CONFIG_LOADER_ARGS = {\"config_patterns\": {\"spark\": [\"x\"], \"catalog\": " + test.patterns + "}}\n"
			files := []string{"conf/base/data/deep/a.yml", "conf/base/x/sets.yaml"}
			if test.patterns == "" {
				settings, files = "# \"catalog\": [\"data/**\"]\n", []string{"conf/base/catalog.yml", "conf/base/x/catalog_b.yml"}
			}
			write(t, dir, "src/spaceflights/settings.py", settings)
			write(t, dir, files[0], "a: {type: x.A, filepath: data/a}\n")
			write(t, dir, files[1], "b: {type: x.B, filepath: data/b}\n")
			got, err := initialise(t, dir, "", InitOptions{Catalog: true, Snapshot: takes(snapshotOf("a x.A data/a", "b x.B data/b"))})
			if err != nil || got[catalogFile] != test.written {
				t.Fatalf("%v: %q, want %q", err, got[catalogFile], test.written)
			}
			if test.written == Written && strings.Count(read(t, dir, catalogFile), "filepath: 's3://") != 2 {
				t.Error(read(t, dir, catalogFile))
			}
		})
	}
}

func TestInitCatalogMergedSoftly(t *testing.T) {
	dir := newProject(t, projectTable+kedroTable)
	write(t, dir, "conf/base/catalog.yml", "a: {type: MemoryDataset, copy_mode: assign}\nb: {type: MemoryDataset, metadata: {x: 1}}\n")
	s := snapshotOf("a MemoryDataset =", "b MemoryDataset =", "c MemoryDataset =")
	s.SoftMerge = []string{"catalog"}
	got, err := initialise(t, dir, "", InitOptions{Catalog: true, Snapshot: takes(s)})
	if want := "written: a is left out: the catalog is merged softly, so that its copy_mode would stay"; err != nil || got[catalogFile] != want {
		t.Errorf("%v: %q, want %q", err, got[catalogFile], want)
	}
	if text := body(read(t, dir, catalogFile)); strings.Contains(text, "a:\n") || !strings.Contains(text, "b:\n") || !strings.Contains(text, "c:\n") {
		t.Error(text)
	}
}

func TestInitCatalogWithoutKedroDatasets(t *testing.T) {
	dir := newProject(t, strings.Replace(projectTable, "\"kedro-datasets>=9.0\",", "", 1)+kedroTable)
	write(t, dir, "conf/base/catalog.yml", "a: {type: x.A, filepath: data/a}\n")
	take := takes(snapshotOf("a x.A data/a", "b MemoryDataset =", "c MemoryDataset ="))
	got, err := initialise(t, dir, "", InitOptions{Catalog: true, Snapshot: take})
	want := "written: b, c are left out: kedro-datasets, which has a class for it, is not among the dependencies"
	if err != nil || got[catalogFile] != want || strings.Contains(read(t, dir, catalogFile), "pickle") {
		t.Errorf("%v: %q, want %q", err, got[catalogFile], want)
	}
}

const catalogFile = "conf/aws_batch/catalog.yml"

func TestInitCatalogFollowsTheProject(t *testing.T) {
	dir := newProject(t, projectTable+kedroTable)
	write(t, dir, "conf/base/catalog.yml", "a: {type: x.A, filepath: data/a}\nb: {type: x.B, filepath: data/b}\n")
	first := takes(snapshotOf("a x.A data/a", "metrics MemoryDataset ="))
	if _, err := initialise(t, dir, "", InitOptions{Catalog: true, Snapshot: first}); err != nil {
		t.Fatal(err)
	}
	// Now the snapshot sees our entries. A definition changes, a dataset comes; editors and git change blank space and line ends.
	write(t, dir, "conf/base/catalog.yml", "a: {type: x.A2, filepath: data/a}\nb: {type: x.B, filepath: data/b}\n")
	write(t, dir, catalogFile, strings.ReplaceAll(strings.TrimSpace(read(t, dir, catalogFile)), "\n", "\r\n"))
	second := takes(snapshotOf("a x.A s3://k/a", "metrics pickle.PickleDataset s3://k/memory/metrics.pkl", "b x.B data/b"))
	got, err := initialise(t, dir, "", InitOptions{Catalog: true, Snapshot: second})
	want := `a: {type: x.A2, filepath: 's3://${globals:s3_bucket}/a'}

b: {type: x.B, filepath: 's3://${globals:s3_bucket}/b'}

metrics:
  type: pickle.PickleDataset
  filepath: s3://${globals:s3_bucket}/memory/metrics.pkl
`
	if diff := cmp.Diff(want, body(read(t, dir, catalogFile))); err != nil || diff != "" || got[catalogFile] != Updated {
		t.Errorf("%v %v\n%s", err, got, diff)
	}
}

func TestInitCatalogOfAPersonStays(t *testing.T) {
	dir := newProject(t, projectTable+kedroTable)
	write(t, dir, "conf/base/catalog.yml", "a: {type: x.A, filepath: data/a}\n")
	take := takes(snapshotOf("a x.A data/a", "b MemoryDataset ="))
	if _, err := initialise(t, dir, "", InitOptions{Catalog: true, Snapshot: take}); err != nil {
		t.Fatal(err)
	}
	mine := strings.Replace(read(t, dir, catalogFile), "b:", "c:", 1)
	write(t, dir, catalogFile, mine)
	got, err := initialise(t, dir, "", InitOptions{Catalog: true, Snapshot: take})
	if err != nil || got[catalogFile] != "kept: yours; without an S3 entry: b" || read(t, dir, catalogFile) != mine {
		t.Errorf("%v %v\n%s", err, got, read(t, dir, catalogFile))
	}
}

func TestInitCatalogNothingToSay(t *testing.T) {
	dir := newProject(t, projectTable+kedroTable)
	got, err := initialise(t, dir, "", InitOptions{Catalog: true, Snapshot: takes(snapshotOf("a x.A s3://b/a"))})
	if _, exists := got[catalogFile]; err != nil || exists {
		t.Errorf("%v %v", err, got)
	}
}

func TestCatalogFiles(t *testing.T) {
	dir := writeProject(t, map[string]string{
		"catalog.yml": "", "catalog_x.json": "", "catalog/deep/er.yaml": "", "sub/catalog_y.yml": "", "sub/other.yml": "", "parameters.yml": "",
		"catalog.txt": "", ".catalog.yml": "", ".hidden/catalog.yml": "",
	})
	got, err := catalogFiles(dir, catalogPatterns)
	for i := range got {
		got[i], _ = filepath.Rel(dir, got[i])
	}
	want := []string{"catalog/deep/er.yaml", "catalog.yml", "catalog_x.json", "sub/catalog_y.yml"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if none, err := catalogFiles(filepath.Join(dir, "absent"), catalogPatterns); err != nil || none != nil {
		t.Errorf("absent directory: %v %v", none, err)
	}
}

func TestReadYAML(t *testing.T) {
	dir := t.TempDir()
	for text, bad := range map[string]bool{"": false, "# only\n": false, "- a\n": false, "a: [\n": true} {
		write(t, dir, "x.yml", text)
		if _, err := readYAML(filepath.Join(dir, "x.yml")); (err != nil) != bad {
			t.Errorf("%q: %v", text, err)
		}
	}
	write(t, dir, "x.yml", "a: &a {b: *a, c: 1}\n") // whatever comes of a circle, it ends
	if root, err := readYAML(filepath.Join(dir, "x.yml")); err == nil && field(field(root, "a"), "c") == nil {
		t.Error("a circle of aliases loses the rest")
	}
	if _, err := readYAML(filepath.Join(dir, "absent.yml")); !os.IsNotExist(err) {
		t.Errorf("absent: %v", err)
	}
}
