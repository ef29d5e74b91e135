package plan

import (
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// definition is what the catalog resolves a name to; a name that introspection does not list is in no catalog, and in memory.
func definition(s project.Snapshot, name string) project.Dataset {
	if d, ok := s.Datasets[name]; ok {
		return d
	}
	return project.Dataset{Source: "default", Type: "MemoryDataset"}
}

// inMemory says whether data ends with the process that made it.
func inMemory(d project.Dataset) bool {
	class := d.Type[strings.LastIndex(d.Type, ".")+1:]
	return class == "MemoryDataset" || class == "SharedMemoryDataset"
}

// isOwn says whether a class is defined in the project itself.
func isOwn(class, pkg string) bool { return strings.HasPrefix(class, pkg+".") }

func isLocalOnly(class string) bool { return project.LocalOnly(class) }
