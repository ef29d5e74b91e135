//go:build real

package build

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// TestRealPushGoesOn is TestSendGoesOn for an engine that pushes.
func TestRealPushGoesOn(t *testing.T) {
	engine, err := Dial(t.Context())
	if err != nil {
		realtest.Missing(t, err.Error())
	}
	t.Cleanup(func() { engine.Close() })
	for name := range serveFragile(t).pushFaults() {
		t.Run(name, func(t *testing.T) {
			f := serveFragile(t)
			r, err := Login(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			image := randomImage(t, engine)
			to := Target{Repository: f.host + "/demo", Tag: "key"}
			fault := f.pushFaults()[name]
			f.wrong = fault.wrong
			_, err = engine.Push(t.Context(), image, to, r, nil)
			switch {
			case fault.engine == "" && err != nil:
				t.Fatal(err)
			case fault.engine != "" && (err == nil || !strings.Contains(err.Error(), fault.engine)):
				t.Fatalf("error %v, hint %q", err, ui.Hint(err))
			}
			t.Logf("error: %v", err)
			f.wrong = nil
			began := f.uploads.Load()
			pushed, err := engine.Push(t.Context(), image, to, r, nil)
			if err != nil || !strings.HasPrefix(pushed.Ref, to.Repository+"@sha256:") {
				t.Errorf("next push: %+v, %v", pushed, err)
			}
			if sent := f.uploads.Load() - began; sent > 0 {
				t.Errorf("%d layers were sent again", sent)
			}
		})
	}
}

// randomImage builds an image of three layers of random bytes, without a base.
func randomImage(t *testing.T, engine *Engine) Image {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\nCOPY b /b\nCOPY c /c\n"}
	for _, name := range []string{"a", "b", "c"} {
		files[name] = strings.Repeat(rand.Text(), 5000)
	}
	write(t, dir, files)
	s := Spec{InputKey: strings.ToLower(rand.Text()), Project: project.Project{Dir: dir, Settings: project.Settings{Image: project.ImageSettings{Platform: "linux/amd64", Repository: "scratch"}}}}
	if err := engine.solve(t.Context(), s, layout{dir: dir}, t.Output()); err != nil {
		t.Fatal(err)
	}
	image, found, err := engine.Lookup(t.Context(), s.Project, s.InputKey)
	if err != nil || !found {
		t.Fatalf("the image is not there: %v", err)
	}
	t.Cleanup(func() {
		engine.docker.ImageRemove(context.Background(), image.ID, client.ImageRemoveOptions{Force: true})
	})
	return image
}
