package build

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/kedroctl/kedroctl/internal/project"
)

var update = flag.Bool("update", false, "write golden files")

func TestDockerfile(t *testing.T) {
	tests := []struct {
		golden string
		deps   Dependencies
		change func(*project.Project)
	}{
		{"testdata/Dockerfile.golden", Dependencies{base: Base{Digest: "sha256:" + strings.Repeat("b", 64)}}, func(*project.Project) {}},
		{"testdata/Dockerfile.full.golden", Dependencies{sources: []source{{Name: "a", Git: true}}, secrets: map[string][]byte{"uv": {}, "netrc": {}, "pip": {}}}, func(p *project.Project) {
			p.Settings.Image.Platform, p.Settings.Image.Logging = "linux/arm64", "project"
			p.Settings.Image.Slim = false
			p.Settings.Image.SystemPackages = []string{"libgomp1", "libpq5"}
			p.Settings.Image.Base = "python:3.12-slim@sha256:" + strings.Repeat("a", 64)
		}},
	}
	for _, tt := range tests {
		p, _ := fixture(t)
		tt.change(&p)
		got, err := renderDockerfile(p, tt.deps)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(tt.golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(tt.golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.golden, diff)
		}
		lint(t, tt.golden, got)
	}
}

// noImages knows nothing of base images: the linter is not to ask a registry.
type noImages struct{}

func (noImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, digest.FromString(ref), []byte(`{"os": "linux", "architecture": "amd64", "config": {}}`), nil
}

// lint asks BuildKit's own linter, and for what old engines lack or what pulls an image that nobody named.
func lint(t *testing.T, name, text string) {
	t.Helper()
	amd64 := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	source := llb.NewSourceMap(nil, name, "Dockerfile", []byte(text))
	source.Definition = &llb.Definition{}
	results, err := dockerfile2llb.DockerfileLint(t.Context(), []byte(text), dockerfile2llb.ConvertOpt{
		SourceMap: source,
		Config:    dockerui.Config{BuildPlatforms: []ocispecs.Platform{amd64}}, TargetPlatform: &amd64, MetaResolver: noImages{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if results.Error != nil {
		t.Errorf("%s: %s", name, results.Error.Message)
	}
	for _, w := range results.Warnings {
		t.Errorf("%s: %s: %s", name, w.RuleName, w.Detail)
	}
	for _, banned := range []string{"syntax=", "<<EOF", "--link", "--parents", "--exclude=", "ADD "} {
		if strings.Contains(text, banned) {
			t.Errorf("%s: holds %q", name, banned)
		}
	}
}

func TestDockerfileTakesNoInstructionsFromSettings(t *testing.T) {
	tests := []struct {
		name   string
		change func(*project.Project)
	}{
		{"base", func(p *project.Project) { p.Settings.Image.Base = "python\nRUN id" }},
		{"no base", func(p *project.Project) { p.Settings.Image.Base = "" }},
		{"system package", func(p *project.Project) { p.Settings.Image.SystemPackages = []string{"curl; id"} }},
		{"option as a system package", func(p *project.Project) { p.Settings.Image.SystemPackages = []string{"-y"} }},
		{"platform", func(p *project.Project) { p.Settings.Image.Platform = "windows/amd64" }},
		{"package", func(p *project.Project) { p.Package = "demo X=1" }},
		{"environment", func(p *project.Project) { p.Env = "a\nRUN id" }},
	}
	for _, tt := range tests {
		p, _ := fixture(t)
		tt.change(&p)
		if _, err := renderDockerfile(p, Dependencies{}); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
}
