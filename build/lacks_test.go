package build

import (
	"archive/zip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWheelLacks(t *testing.T) {
	p, _ := fixture(t)
	write(t, p.Dir, map[string]string{
		"src/demo/sql/q.sql": "", "src/demo/late/m.py": "", "src/demo/README.md": "", "src/demo/.gitkeep": "", "src/other/x.csv": "",
	})
	w := Wheel{Path: filepath.Join(t.TempDir(), "demo-0.1-py3-none-any.whl")}
	writeZip(t, w.Path, time.Unix(1.7e9, 0), zip.Deflate, "demo/__init__.py", "demo/nodes.py", "demo/table.csv", "demo-0.1.dist-info/METADATA")
	got, err := w.Lacks(p)
	if diff := cmp.Diff([]string{"src/demo/late/m.py", "src/demo/sql/q.sql"}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}

	p.SourceDir = p.Dir
	write(t, p.Dir, map[string]string{"demo/a.json": ""})
	got, err = w.Lacks(p)
	if diff := cmp.Diff([]string{"demo/a.json"}, got); err != nil || diff != "" {
		t.Errorf("with the project as its source directory: %v\n%s", err, diff)
	}
}
