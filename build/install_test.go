package build

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func wheelOf(t *testing.T, files map[string]string) Wheel {
	t.Helper()
	file := filepath.Join(t.TempDir(), "demo-0.1-py3-none-any.whl")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w := zip.NewWriter(out)
	for name, content := range files {
		entry, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return Wheel{Path: file, Name: "demo", Version: "0.1"}
}

func TestInstallWheel(t *testing.T) {
	files, err := wheelOf(t, map[string]string{
		"demo/__init__.py":                    "x = 1\n",
		"demo-0.1.data/purelib/more.py":       "y = 2\n",
		"demo-0.1.data/scripts/tool":          "#!python\nprint()\n",
		"demo-0.1.data/data/share/demo.txt":   "text\n",
		"demo-0.1.data/headers/demo.h":        "int x;\n",
		"demo-0.1.dist-info/METADATA":         "Name: demo\n",
		"demo-0.1.dist-info/RECORD":           "stale\n",
		"demo-0.1.dist-info/entry_points.txt": "[console_scripts]\ndemo = demo.cli:main\nroot.way=demo.cli:App.run [extra]\n../evil = a:b\n[kedro.hooks]\nhook = demo:hooks\n",
	}).install()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	var programs []string
	for name, f := range files {
		got[name] = string(f.content)
		if f.program {
			programs = append(programs, name)
		}
	}
	record := got["demo-0.1.dist-info/RECORD"]
	delete(got, "demo-0.1.dist-info/RECORD")
	delete(got, "demo-0.1.dist-info/entry_points.txt")
	want := map[string]string{
		"demo/__init__.py": "x = 1\n", "more.py": "y = 2\n", "share/demo.txt": "text\n",
		"bin/tool":                    "#!/usr/bin/env python3\nprint()\n",
		"bin/demo":                    "#!/usr/bin/env python3\nimport sys\n\nfrom demo.cli import main\n\nif __name__ == \"__main__\":\n    sys.exit(main())\n",
		"bin/root.way":                "#!/usr/bin/env python3\nimport sys\n\nfrom demo.cli import App\n\nif __name__ == \"__main__\":\n    sys.exit(App.run())\n",
		"demo-0.1.dist-info/METADATA": "Name: demo\n", "demo-0.1.dist-info/INSTALLER": "kedroctl\n", "demo-0.1.dist-info/REQUESTED": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if len(programs) != 3 {
		t.Errorf("programs: %v", programs)
	}
	// openssl dgst -sha256 of "x = 1\n", in URL-safe base64 without padding.
	if line := "demo/__init__.py,sha256=nia_NpkRxFwkPGhBR7I_yeHc_PJX0pmhxjIBam_NM_Q,6\n"; !strings.Contains(record, line) || !strings.Contains(record, "RECORD,,\n") ||
		strings.Count(record, "\n") != len(files) {
		t.Errorf("record:\n%s", record)
	}
}

func TestInstallRefusesPathsOutside(t *testing.T) {
	for _, name := range []string{"../demo.py", "demo-0.1.data/data/../../x", "/etc/passwd"} {
		if _, err := wheelOf(t, map[string]string{name: "", "demo-0.1.dist-info/METADATA": ""}).install(); err == nil || !strings.Contains(err.Error(), "no path inside") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
