package containers

import (
	"archive/tar"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArchiveHasDirectoriesThatEveryoneMayWriteTo(t *testing.T) {
	content, err := archive(map[string]string{"/tmp/kedroctl/job": "run", "/tmp/kedroctl/outputs/README": "text", "/opt/a/b": ""})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if got[h.Name] = string(text); h.Typeflag == tar.TypeDir {
			got[h.Name] = h.Mode
		}
	}
	want := map[string]any{"opt/": int64(0o777), "opt/a/": int64(0o777), "opt/a/b": "", "tmp/kedroctl/": int64(0o777), "tmp/kedroctl/job": "run",
		"tmp/kedroctl/outputs/": int64(0o777), "tmp/kedroctl/outputs/README": "text"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
