package project

import (
	"slices"
	"strings"
)

// localOnly are classes of kedro-datasets 9.6 that cannot load and save under a plain s3:// path: those of Spark want s3a:// and Hadoop's own
// libraries, deltalake writes to S3 only with a lock or settings of its own, and the others open their files without fsspec.
var localOnly = []string{
	"spark.SparkDataset", "spark.SparkStreamingDataset", "spark.DeltaTableDataset", "pandas.DeltaTableDataset",
	"langchain.PromptDataset", "langfuse.PromptDataset", "langfuse.EvaluationDataset", "opik.PromptDataset", "opik.EvaluationDataset",
}

// LocalOnly says whether a dataset class is known not to work under s3://.
func LocalOnly(class string) bool {
	for _, prefix := range []string{"kedro_datasets.", "kedro_datasets_experimental."} {
		class = strings.TrimPrefix(class, prefix)
	}
	parts := strings.Split(class, ".") // spark.SparkDataset or spark.spark_dataset.SparkDataset
	return slices.Contains(localOnly, parts[0]+"."+parts[len(parts)-1])
}
