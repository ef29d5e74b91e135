package build

import "testing"

func TestAnImageThatWasTriedCoversAnotherConfigurationAlone(t *testing.T) {
	last := tried{"key", []string{"base", "dependencies", "boot", "project", "conf"}}
	for name, test := range map[string]struct {
		now  tried
		want bool
	}{
		"the same image":               {tried{"key", []string{"base", "dependencies", "boot", "project", "conf"}}, true},
		"another configuration":        {tried{"key", []string{"base", "dependencies", "boot", "project", "conf 2"}}, true},
		"dependencies resolved anew":   {tried{"key", []string{"base", "dependencies 2", "boot", "project", "conf"}}, false},
		"another wheel, or variables":  {tried{"key 2", []string{"base", "dependencies", "boot", "project", "conf"}}, false},
		"another kind of image":        {tried{"key", []string{"base", "packages", "dependencies", "boot", "project", "conf"}}, false},
		"layers that nobody can tell":  {tried{"key", nil}, false},
		"the project's own Dockerfile": {tried{"", []string{"base", "dependencies", "boot", "project", "conf"}}, false},
	} {
		if got := last.covers(test.now); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	if (tried{}).covers(tried{}) {
		t.Error("nothing covers nothing")
	}
}
