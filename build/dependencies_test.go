package build

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/kedroctl/kedroctl/internal/project"
)

func TestFindDependencies(t *testing.T) {
	tests := []struct {
		name         string
		files        map[string]string
		change       func(*project.Project)
		source       string
		requirements []string
		constraints  string
		kind         int
	}{
		{
			name: "declared and requirements.txt", source: "pyproject.toml and requirements.txt",
			requirements: []string{"kedro~=1.0", "pandas", "s3fs>=2024.6.0", "cloudpickle"},
		},
		{
			name: "requirements that pyproject.toml reads itself", source: "requirements.txt",
			change: func(p *project.Project) { p.DependencyFile = "requirements.txt"; p.Dependencies = []string{"pandas"} }, requirements: []string{"pandas", "s3fs>=2024.6.0", "cloudpickle"},
		},
		{
			name: "lock, alone", source: "requirements.lock", kind: flatLock,
			files:        map[string]string{"requirements.lock": "# made by a tool\nkedro==1.7.0 \\\n    --hash=sha256:aa\n    # via demo\ns3fs==2026.9.0\n-e .\n"},
			requirements: []string{"kedro==1.7.0      --hash=sha256:aa", "s3fs==2026.9.0", "s3fs>=2024.6.0", "cloudpickle"},
		},
		{
			name: "lock that is named", source: "locks/batch.txt", kind: flatLock, files: map[string]string{"locks/batch.txt": "S3FS[boto3]==2026.9.0"},
			change:       func(p *project.Project) { p.Settings.Image.Lock = "locks/batch.txt" },
			requirements: []string{"S3FS[boto3]==2026.9.0", "s3fs>=2024.6.0", "cloudpickle"},
		},
		{
			name: "named file that does not fix everything", source: "requirements.txt",
			change: func(p *project.Project) { p.Settings.Image.Lock = "requirements.txt" }, requirements: []string{"pandas", "s3fs>=2024.6.0", "cloudpickle"},
		},
		{
			name: "uv.lock", source: "uv.lock", files: map[string]string{"uv.lock": "version = 1\n[[package]]\nname = \"s3fs\"\n"},
			requirements: []string{"s3fs>=2024.6.0", "cloudpickle"}, kind: uvLock,
		},
		{
			name: "includes and constraints", source: "pyproject.toml and requirements.txt",
			files: map[string]string{
				"requirements.txt":      "-r requirements-more.txt\n--constraint=constraints.txt\nnumpy # why\n.\n--extra-index-url https://example/simple\n",
				"requirements-more.txt": "-r requirements.txt\nscipy\n", "constraints.txt": "numpy<3\n",
			},
			requirements: []string{"kedro~=1.0", "scipy", "numpy", "s3fs>=2024.6.0", "cloudpickle"}, constraints: "numpy<3",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := fixture(t)
			write(t, p.Dir, tt.files)
			if tt.change != nil {
				tt.change(&p)
			}
			d, err := findDependencies(p)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.requirements, d.requirements); diff != "" {
				t.Errorf("requirements (-want +got):\n%s", diff)
			}
			if d.source != tt.source || strings.Join(d.constraints, ",") != tt.constraints || d.kind != tt.kind {
				t.Errorf("source %q, constraints %q, kind %d", d.source, d.constraints, d.kind)
			}
		})
	}
}

func TestFindDependenciesErrors(t *testing.T) {
	tests := []struct {
		name, file, content, want string
	}{
		{"password in an index", "requirements.txt", "--index-url https://me:hunter2@example/simple", "holds a password"},
		{"token of a repository", "requirements.txt", "pkg @ git+https://ghp_hunter2@github.com/o/pkg", "holds a password"},
		{"token in a query", "requirements.txt", "pkg @ https://example/pkg.whl?sig=hunter2", "holds a password"},
		{"password in a constraint", "requirements.txt", "-c constraints.txt\n", "holds a password"},
		{"password in a uv.lock", "uv.lock", "[[package]]\nname = \"s3fs\"\nsource = { registry = \"https://me:hunter2@example/simple\" }\n", "holds a password"},
		{"lock without s3fs", "requirements.lock", "kedro==1.7.0", "requirements.lock lacks s3fs"},
		{"uv.lock without s3fs", "uv.lock", "[[package]]\nname = \"s3fs-extra\"\n", "uv.lock lacks s3fs"},
		{"include that is not there", "requirements.txt", "-r nowhere.txt", "nowhere.txt"},
	}
	for _, tt := range tests {
		p, _ := fixture(t)
		write(t, p.Dir, map[string]string{tt.file: tt.content, "constraints.txt": "x @ https://me:hunter2@example/x.whl\n"})
		_, err := findDependencies(p)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the password", tt.name)
		}
	}
	p, _ := fixture(t)
	write(t, p.Dir, map[string]string{"requirements.txt": "--index-url https://${USER}:${TOKEN}@example/simple\n"})
	if _, err := findDependencies(p); err != nil {
		t.Errorf("password in a variable: %v", err)
	}
	p.Settings.Image.Lock = "nowhere.lock"
	if _, err := findDependencies(p); err == nil || !strings.Contains(err.Error(), "nowhere.lock") {
		t.Errorf("missing lock: %v", err)
	}
}
