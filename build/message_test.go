package build

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestToolMessage(t *testing.T) {
	tests := []struct{ name, output, want string }{
		{
			"build backend", `* Creating isolated environment: venv+pip...
* Installing packages in isolated environment:
  - setuptools
* Getting build dependencies for wheel...
Traceback (most recent call last):
  File "/x/_in_process.py", line 389, in <module>
    main()
ValueError: invalid pyproject.toml config: ` + "`project.name`" + ` must be pep508-identifier

ERROR Backend subprocess exited when trying to invoke get_requires_for_build_wheel
`,
			"ValueError: invalid pyproject.toml config: `project.name` must be pep508-identifier\nERROR Backend subprocess exited when trying to invoke get_requires_for_build_wheel",
		},
		{"one line, coloured", "\x1b[31m/usr/bin/python3: No module named kedro\x1b[0m\n", "/usr/bin/python3: No module named kedro"},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, toolMessage(tt.output)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestResolverMessage(t *testing.T) {
	tests := []struct{ name, log, want string }{
		{
			"unsatisfiable", "Using Python 3.12.1 environment at: /usr/local\n  × No solution found when resolving dependencies:\n" +
				"  ╰─▶ Because kedro==1.7.0 depends on pluggy>=1 and you require pluggy<1, we can\n      conclude that your requirements are unsatisfiable.\n",
			"No solution found when resolving dependencies:\nBecause kedro==1.7.0 depends on pluggy>=1 and you require pluggy<1, we can\nconclude that your requirements are unsatisfiable.",
		},
		{
			"as newer uv writes it", "error: No solution found when resolving dependencies\n  cause: Because x was not found and you require x>=1, your requirements are unsatisfiable.\n",
			"No solution found when resolving dependencies\ncause: Because x was not found and you require x>=1, your requirements are unsatisfiable.",
		},
		{
			"sdist that cannot be built", "error: Failed to build `old==0.3`\n  cause: The build backend returned an error\n\n         [stderr]\n         Traceback (most recent call last):\n" +
				"           File \"setup.py\", line 1, in <module>\n             parse()\n         AttributeError: no parser\n\nhint: use another\n",
			"Failed to build `old==0.3`\ncause: The build backend returned an error\nAttributeError: no parser\nhint: use another",
		},
		{"plain error", "Using Python 3.12.1\nerror: Failed to fetch: `https://pypi.org/simple/x/`\n  Caused by: dns error\n", "Failed to fetch: `https://pypi.org/simple/x/`\nCaused by: dns error"},
		{"no error of uv", "sh: 1: uv: not found\n", "sh: 1: uv: not found"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, resolverMessage(tt.log)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
