package plan

import (
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// DidYouMean names up to three known names that are close to one that is not known, first those that are the name in a namespace.
func DidYouMean(name string, known []string) string {
	var names []string
	for _, k := range known {
		if strings.HasSuffix(k, "."+name) {
			names = append(names, k)
		}
	}
	for _, k := range project.Nearest(name, known) {
		if !slices.Contains(names, k) {
			names = append(names, k)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "did you mean " + strings.Join(names[:min(3, len(names))], " or ") + "?"
}
