package build

import (
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestLibraryHint(t *testing.T) {
	for library, want := range map[string]string{
		"libgomp.so.1": "libgomp1", "libGL.so.1": "libgl1", "libglib-2.0.so.0": "libglib2.0-0", "libpq.so.5": "libpq5", "libXext.so.6": "libxext6",
		"libopenjp2.so.7": "libopenjp2-7", "libsndfile.so.1": "libsndfile1", "libpango-1.0.so.0": "libpango-1.0-0", "libxml2.so.2": "libxml2", "libnss3.so": "libnss3",
		"libjpeg.so.62": "libjpeg62-turbo", "libgfortran.so.5.0.0": "libgfortran5", "libstdc++.so.6": "libstdc++6",
	} {
		e := SmokeError{Problems: []project.Problem{{
			Message: "ImportError: " + library + ": cannot open shared object file: No such file or directory",
		}}}
		if got := e.Hint(); !strings.Contains(got, `system_packages = ["`+want+`"]`) || !strings.Contains(got, library) {
			t.Errorf("%s: %s", library, got)
		}
	}
	if got := libraryHint("No module named 'lib'"); got != "" {
		t.Error(got)
	}
}
