package project

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Nearest gives the known words that are close to one that is not known, nearest first and equally near ones by name: at most two fifths of
// its letters, and never fewer than two, may have to be typed again; case does not count.
func Nearest(word string, known []string) []string {
	limit := max(2, len(word)*2/5)
	far := map[string]int{}
	for _, candidate := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(candidate)); d <= limit {
			far[candidate] = d
		}
	}
	return slices.SortedFunc(maps.Keys(far), func(a, b string) int { return cmp.Or(far[a]-far[b], strings.Compare(a, b)) })
}

// distance is the number of letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
