package plan

import (
	"regexp"
	"slices"
	"strings"
)

// sandboxDir is the directory of all sandboxes in the bucket.
const sandboxDir = "sandbox/"

// sandboxName keeps a sandbox one directory, of a name that no tool has to quote.
var sandboxName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// ValidSandbox says whether a sandbox may have a name: up to 63 letters, digits, dots, hyphens and underscores, the first a letter or digit.
func ValidSandbox(name string) bool { return sandboxName.MatchString(name) }

// SandboxURI is where all lies that a run in the plan's sandbox writes.
func (p Plan) SandboxURI() string { return "s3://" + p.Bucket + "/" + sandboxDir + p.Sandbox + "/" }

// enclose moves all that the run writes into a sandbox. What it only reads stays where it is, also where an earlier run wrote another state of it
// into the sandbox.
func (d *data) enclose(name string) {
	if name == "" {
		return
	}
	under := sandboxDir + name + "/"
	for i := range d.rows {
		row := &d.rows[i]
		switch at := placeOf(d.definition(row.Name)); {
		case row.Role == Input:
			d.refuseConfirmed(*row)
		case at == nowhere:
			d.refuseEscape(*row, row.Type+" has no path that could be moved")
		case at == remote:
			d.refuseEscape(*row, "it is saved at "+row.Path)
		case row.Path != "":
			row.Path, row.Under = enclosed(d.settings.Bucket, under, row.Path), under
			if row.Action == Keep {
				row.Action = Move
			}
		}
	}
}

// enclosed is a path in S3 as a sandbox has it: what is in another bucket lies below that bucket's name.
func enclosed(bucket, under, path string) string {
	protocol, rest, _ := strings.Cut(path, "://")
	if own, key, _ := strings.Cut(rest, "/"); own == bucket {
		rest = key
	}
	return protocol + "://" + bucket + "/" + under + rest
}

func (d *data) refuseEscape(row Dataset, why string) {
	d.find(Error, CodeSandboxEscape, row.Name, why+", so that a sandbox cannot hold it", "leave out the node that saves it, or run without --sandbox")
}

// refuseConfirmed is about free inputs of which a node confirms what it has seen: that writes a checkpoint beside the input.
func (d *data) refuseConfirmed(row Dataset) {
	for _, n := range d.nodes {
		if slices.ContainsFunc(n.Confirms, func(name string) bool { return BaseName(name) == row.Name }) {
			d.find(Error, CodeSandboxEscape, row.Name, "node "+n.Name+" confirms it, and the checkpoint lies beside the input, not in a sandbox",
				"leave out that node, or run without --sandbox")
		}
	}
}
