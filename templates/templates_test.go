package templates_test

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/templates"
)

func TestBootIsAnInstalledDistribution(t *testing.T) {
	for _, name := range []string{
		"kedroctl_boot/__init__.py", "kedroctl_boot/__main__.py", templates.BootLogging,
		"kedroctl_boot-1.dist-info/METADATA", "kedroctl_boot-1.dist-info/entry_points.txt",
	} {
		if _, err := fs.Stat(templates.Boot(), name); err != nil {
			t.Errorf("boot: %v", err)
		}
	}
}

// TestBootHasOnlySources guards the image's layer, and the input key, from what running the tests leaves behind.
func TestBootHasOnlySources(t *testing.T) {
	err := fs.WalkDir(templates.Boot(), ".", func(name string, entry fs.DirEntry, err error) error {
		sourced := path.Ext(name) == ".py" || path.Ext(name) == ".yml" || strings.HasPrefix(name, "kedroctl_boot-1.dist-info/")
		if err == nil && !entry.IsDir() && !sourced {
			t.Errorf("boot has %s", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEntryPointNamesTheHooks: Kedro finds the hooks by this line alone.
func TestEntryPointNamesTheHooks(t *testing.T) {
	points, err := fs.ReadFile(templates.Boot(), "kedroctl_boot-1.dist-info/entry_points.txt")
	if err != nil {
		t.Fatal(err)
	}
	if want := "[kedro.hooks]\nkedroctl = kedroctl_boot.hooks:hooks\nkedroctl-credentials = kedroctl_boot.credentials:hooks\n" +
		"kedroctl-tracking = kedroctl_boot.tracking:hooks\n"; string(points) != want {
		t.Errorf("entry points are %q, want %q", points, want)
	}
	hooks, err := fs.ReadFile(templates.Boot(), "kedroctl_boot/hooks.py")
	if err != nil || !strings.Contains(string(hooks), "\nhooks = ") {
		t.Errorf("hooks.py has no object named hooks (%v)", err)
	}
}

// TestIntrospectionLogsToStderrOnly: nothing may be written into the project that is looked at.
func TestIntrospectionLogsToStderrOnly(t *testing.T) {
	config := string(templates.IntrospectLogging())
	if strings.Contains(config, "File") || !strings.Contains(config, "ext://sys.stderr") || !strings.Contains(config, "loggers:") {
		t.Errorf("logging configuration of introspection:\n%s", config)
	}
	if !strings.HasPrefix(string(templates.Introspect()), `"""`) {
		t.Error("introspect.py does not begin with its documentation")
	}
}
