//go:build real

package check

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// A project that runs here, and would not on Batch: what Kedro itself says of it, and what its files say.
const trouble = `
-- pyproject.toml --
[build-system]
build-backend = "setuptools.build_meta"

[project]
name = "shop"
requires-python = ">=3.10"
dependencies = ["kedro", "matplotlib"]

[tool.kedro]
package_name = "shop"
project_name = "shop"
kedro_init_version = "1.7.0"

[tool.kedroctl]
bucket = "kedro-shop-0a1b2c3d"
-- src/shop/sql/q.sql --
-- src/shop/hooks.py --
from kedro.framework.hooks import hook_impl


class Audit:
    @hook_impl
    def after_catalog_created(self):
        pass

    @hook_impl
    def after_node_run(self):
        pass
-- src/shop/settings.py --
from shop.hooks import Audit

HOOKS = (Audit(),)
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "mine"}
-- src/shop/pipelines/__init__.py --
-- src/shop/pipelines/one/__init__.py --
from kedro.pipeline import node, pipeline


def use(x, *_):
    return x


def create_pipeline(**_):
    return pipeline([node(use, ["raw", "params:day"], "table"), node(use, ["table", "params:limits.low"], "plot", name="use")])
-- src/shop/pipeline_registry.py --
from kedro.framework.project import find_pipelines


def register_pipelines():
    found = find_pipelines()
    return {**found, "all": found["one"], "__default__": found["one"]}
-- conf/base/catalog.yml --
raw: {type: json.JSONDataset, filepath: data/raw.json, load_args: {a: 1}, credentials: lake}
"p{rest}": {type: matplotlib.MatplotlibWriter, filepath: "/elsewhere/p{rest}.png"}
-- conf/base/parameters.yml --
limits: {low: 1}
-- conf/base/credentials.yml --
lake: {key: "${oc.env:LAKE_KEY}"}
-- conf/aws_batch/catalog.yml --
raw: {type: json.JSONDataset, filepath: "s3://kedro-shop-0a1b2c3d/raw.json"}
-- conf/mine/parameters.yml --
day: monday
-- conf/mine/mlflow.yml --
server: {}
`

func TestRealFindings(t *testing.T) {
	p := write(t, trouble)
	python, err := project.FindPython(t.Context(), p, realtest.Python(t), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	s, err := project.Inspect(t.Context(), p, python, project.InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.PythonVersion = "3.12.4" // that of the base image, whatever the tests run on
	s.Hooks = slices.DeleteFunc(s.Hooks, func(h project.Hook) bool { return h.Plugin })
	findings, err := Tree(p, s, mustPlan(t, p, s), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"error parameter-missing params:day conf/mine/parameters.yml:1",
		"error variable-missing LAKE_KEY conf/base/credentials.yml:1",
		"warning class-renamed matplotlib.MatplotlibWriter conf/base/catalog.yml:2",
		"warning entry-differs raw conf/aws_batch/catalog.yml:1",
		"warning local-only mlflow.yml conf/mine/mlflow.yml",
		"warning path-outside plot conf/base/catalog.yml:2",
		"warning s3fs-missing s3fs pyproject.toml",
		"warning wheel-lacks src/shop/sql/q.sql pyproject.toml",
		"note hooks shop.hooks.Audit",
		"note node-unnamed use__4c4a3c2e",
		"note pipeline-composed all src/shop/pipeline_registry.py",
	}
	if diff := cmp.Diff(want, lines(findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
