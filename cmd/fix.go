package cmd

import (
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// entryCodes are findings that an entry of the catalog with a place in S3 ends.
var entryCodes = []string{plan.CodeCrossingLocal, plan.CodeCrossingMemory, plan.CodeInputLocal, plan.CodeOutputLost}

// fixOptions are the findings that have one right answer.
func fixOptions(found []plan.Finding) project.FixOptions {
	var o project.FixOptions
	for _, f := range found {
		switch {
		case f.Code == plan.CodeS3fsMissing:
			o.S3fs = true
		case f.Code == plan.CodeClassRenamed:
			file, _, _ := strings.Cut(f.Place, ":")
			o.Renamed = append(o.Renamed, file)
		case f.Code == plan.CodeEnvironmentMissing || f.Code == plan.CodeGlobalsMissing:
			o.Environment = true
		case slices.Contains(entryCodes, f.Code):
			o.Datasets = append(o.Datasets, f.Thing)
		}
	}
	slices.Sort(o.Renamed)
	o.Renamed = slices.Compact(o.Renamed)
	return o
}

// fix shows what would be written into the project, asks, and writes it. It says whether anything changed.
func (d *deps) fix(p project.Project, s project.Snapshot, found []plan.Finding) (bool, error) {
	fixes, err := project.Fix(p, s, fixOptions(found))
	if err != nil {
		return false, err
	}
	diff := fixes.Diff()
	for line := range strings.Lines(diff) {
		d.term.Line("%s", strings.TrimRight(line, "\n"))
	}
	if diff != "" {
		if err := d.confirm("Write these changes?"); err != nil {
			return false, err
		}
	}
	files, err := fixes.Write()
	for _, f := range files {
		if f.Note != "" {
			d.term.Hint("%s: %s", f.Path, f.Note)
		}
	}
	d.proj = nil // its files are others now
	return diff != "", err
}
