package project

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLook(t *testing.T) {
	const (
		free  = "no namespaces: jobs follow the registered pipelines; 'kedroctl plan --compare' shows other ways"
		named = "namespaces in 1 file: each becomes a job; 'kedroctl plan --compare' shows other ways"
	)
	for name, test := range map[string]struct {
		settings string
		files    map[string]string
		want     []string
	}{
		"nothing": {"", nil, []string{free}},
		"namespaces": {"", map[string]string{
			"src/spaceflights/pipelines/a.py": "Pipeline([], namespace=\"a\", prefix_datasets_with_namespace=False)\n",
			"src/spaceflights/pipelines/b.py": "Pipeline([], namespace=None, prefix_datasets_with_namespace=False)\n",
		}, []string{named}},
		"the guide half followed": {"", map[string]string{
			"conf/aws_batch/globals.yml": "s3_bucket: mine-1\n",
			"conf/aws_batch/catalog.yml": "a: {type: a.B, filepath: \"s3://${globals:s3_bucket}/a\"}\n_b: {filepath: s3://no}\n",
			"conf/base/catalog.yml":      "a: {type: a.B, filepath: data/a}\nc: {type: C, dataset: {filepath: \"${_root}/c\"}}\n_root: s3a://lake\nd: {type: a.B, filepath: data/d}\n",
			"src/spaceflights/runner.py": "class AWSBatchRunner(AbstractRunner):\n",
			"Dockerfile":                 "FROM python\n",
		}, []string{
			"conf/aws_batch: is there: what it has is kept",
			"2 datasets on S3: they stay where they are; 'kedroctl plan' lists the access that jobs get for them",
			"src/spaceflights/runner.py: the runner of Kedro's guide may stay; kedroctl does not need it", free,
			"Dockerfile: kedroctl makes an image of its own; yours is neither read nor changed, unless [tool.kedroctl.image] dockerfile names it",
		}},
		"a bucket of base, another environment": {"", map[string]string{
			"conf/base/globals.yml":  "s3_bucket: lake-1\n",
			"conf/prod/catalog.yml":  "a: {type: a.B, filepath: s3://lake-1/a}\n",
			"conf/local/catalog.yml": "a: {type: a.B, filepath: s3://lake-1/a}\n",
			"conf/dev/catalog.yml":   "a: {type: a.B, filepath: data/a}\n",
		}, []string{
			"conf/base/globals.yml: s3_bucket is lake-1: the bucket of aws_batch too, unless another is chosen",
			"conf/prod: has a catalog on S3: 'kedroctl --env prod init' prepares that environment", free,
		}},
		"a bucket that base computes": {"", map[string]string{"conf/base/globals.yml": "s3_bucket: ${oc.env:BUCKET}\n"}, []string{
			"conf/base/globals.yml: names an s3_bucket too: aws_batch gets one of its own, which goes before it", free,
		}},
		"after init":      {"\n[tool.kedroctl]\nbucket = \"lake-1\"\n", map[string]string{"conf/base/globals.yml": "s3_bucket: lake-1\n", "conf/aws_batch/globals.yml": ""}, []string{free}},
		"broken catalogs": {"", map[string]string{"conf/base/catalog.yml": "a: [\n", "conf/base/globals.yml": "a: [\n"}, []string{free}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newProject(t, projectTable+kedroTable+test.settings)
			for file, text := range test.files {
				write(t, dir, file, text)
			}
			s, err := Look(mustLoad(t, dir, LoadOptions{}))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, seen := range s.Seen {
				got = append(got, seen.Thing+": "+seen.Meaning)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if s.First != (test.settings == "") {
				t.Errorf("first: %v", s.First)
			}
		})
	}
}
