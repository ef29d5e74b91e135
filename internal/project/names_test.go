package project

import "testing"

func TestS3Key(t *testing.T) {
	for local, want := range map[string]string{
		"data/01_raw/companies.csv":   "01_raw/companies.csv",
		"./data/01_raw/x":             "01_raw/x",
		"data/parts/":                 "parts",
		"lake/x.parquet":              "lake/x.parquet",
		"dataset/x":                   "dataset/x",
		"data/{name}.csv":             "{name}.csv",
		"data":                        "",
		"../x":                        "",
		"/srv/x":                      "",
		"data/../../x":                "",
		`data\01_raw\x.csv`:           "01_raw/x.csv",
		"data/data/x":                 "data/x",
		"data/${runtime_params:d}/ab": "${runtime_params:d}/ab",
	} {
		if got := S3Key(local); got != want {
			t.Errorf("S3Key(%q) = %q, want %q", local, got, want)
		}
	}
}

func TestSlug(t *testing.T) {
	for name, want := range map[string]string{
		"Spaceflights Batch":             "spaceflights-batch",
		"spaceflights_batch":             "spaceflights-batch",
		"--A..b--":                       "a-b",
		"données":                        "donn-es",
		"数据":                             "project",
		"exactly-thirty-characters-long": "exactly-thirty-characters-long",
	} {
		if got := Slug(name); got != want {
			t.Errorf("Slug(%q) = %q, want %q", name, got, want)
		}
	}
	a, b := Slug("a very long project name that goes on and on"), Slug("a very long project name that goes on and off")
	if a == b || len(a) > 30 || len(b) > 30 {
		t.Errorf("slugs of long names: %q, %q; want them apart and at most 30 characters", a, b)
	}
}
