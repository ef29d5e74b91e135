package plan

import (
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// localOnly are classes of kedro-datasets 9.6 that cannot load and save under a plain s3:// path: those of Spark want s3a:// and Hadoop's own
// libraries, deltalake writes to S3 only with a lock or settings of its own, and the others open their files without fsspec.
var localOnly = []string{
	"spark.SparkDataset", "spark.SparkStreamingDataset", "spark.DeltaTableDataset", "pandas.DeltaTableDataset",
	"langchain.PromptDataset", "langfuse.PromptDataset", "langfuse.EvaluationDataset", "opik.PromptDataset", "opik.EvaluationDataset",
}

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

// isLocalOnly says whether a class is known not to work under s3://.
func isLocalOnly(class string) bool {
	for _, prefix := range []string{"kedro_datasets.", "kedro_datasets_experimental."} {
		class = strings.TrimPrefix(class, prefix)
	}
	parts := strings.Split(class, ".") // spark.SparkDataset or spark.spark_dataset.SparkDataset
	return slices.Contains(localOnly, parts[0]+"."+parts[len(parts)-1])
}

// isOwn says whether a class is defined in the project itself.
func isOwn(class, pkg string) bool { return strings.HasPrefix(class, pkg+".") }
