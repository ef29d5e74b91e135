package check

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// placeKeys are those of a catalog entry that say where data is and how to reach it: environments differ in them by their nature.
var placeKeys = []string{"filepath", "path", "filename", "credentials", "fs_args", "metadata"}

// checkEntries compares the catalog of the environment with that of base, entry by entry: what is forgotten in the copy is lost, as Kedro replaces the
// whole entry.
func (c *checker) checkEntries() {
	soft := slices.Contains(c.snapshot.SoftMerge, catalogKind)
	for _, name := range slices.Sorted(maps.Keys(c.env.entries[catalogKind])) {
		e := c.env.entries[catalogKind][name]
		b, ok := c.base.entries[catalogKind][name]
		if !ok || !c.isUsed(catalogKind, name) {
			continue
		}
		base, _ := b.decoded().(map[string]any)
		env, _ := e.decoded().(map[string]any)
		if class, _ := base["type"].(string); strings.HasSuffix(class, "MemoryDataset") {
			continue
		}
		if keys := differences(base, env, soft, ""); len(keys) > 0 {
			c.find(plan.Warning, plan.CodeEntryDiffers, name, e.place,
				fmt.Sprintf("beside its place it differs from %s in %s", b.place, strings.Join(keys, ", ")), "write the same, or leave it if it is meant")
		}
	}
}

// differences are the keys that two definitions have otherwise. With soft merging a key that the environment lacks is inherited. Interpolations cannot be
// compared as they are written.
func differences(base, env map[string]any, soft bool, prefix string) []string {
	both := maps.Clone(base)
	if both == nil {
		return nil
	}
	maps.Copy(both, env)
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(both)) {
		b, inBase := base[key]
		e, inEnv := env[key]
		inner, isMapping := b.(map[string]any)
		other, areMappings := e.(map[string]any)
		switch {
		case slices.Contains(placeKeys, key) || isComputed(b) || isComputed(e):
		case key == "dataset" && isMapping && areMappings:
			keys = append(keys, differences(inner, other, soft, prefix+key+".")...)
		case !inEnv:
			if !soft {
				keys = append(keys, prefix+key+" (in base alone)")
			}
		case !inBase:
			keys = append(keys, prefix+key+" (not in base)")
		case !reflect.DeepEqual(b, e):
			keys = append(keys, prefix+key)
		}
	}
	return keys
}

func isComputed(value any) bool {
	text, is := value.(string)
	return is && strings.Contains(text, "${")
}
