package project

// Settings is [tool.kedroctl] of pyproject.toml, resolved for one environment: defaults filled in, [tool.kedroctl.env.<env>],
// KEDROCTL_* variables and flags applied.
type Settings struct {
	Region   string `toml:"region" json:"region"`
	Bucket   string `toml:"bucket" json:"bucket"`
	GroupBy  string `toml:"group_by" json:"group_by"`   // auto, namespace, pipeline, tag, memory, node, one
	Crossing string `toml:"crossing" json:"crossing"`   // persist or error: data that crosses groups but is not in S3
	MLflow   string `toml:"mlflow" json:"mlflow"`       // off, one or per-job: the MLflow runs of a project with kedro-mlflow
	RawData  string `toml:"raw_data" json:"raw_data"`   // directory to upload besides the plan's free inputs, relative to the project
	KeepDays int    `toml:"keep_days" json:"keep_days"` // days that logs, what crosses jobs and records of runs are kept

	Engine string `toml:"engine" json:"-"` // auto or none: what makes images; of this machine, so no part of a deployment

	Image   ImageSettings   `toml:"image" json:"image"`
	Compute ComputeSettings `toml:"compute" json:"compute"`
	AWS     AWSSettings     `toml:"aws" json:"aws"`
	Access  AccessSettings  `toml:"access" json:"access"`
	Job     JobSettings     `toml:"job" json:"job"`

	Groups map[string][]string `toml:"groups" json:"groups"` // group by hand = globs over names of nodes, namespaces and tags; goes before GroupBy

	Credentials map[string]string `toml:"credentials" json:"credentials"` // entry of the catalog's credentials = ARN of a JSON secret that is the whole entry

	Origins map[string]Origin `toml:"-" json:"origins,omitempty"` // key: what set it; the other keys have their defaults
}

// Values of the setting engine.
const (
	EngineAuto = "auto" // the engine that the docker CLI would use
	EngineNone = "none" // kedroctl itself, without one
)

// Values of the setting mlflow.
const (
	MLflowOff    = "off"     // jobs make no MLflow runs
	MLflowOne    = "one"     // all jobs of a run log into one MLflow run, which ends with the run
	MLflowPerJob = "per-job" // each job has an MLflow run of its own
)

// ImageSettings says what the image is made of and where it goes.
type ImageSettings struct {
	Base           string   `toml:"base" json:"base"`
	Platform       string   `toml:"platform" json:"platform"`
	Python         string   `toml:"python" json:"python"`           // version of the base image's Python, such as 3.12; empty: found out
	Repository     string   `toml:"repository" json:"repository"`   // name of the ECR repository
	Exclude        []string `toml:"exclude" json:"exclude"`         // distributions left out of the image
	Keep           []string `toml:"keep" json:"keep"`               // development tools that are not left out
	Extras         []string `toml:"extras" json:"extras,omitempty"` // of the project's own optional dependencies
	Lock           string   `toml:"lock" json:"lock"`               // lock file relative to the project; empty: found by itself
	Logging        string   `toml:"logging" json:"logging"`         // plain or project: whose logging configuration jobs use
	Slim           bool     `toml:"slim" json:"slim"`               // what no job reads is left out of the dependencies
	SystemPackages []string `toml:"system_packages" json:"system_packages"`
	Dockerfile     string   `toml:"dockerfile" json:"dockerfile,omitempty"` // the project's own, relative to it; empty: kedroctl makes one
	Use            string   `toml:"use" json:"use,omitempty"`               // repository@sha256:… of an image that others built; empty: kedroctl builds one
}

// ComputeSettings describes the compute environment and the job queue.
type ComputeSettings struct {
	Type          string   `toml:"type" json:"type"` // EC2, SPOT, FARGATE or FARGATE_SPOT
	MaxVCPUs      int      `toml:"max_vcpus" json:"max_vcpus"`
	InstanceTypes []string `toml:"instance_types" json:"instance_types"`
	DiskSize      int      `toml:"disk_size" json:"disk_size,omitempty"`           // GiB of each instance's disk; 0: that of its AMI, 30
	Strategy      string   `toml:"allocation_strategy" json:"allocation_strategy"` // of spot instances; empty: SPOT_PRICE_CAPACITY_OPTIMIZED
	Environment   string   `toml:"environment" json:"environment"`                 // name or ARN of an existing compute environment: a queue alone is made, over it
	Queue         string   `toml:"queue" json:"queue"`                             // name or ARN of an existing queue: then no queue or environment is made
}

// AWSSettings names what exists already, which is used, never changed or removed, and says how the rest is made.
type AWSSettings struct {
	JobRole         string   `toml:"job_role" json:"job_role"`                 // name or ARN
	ExecutionRole   string   `toml:"execution_role" json:"execution_role"`     // name or ARN; empty: made where jobs have secrets, or run on Fargate
	ServiceRole     string   `toml:"service_role" json:"service_role"`         // name or ARN; empty: Batch's service-linked role
	InstanceProfile string   `toml:"instance_profile" json:"instance_profile"` // name or ARN
	LogGroup        string   `toml:"log_group" json:"log_group"`               // name or ARN
	Prefix          string   `toml:"prefix" json:"prefix"`                     // begins the names of all that is made
	VPC             string   `toml:"vpc" json:"vpc"`                           // id; empty: that of the subnets, else the default VPC
	Subnets         []string `toml:"subnets" json:"subnets"`
	SecurityGroups  []string `toml:"security_groups" json:"security_groups"`

	RolePath            string `toml:"role_path" json:"role_path,omitempty"`                       // of roles and instance profiles that are made, such as /teams/data/
	PermissionsBoundary string `toml:"permissions_boundary" json:"permissions_boundary,omitempty"` // ARN of the managed policy that bounds roles that are made

	Tags map[string]string `toml:"tags" json:"tags,omitempty"` // of all that is made, and of jobs, besides kedroctl's own
}

// AccessSettings are S3 prefixes (bucket/prefix) that jobs need besides the own bucket and those that the catalog names.
type AccessSettings struct {
	Read  []string `toml:"read" json:"read"`
	Write []string `toml:"write" json:"write"`
	Keys  []string `toml:"keys" json:"keys,omitempty"` // ARNs of KMS keys that encrypt what lies there
}

// JobSettings are what the jobs of every group have, and what single groups have instead.
type JobSettings struct {
	Resources
	Container
	Runner string                   `toml:"runner" json:"runner"` // Kedro's runner inside each job; empty: the run command's own
	Groups map[string]GroupSettings `toml:"groups" json:"groups"` // exact group name or glob
}

// Resources of one job. A zero in a group's settings means: as for every group.
type Resources struct {
	VCPUs     float64 `toml:"vcpus" json:"vcpus"`
	Memory    int     `toml:"memory" json:"memory"`         // MiB
	MemoryMax int     `toml:"memory_max" json:"memory_max"` // MiB; how far a run raises Memory for the next try of a job that ran out of it
	Timeout   int     `toml:"timeout" json:"timeout"`       // seconds, at least 60
	Attempts  int     `toml:"attempts" json:"attempts"`     // 1 to 10, made by Batch itself
	GPUs      int     `toml:"gpus" json:"gpus,omitempty"`
}

// Container is what a job definition fixes for its jobs: SubmitJob overrides neither secrets nor shared memory nor disk, and the values of variables are to
// stand nowhere but in the definition.
type Container struct {
	Environment  map[string]string `toml:"environment" json:"environment"`
	Secrets      map[string]string `toml:"secrets" json:"secrets"`                       // variable = ARN of a secret or parameter
	SharedMemory int               `toml:"shared_memory" json:"shared_memory,omitempty"` // MiB of /dev/shm; 0: Docker's default, 64

	EphemeralStorage int `toml:"ephemeral_storage" json:"ephemeral_storage,omitempty"` // GiB of disk on Fargate; 0: its default, 20
}

// GroupSettings override JobSettings for the groups that a name or glob matches. Environment and secrets add to those of every group.
type GroupSettings struct {
	Resources
	Container
	Runner string `toml:"runner" json:"runner,omitempty"`
	Queue  string `toml:"queue" json:"queue,omitempty"` // name or ARN of an existing queue; empty: that of all groups
}
