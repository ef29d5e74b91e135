//go:build real

package project

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRealCatalogKeepsWhatIsWritten lets Kedro resolve, for the environment that init wrote, a catalog of templates, patterns, globals and parameters.
func TestRealCatalogKeepsWhatIsWritten(t *testing.T) {
	python := kedroPython(t)
	dir := writeProject(t, map[string]string{
		Pyproject:                      projectTable + kedroTable,
		"src/spaceflights/__init__.py": "",
		"src/spaceflights/settings.py": "CONFIG_LOADER_ARGS = {\"base_env\": \"base\", \"default_run_env\": \"local\", \"merge_strategy\": {\"catalog\": \"soft\"}}\n",
		"src/spaceflights/pipeline_registry.py": `from kedro.pipeline import node, pipeline


def register_pipelines():
    load = node(lambda *a: a, ["companies#csv", "reviews#csv", "by_global", "whole", "kept", "lake"], "joined", name="load")
    use = node(lambda a: a, "joined", "report", name="use")
    return {"__default__": pipeline([load, use])}
`,
		"conf/local/.gitkeep":   "",
		"conf/base/globals.yml": "folders: {models: data/06_models}\n",
		"conf/base/catalog.yml": `
_root: data
_csv: {type: pandas.CSVDataset, load_args: "${_args.load}"}
_args: {load: {sep: ";"}}
"{name}#csv":
  type: ${_csv.type}
  filepath: ${_root}/01_raw/{name}_${runtime_params:day,d1}.csv
  load_args: ${_csv.load_args}
by_global: {type: pickle.PickleDataset, filepath: "${globals:folders.models}/m.pkl"}
whole: ${_whole}
_whole: {type: pandas.CSVDataset, filepath: "${_root}/w.csv"}
kept: {type: MemoryDataset, copy_mode: assign}
lake: {type: pandas.CSVDataset, filepath: s3://lake/x.csv}
`,
		"conf/aws_batch/catalog_own.yml": "_root: elsewhere\nreport: {type: json.JSONDataset, filepath: s3://lake/report.json}\n",
	})
	take := func(ctx context.Context, env string) (Snapshot, error) {
		return Inspect(ctx, mustLoad(t, dir, LoadOptions{}), python, InspectOptions{Env: env})
	}
	if _, err := initialise(t, dir, "", InitOptions{Catalog: true, Snapshot: take}); err != nil {
		t.Fatal(err)
	}
	s, err := Inspect(t.Context(), mustLoad(t, dir, LoadOptions{}), python, InspectOptions{Params: "day=d7"})
	if err != nil {
		t.Fatal(err)
	}
	const bucket = "s3://kedro-spaceflights-abababab/"
	want := map[string]string{
		"companies#csv": bucket + "01_raw/companies_d7.csv", "reviews#csv": bucket + "01_raw/reviews_d7.csv", "by_global": bucket + "06_models/m.pkl",
		"whole": bucket + "w.csv", "joined": bucket + "memory/joined.pkl", "lake": "s3://lake/x.csv", "report": "s3://lake/report.json", "kept": "",
	}
	got := map[string]string{}
	for _, name := range usedDatasets(s) {
		got[name] = s.Datasets[name].Path
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s\n%s", diff, read(t, dir, catalogFile))
	}
	written, err := readYAML(dir + "/" + catalogFile)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for i := 0; i < len(written.Content); i += 2 {
		keys[written.Content[i].Value] = true
	}
	if diff := cmp.Diff([]string{"by_global", "joined", "whole", "{name}#csv"}, slices.Sorted(maps.Keys(keys))); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}
