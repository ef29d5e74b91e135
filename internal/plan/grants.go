package plan

import (
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// grants are the prefixes that jobs need outside the own bucket: what the catalog names and what the settings add. Versions of a dataset lie
// below its path, so a prefix covers them.
func grants(rows []Dataset, set project.Settings) Grants {
	read, write := trimmed(set.Access.Read), trimmed(set.Access.Write)
	for _, row := range rows {
		protocol, prefix, found := strings.Cut(row.Path, "://")
		own, _, _ := strings.Cut(prefix, "/")
		if !found || own == set.Bucket || (protocol != "s3" && protocol != "s3a" && protocol != "s3n") {
			continue
		}
		if row.Open { // whatever a run gives, but no bucket that nobody knows yet
			if prefix, _, _ = strings.Cut(prefix, "<"); !strings.Contains(prefix, "/") {
				continue
			}
		}
		if !strings.Contains(prefix, "/") {
			prefix += "/"
		}
		read = append(read, prefix)
		if row.Role != Input {
			write = append(write, prefix)
		}
	}
	return Grants{Read: widest(read), Write: widest(write)}
}

func trimmed(prefixes []string) []string {
	var out []string
	for _, p := range prefixes {
		out = append(out, strings.TrimPrefix(p, "s3://"))
	}
	return out
}

// widest sorts prefixes and leaves out those that another one covers.
func widest(prefixes []string) []string {
	slices.Sort(prefixes)
	var out []string
	for _, p := range prefixes {
		if len(out) == 0 || !strings.HasPrefix(p, out[len(out)-1]) {
			out = append(out, p)
		}
	}
	return out
}

// Beyond are the prefixes of g that other does not cover. Who may write may read, as in the policy of jobs.
func (g Grants) Beyond(other Grants) Grants {
	readable := slices.Concat(other.Read, other.Write)
	return Grants{Read: uncovered(g.Read, readable), Write: uncovered(g.Write, other.Write)}
}

func uncovered(prefixes, by []string) []string {
	return slices.DeleteFunc(slices.Clone(prefixes), func(p string) bool {
		return slices.ContainsFunc(by, func(covers string) bool { return strings.HasPrefix(p, covers) })
	})
}
