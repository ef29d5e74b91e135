package plan

import (
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// data decides where each dataset of the plan lies, and finds what would be lost.
type data struct {
	*graph
	snapshot    project.Snapshot
	settings    project.Settings
	of          []int               // node: its group
	definitions []string            // entries of job.groups that have job definitions of their own
	sides       map[string][]string // base name of a dataset: the names that nodes use
	rows        []Dataset
	findings    []Finding
}

// find adds a finding.
func (d *data) find(level, code, thing, reason, fix string) {
	d.findings = append(d.findings, Finding{Code: code, Level: level, Thing: thing, Reason: reason, Fix: fix})
}

// decide makes a row for each dataset that the nodes use and that lies outside their containers, by name.
func (d *data) decide() {
	d.sides = d.used()
	for _, name := range sortedKeys(d.sides) {
		def := d.definition(name)
		row := Dataset{Name: name, Role: d.role(name), Type: def.Type, Versioned: def.Versioned, Nested: def.Nested, Open: d.snapshot.Open(def)}
		if d.put(&row, def) {
			d.rows = append(d.rows, row)
		}
	}
	d.adopt()
}

// adopt finds free inputs that lie where nodes before their loaders save another dataset: a project may write partitions under one name and read
// them all under another. They need not be there before the run.
func (d *data) adopt() {
	makers := map[string]int{}
	for _, row := range d.rows {
		if maker, made := d.maker[row.Name]; made && row.Path != "" {
			makers[row.Path] = maker
		}
	}
	for i, row := range d.rows {
		maker, made := makers[row.Path]
		if row.Role != Input || !made {
			continue
		}
		after := d.reach(d.children[maker], d.children)
		if loaders := d.loaders[row.Name]; !slices.ContainsFunc(loaders, func(n int) bool { return !after[n] }) {
			d.rows[i].Role = d.between(maker, loaders)
		}
	}
}

// used are the datasets of all nodes, parameters left out: base name and, sorted, the names that nodes use.
func (g *graph) used() map[string][]string {
	sides := map[string][]string{}
	for _, n := range g.nodes {
		for _, name := range slices.Concat(n.Inputs, n.Outputs) {
			if of := BaseName(name); !isParameter(name) && !slices.Contains(sides[of], name) {
				sides[of] = append(sides[of], name)
			}
		}
	}
	for _, names := range sides {
		slices.Sort(names)
	}
	return sides
}

// definition is what the catalog says of a dataset; of a transcoded one, of the side that is saved, or the first where none is.
func (d *data) definition(name string) project.Dataset {
	side := d.sides[name][0]
	if maker, made := d.maker[name]; made {
		outputs := d.nodes[maker].Outputs
		side = outputs[slices.IndexFunc(outputs, func(out string) bool { return BaseName(out) == name })]
	}
	return definition(d.snapshot, side)
}

func (d *data) role(name string) string {
	maker, made := d.maker[name]
	loaders := d.loaders[name]
	switch {
	case !made:
		return Input
	case len(loaders) == 0:
		return Leaving
	}
	return d.between(maker, loaders)
}

// between is the role of data that one node saves and others load.
func (d *data) between(maker int, loaders []int) string {
	if slices.ContainsFunc(loaders, func(n int) bool { return d.of[n] != d.of[maker] }) {
		return Crossing
	}
	return Internal
}

// put fills in action and path of a row; it returns false for a dataset that needs no row.
func (d *data) put(row *Dataset, def project.Dataset) bool {
	switch placeOf(def) {
	case memory:
		return d.putMemory(row, def)
	case bucket, remote:
		row.Path = def.Path
	case nowhere:
		d.noteNowhere(row)
	case outside:
		d.findOutside(row, def)
	case inside:
		d.putInside(row, def)
	}
	return true
}

func (d *data) putMemory(row *Dataset, def project.Dataset) bool {
	switch {
	case row.Role == Internal:
		return false
	case row.Role == Input:
		d.missing(row.Name, def)
	case d.settings.Crossing != crossingError:
		row.Action, row.Path = Persist, kept(d.settings.Bucket, row.Role, row.Name)
	case row.Role == Crossing:
		d.find(Error, CodeCrossingMemory, row.Name, "groups hand it over, and it is in memory only", `give it an entry in the catalog, or set crossing = "persist"`)
	default:
		d.find(Warning, CodeOutputLost, row.Name, "it leaves the pipeline in memory only, and is lost when the job ends", `give it an entry in the catalog, or set crossing = "persist"`)
	}
	return true
}

// missing is about a free input without a place: Kedro itself refuses to run without it.
func (d *data) missing(name string, def project.Dataset) {
	reason := "it is a free input, and neither a catalog entry nor a pattern says where it is"
	if def.Source != "default" {
		reason = "it is a free input, and the catalog says that it is in memory"
	}
	fix := "add it to the catalog"
	if maker := d.makerAnywhere(name); maker != "" {
		fix = "select node " + maker + " too, which makes it, or add it to the catalog"
	}
	d.find(Error, CodeInputMissing, name, reason, fix)
}

// makerAnywhere names a node outside the selection that makes a dataset.
func (d *data) makerAnywhere(dataset string) string {
	for _, name := range sortedKeys(d.snapshot.Pipelines) {
		for _, n := range d.snapshot.Pipelines[name].Nodes {
			if slices.ContainsFunc(n.Outputs, func(out string) bool { return BaseName(out) == dataset }) {
				return n.Name
			}
		}
	}
	return ""
}

func (d *data) noteNowhere(row *Dataset) {
	if row.Role == Crossing {
		d.find(Note, CodeCrossingElsewhere, row.Name, "groups hand it over, and "+row.Type+" has no path: every job must reach the place where it is kept", "")
	}
}

// findOutside is about local paths without a place in the bucket: outside the project, or the project's data as a whole.
func (d *data) findOutside(row *Dataset, def project.Dataset) {
	const fix = "put it at a path of its own inside the project, or in S3"
	at := localPath(def.Path) + ", which has no place in the bucket: it is outside the project or all of its data"
	switch row.Role {
	case Input:
		d.find(Error, CodePathOutside, row.Name, "it is a free input at "+at, fix)
	case Crossing:
		d.find(Error, CodePathOutside, row.Name, "groups hand it over at "+at, fix)
	default:
		d.find(Warning, CodePathOutside, row.Name, "it is lost when the job ends, saved at "+at, fix)
	}
}

func (d *data) putInside(row *Dataset, def project.Dataset) {
	row.Local = localPath(def.Path)
	if d.settings.Crossing == crossingError {
		d.refuseLocal(row)
		return
	}
	row.Action, row.Path = Move, moved(d.settings.Bucket, row.Local)
	if d.stages(row.Name) {
		row.Action = Stage
	}
	d.checkReserved(*row)
}

// stages says whether a dataset is to be files on the disks of jobs: that is safe for each class, and so for all of which it is not known that they
// can do without. Of others the container asks an instance of the class, and stages what refuses.
func (d *data) stages(name string) bool {
	return slices.ContainsFunc(d.sides[name], func(side string) bool { return d.wantsDisk(definition(d.snapshot, side).Type) })
}

func (d *data) wantsDisk(class string) bool {
	return isLocalOnly(class) || isOwn(class, d.snapshot.Package)
}

// refuseLocal is for crossing = "error": the catalog has to say where in S3 data lies.
func (d *data) refuseLocal(row *Dataset) {
	fix := "give it a path in S3 in the catalog of the environment, or set crossing = \"persist\""
	switch row.Role {
	case Input:
		d.find(Error, CodeInputLocal, row.Name, "it is a free input at "+row.Local+", which is not in the image", fix)
	case Crossing:
		d.find(Error, CodeCrossingLocal, row.Name, "groups hand it over at "+row.Local+", which stays in the first container", fix)
	default:
		d.find(Warning, CodeOutputLost, row.Name, "it is saved at "+row.Local+" in the container, and lost when the job ends", fix)
	}
}

// checkReserved is about paths that kedroctl uses itself.
func (d *data) checkReserved(row Dataset) {
	key := project.S3Key(row.Local)
	fix := "choose another directory"
	if strings.HasPrefix(key, ".kedroctl/") {
		d.find(Error, CodePathReserved, row.Name, "jobs may not write under .kedroctl/, which holds records of runs", fix)
	} else if strings.HasPrefix(key, "runs/") {
		d.find(Warning, CodePathReserved, row.Name, "it would lie under runs/, where data in memory that crosses groups is kept for a time", fix)
	} else if strings.HasPrefix(key, sandboxDir) {
		d.find(Warning, CodePathReserved, row.Name, "it would lie under "+sandboxDir+", where runs with --sandbox write", fix)
	}
}
