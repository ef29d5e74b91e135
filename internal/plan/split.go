package plan

import "strings"

// Split splits a comma list of node names or namespaces as Kedro's command line does: commas inside square brackets belong to the name, as in the
// default node names of older Kedro versions.
func Split(list string) []string {
	var names []string
	var name strings.Builder
	depth := 0
	for _, r := range list + "," {
		switch r {
		case '[':
			depth++
		case ']':
			depth--
		}
		if r != ',' || depth != 0 || name.Len() == 0 {
			name.WriteRune(r)
			continue
		}
		names = append(names, strings.TrimSpace(name.String()))
		name.Reset()
	}
	return names
}

// SplitPlain splits a comma list of pipelines, tags or datasets as Kedro's command line does: at every comma, what is empty left out.
func SplitPlain(list string) []string {
	var names []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			names = append(names, item)
		}
	}
	return names
}
