package batch

import "strconv"

// Runner executes attempts of jobs.
type Runner interface {
	// Start begins an attempt and returns without waiting for it. stop asks for its end: SIGTERM, after 30 s SIGKILL; it may be called at
	// any time and more than once. The attempt ends with Done either way.
	Start(Attempt, Events) (stop func())
}

// Recoverer is a Runner whose attempts can outlive the process.
type Recoverer interface {
	// Recover is called once, before the first Start, with the attempts that the last process of this state left. It takes up those that go on or have
	// ended meanwhile, and gives what stops them. The others get nil; when it returns, neither they nor anything else that the last process left runs.
	Recover([]Recovered) (stops []func())
}

// Recovered is an attempt that an earlier process had started or was about to.
type Recovered struct {
	Attempt
	Events  Events
	Running bool // it had told that it runs, which it does not tell again; otherwise it may begin anew
	Lines   int  // how many lines were passed on that are not empty
}

// Machine is a Runner that has a limit.
type Machine interface {
	MemoryMiB() int64 // for all attempts together; 0: any number
}

// TakeUp lets a runner recover; one that is no Recoverer takes nothing up.
func TakeUp(r Runner, left []Recovered) (stops []func()) {
	if r, ok := r.(Recoverer); ok {
		return r.Recover(left)
	}
	return make([]func(), len(left))
}

// MemoryOf is a runner's limit in MiB; 0 where it has none.
func MemoryOf(r Runner) int64 {
	if m, ok := r.(Machine); ok {
		return m.MemoryMiB()
	}
	return 0
}

// Events is how a runner tells what becomes of an attempt. Each may be called from within Start.
type Events interface {
	Running()         // the container runs
	Line(text string) // it has written a line
	Done(Exit)        // once, as the last
}

// Attempt is one try of a job by Batch.
type Attempt struct {
	JobID, JobName, Queue string
	Definition            string // name:revision
	Number                int    // from 1
	Image                 string
	Command               []string // empty: the image's own
	Env                   map[string]string
	VCPUs                 float64
	MemoryMiB             int64
	GPUs                  int
	SharedMemoryMiB       int64 // 0: as many as the runner gives by itself
}

// ID names an attempt among all: the job's id, a hyphen and the number.
func (a Attempt) ID() string { return a.JobID + "-" + strconv.Itoa(a.Number) }

// Exit is how an attempt ended.
type Exit struct {
	Code         *int32 // nil: the container never ran (B18: nextflow-io/nextflow#4096)
	Reason       string // of the container, such as OutOfMemoryError: …
	StatusReason string // of the attempt; "": Essential container in task exited
}

// Texts that AWS gives. B17.
const (
	reasonExited      = "Essential container in task exited"
	reasonNotStarted  = "Task failed to start"
	reasonTimeout     = "Job attempt duration exceeded timeout"
	reasonDependency  = "Dependent Job failed"
	reasonOverrides   = "Container Overrides length must be at most 8192"
	reasonTags        = "Tags of the job and its job definition must be at most 50"
	reasonTooBig      = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - the job needs more vCPUs than any compute environment of its queue may have"
	reasonNoMemory    = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - the job needs more memory than the machine has for jobs"
	reasonNoGPU       = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - no instance type of the compute environments has GPUs"
	reasonOutOfMemory = "OutOfMemoryError: Container killed due to memory usage"
)

// Exited is the end of a container that ran.
func Exited(code int32) Exit { return Exit{Code: &code} }

// OutOfMemory is the end of a container that wanted more memory than the job has.
func OutOfMemory() Exit {
	e := Exited(137)
	e.Reason = reasonOutOfMemory
	return e
}

// HostLost is the end of an attempt whose instance went away.
func HostLost(instance string) Exit {
	return Exit{StatusReason: "Host EC2 (instance " + instance + ") terminated."}
}

// Interrupted is the end of an attempt on Fargate Spot that lost its capacity (nextflow-io/nextflow#5786).
func Interrupted() Exit { return Exit{StatusReason: "Your Spot Task was interrupted."} }

// NotStarted is the end of an attempt that got no container; reason begins with the error's name, such as CannotPullContainerError: …
func NotStarted(reason string) Exit {
	return Exit{StatusReason: reasonNotStarted, Reason: reason}
}
