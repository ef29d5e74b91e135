package plan

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestProblems(t *testing.T) {
	left := project.Problem{Stage: "pipelines", Type: "ImportError", Message: "An error occurred while importing the 'shop.pipelines.x' module: ValueError: bad"}
	left.Traceback = "  File \"src/shop/pipelines/x.py\", line 3, in <module>\n    bad\nValueError: bad\n"
	got := Problems(fmt.Errorf("inspect: %w", &project.ProjectError{Env: "aws_batch", Problems: []project.Problem{
		left,
		{Stage: "bootstrap", Type: "ModuleNotFoundError", Message: "No module named 'seaborn'"},
		{Stage: "config_loader", Type: "ConfigError", Message: "environment aws_batch: there is no directory conf/aws_batch"},
		{Stage: "catalog", Type: "ValueError", Message: "one\n  two"},
	}}))
	want := []string{
		"error import-failed pipelines src/shop/pipelines/x.py:3: ImportError: An error occurred while importing the 'shop.pipelines.x' module: ValueError: bad",
		"error import-failed bootstrap : ModuleNotFoundError: No module named 'seaborn'",
		"error environment-missing config_loader : ConfigError: environment aws_batch: there is no directory conf/aws_batch",
		"error project-raises catalog : ValueError: one two",
	}
	var lines []string
	for _, f := range got {
		lines = append(lines, f.Level+" "+f.Code+" "+f.Thing+" "+f.Place+": "+f.Reason)
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if code := problem(Warning, left, "aws_batch").Code; code != CodePipelineLeftOut {
		t.Errorf("where Kedro goes on without a pipeline the code is %s", code)
	}
	if found := Problems(errors.New("no interpreter")); found != nil {
		t.Errorf("what the project is not to blame for: %v", found)
	}
}
