package plan

import (
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// OnlyMissing gives the nodes of a selection that are to run so that what is missing is made, in the order of the selection, and those that are skipped. It is
// the choice of Kedro's --only-missing-outputs, AbstractRunner._filter_pipeline_for_missing_outputs of Kedro 1.7: a node runs that saves nothing, that
// saves something in the catalog which does not exist, or whose data a node that runs cannot load, as it is in memory only.
//
// exists is asked about datasets that the catalog keeps, by the names that nodes have for them. The error is a *SelectionError.
func OnlyMissing(s project.Snapshot, sel Selection, exists func(dataset string) bool) (run, skipped []string, err error) {
	_, g, err := choose(s, sel)
	if err != nil {
		return nil, nil, err
	}
	wanted := map[string]bool{} // what nodes that run load and nobody keeps; by the full name, as for Kedro the sides of a transcoded dataset are two
	for _, n := range slices.Backward(g.nodes) {
		if !mustRun(s, n, wanted, exists) {
			skipped = append(skipped, n.Name)
			continue
		}
		run = append(run, n.Name)
		for _, in := range n.Inputs {
			wanted[in] = wanted[in] || isEphemeral(definition(s, in))
		}
	}
	slices.Reverse(run)
	slices.Reverse(skipped)
	return run, skipped, nil
}

func mustRun(s project.Snapshot, n project.Node, wanted map[string]bool, exists func(string) bool) bool {
	return len(n.Outputs) == 0 || slices.ContainsFunc(n.Outputs, func(out string) bool {
		return wanted[out] || !isEphemeral(definition(s, out)) && !exists(out)
	})
}

// isEphemeral says what Kedro's _EPHEMERAL does: a CachedDataset is, whatever it wraps.
func isEphemeral(d project.Dataset) bool {
	return inMemory(d) || d.Type[strings.LastIndex(d.Type, ".")+1:] == "CachedDataset"
}
