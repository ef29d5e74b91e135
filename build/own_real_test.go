//go:build real

package build

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// TestRealOwnDockerfile builds a project's own Dockerfile, which copies all that it can get, and the one that kedroctl hands over.
func TestRealOwnDockerfile(t *testing.T) {
	r := realParts(t)
	p := r.miniature(t)
	s := r.inspect(t, p)
	spec := r.spec(t, p, s)
	ours, err := r.build(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	own := func(t *testing.T) (Image, error) { // with the same wheel
		t.Helper()
		spec.Project = p
		if spec.InputKey, err = InputKey(p, s); err != nil {
			t.Fatal(err)
		}
		return r.build(t, spec)
	}
	dockerfile := `FROM ` + ours.Ref + ` AS installed
FROM ` + r.base + `
COPY --from=installed /srv/kedro/dependencies /opt/dependencies
COPY dist/*.whl /tmp/
RUN pip install --quiet --no-deps --target /opt/project /tmp/*.whl
COPY . /opt/all
ENV PYTHONPATH=/opt/project:/opt/dependencies
ENTRYPOINT ["python", "-m", "mini"]
USER 999`
	write(t, p.Dir, map[string]string{
		"Dockerfile": dockerfile, ".dockerignore": "!.env\n!conf/local\n", ".env": "TOKEN=PLANTED", ".git/config": "PLANTED", "notes/a_credentials.json": `{"a": {"token": "PLANTED"}}`,
	})
	p.Settings.Image.Dockerfile = "Dockerfile"
	image, err := own(t)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.engine.Smoke(t.Context(), image, s, p.Settings); err != nil {
		t.Error(err)
	}
	script := `id -u; echo $KEDROCTL_PACKAGE $PYTHONPATH; ls /app/conf /opt/all/dist; grep -rl PLANTED / --exclude-dir=proc --exclude-dir=sys 2>/dev/null; python -m kedroctl_boot --help | grep Usage`
	out, err := exec.CommandContext(t.Context(), "docker", "run", "--rm", "--network", "none", image.Ref, "sh", "-c", script).CombinedOutput()
	want := "999\nmini /srv/kedro/boot:/opt/project:/opt/dependencies\n/app/conf:\naws_batch\nbase\nlogging.yml\n\n/opt/all/dist:\nmini-0.1-py3-none-any.whl\nUsage: run [OPTIONS]\n"
	if diff := cmp.Diff(want, string(out)); diff != "" || err != nil {
		t.Errorf("%v, the image (-want +got):\n%s", err, diff)
	}
	if len(image.Left) != 4 {
		t.Errorf("kept back: %+v", image.Left)
	}

	t.Run("errors", func(t *testing.T) {
		for name, test := range map[string]struct{ dockerfile, want, hint string }{
			"a step fails":          {"FROM " + r.base + "\nRUN echo no luck && false\n", "RUN echo no luck && false of Dockerfile: no luck", ""},
			"a file is not there":   {"FROM " + r.base + "\nCOPY nothing /x\n", "of Dockerfile: ", ""},
			"without the project":   {strings.Replace(dockerfile, "COPY dist/*.whl /tmp/\nRUN pip install --quiet --no-deps --target /opt/project /tmp/*.whl\n", "", 1), "No module named 'mini'", "dist/"},
			"without what jobs use": {strings.Replace(dockerfile, "COPY . /opt/all", "RUN rm -r /opt/dependencies/s3fs", 1), "No module named 's3fs'", "s3fs and cloudpickle"},
		} {
			t.Run(name, func(t *testing.T) {
				write(t, p.Dir, map[string]string{"Dockerfile": test.dockerfile})
				image, err := own(t)
				if err == nil {
					err = r.engine.Smoke(t.Context(), image, s, p.Settings)
				}
				if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(ui.Hint(err), test.hint) {
					t.Errorf("error: %v\nhint: %s", err, ui.Hint(err))
				}
				t.Logf("error: %v", err)
			})
		}
	})
	t.Run("handed over", func(t *testing.T) {
		p.Settings.Image.Dockerfile = ""
		if _, err := HandOver(t.Context(), spec, "docker/Dockerfile"); err != nil {
			t.Fatal(err)
		}
		p.Settings.Image.Dockerfile = "docker/Dockerfile"
		image, err := own(t)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r.layers(t, ours), r.layers(t, image)); diff != "" {
			t.Errorf("layers (-kedroctl's own +handed over):\n%s", diff)
		}
		if err := r.engine.Smoke(t.Context(), image, s, p.Settings); err != nil {
			t.Error(err)
		}
	})
}
