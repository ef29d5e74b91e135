package plan

import (
	"cmp"
	"slices"
	"strings"
)

// didYouMean names up to three known names that are close to one that is not known. A name without its namespace is closest.
func didYouMean(name string, known []string) string {
	type match struct {
		name string
		near float64
	}
	var matches []match
	for _, k := range known {
		near := similarity(name, k)
		if strings.HasSuffix(k, "."+name) {
			near = 1
		}
		if near >= 0.5 {
			matches = append(matches, match{k, near})
		}
	}
	if len(matches) == 0 {
		return ""
	}
	slices.SortStableFunc(matches, func(a, b match) int {
		return cmp.Or(cmp.Compare(b.near, a.near), strings.Compare(a.name, b.name))
	})
	var names []string
	for _, m := range matches[:min(3, len(matches))] {
		names = append(names, m.name)
	}
	return "did you mean " + strings.Join(names, " or ") + "?"
}

// similarity is the share of pairs of neighbouring letters that two names have in common (Dice's coefficient), case left out.
func similarity(a, b string) float64 {
	pairs, common := map[string]int{}, 0
	a, b = strings.ToLower(a), strings.ToLower(b)
	for i := range len(a) - 1 {
		pairs[a[i:i+2]]++
	}
	for i := range len(b) - 1 {
		if pairs[b[i:i+2]] > 0 {
			pairs[b[i:i+2]]--
			common++
		}
	}
	return 2 * float64(common) / float64(max(1, len(a)+len(b)-2))
}
