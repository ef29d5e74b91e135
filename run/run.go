package run

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

const schema = 1

// errNothingToRun is the error for a plan without groups.
var errNothingToRun = errors.New("nothing to run: the plan has no groups")

// Input is what a run is started with.
type Input struct {
	Plan          plan.Plan
	Snapshot      project.Snapshot  // of the deployment: names of datasets as the catalog has them
	Deployment    string            // id of the deployment
	Queue         string            // name or ARN of the job queue
	JobDefinition string            // name:revision or ARN; never without the revision, so that all jobs run the same code
	Definitions   map[string]string // those of groups whose settings name another, by that name
	LogGroup      string            // where the definition sends the jobs' output
	Tags          map[string]string
	Args          []string          // further flags of Kedro's run command for every job: --params, --runner, …
	Params        map[string]any    // nested parameters, which --params cannot carry
	Code          *Code             // nil for a run of the deployment as it is
	LoadVersions  map[string]string // the user's own; they win over those that kedroctl pins
	Owner         string            // who starts the run, for people to read
	AllowOverlap  bool              // also beside a run that writes the same paths
	MaxWorkers    int               // jobs of the run that may be unfinished at the same time; 0: any number
	LeaveNow      bool              // refuse what this command would have to stay for
}

// Run is one execution of a plan, as recorded in the bucket when it started.
type Run struct {
	Schema        int                  `json:"schema"`
	ID            string               `json:"run"` // Kedro's save version of all that the run writes
	Created       time.Time            `json:"created"`
	Owner         string               `json:"owner,omitempty"`
	Driver        string               `json:"driver"` // random: of who started the run
	Deployment    string               `json:"deployment"`
	Code          *Code                `json:"code,omitempty"` // of a development run
	Queue         string               `json:"queue"`
	JobDefinition string               `json:"job_definition"`
	Definitions   map[string]string    `json:"group_definitions,omitempty"`
	LogGroup      string               `json:"log_group"`
	Tags          map[string]string    `json:"tags,omitempty"`
	Args          []string             `json:"args,omitempty"`
	Params        map[string]any       `json:"params,omitempty"`
	Versions      map[string]string    `json:"versions,omitempty"` // load versions that every job has pinned
	MaxWorkers    int                  `json:"max_workers,omitempty"`
	Only          map[string]plan.Only `json:"only,omitempty"` // by group: the pipelines that its job needs to load
	Plan          plan.Plan            `json:"plan"`
	Jobs          []Submission         `json:"-"` // in the order of submission, one for each try; kept in jobs.json
	Resumed       []Resumption         `json:"-"` // each in an object of its own
	listed        []types.JobSummary   // what Batch said when the run was loaded
	loaded        bool                 // from the bucket: other drivers may have it too
	doubtful      bool                 // Batch may have two jobs of one try, as a submission had no clear answer
}

// Submission is one try of a group, accepted by Batch.
type Submission struct {
	Group  string `json:"group"`
	Key    string `json:"key"`
	Try    int    `json:"try"`
	ID     string `json:"job"`                  // Batch's id
	Memory int    `json:"memory_mib,omitempty"` // that the job asks for; 0 where that is not known
}

// idLayout is Kedro's save version without the milliseconds and the Z.
const idLayout = "2006-01-02T15.04.05"

// newID gives the id that a run started at now would have: Kedro's save version, 2026-11-23T09.55.12.345Z.
func newID(now time.Time) string {
	now = now.UTC()
	return fmt.Sprintf("%s.%03dZ", now.Format(idLayout), now.Nanosecond()/int(time.Millisecond))
}

// Late names the groups that are not submitted yet, in the plan's order. While there are any, a driver has to stay: Follow submits them.
func (r Run) Late() []string {
	submitted, due := r.latest(), r.dueTries()
	var late []string
	for _, g := range r.Plan.Groups {
		if submitted[g.Name].Try < max(due[g.Name], 1) {
			late = append(late, g.Name)
		}
	}
	return late
}

// latest is each group's submission with the highest try.
func (r Run) latest() map[string]Submission {
	m := make(map[string]Submission, len(r.Jobs))
	for _, s := range r.Jobs {
		if s.Try >= m[s.Group].Try {
			m[s.Group] = s
		}
	}
	return m
}

// note adds a job, in place of another of the same try.
func (r *Run) note(s Submission) {
	for i := range slices.Backward(r.Jobs) {
		if o := &r.Jobs[i]; o.Try == s.Try && o.Group == s.Group {
			o.ID = s.ID
			return
		}
	}
	r.Jobs = append(r.Jobs, s)
}

// learn adds the jobs of tries that the run does not know yet.
func (r *Run) learn(jobs []Submission) {
	type try struct {
		group string
		n     int
	}
	known := make(map[try]bool, len(r.Jobs))
	for _, s := range r.Jobs {
		known[try{s.Group, s.Try}] = true
	}
	for _, s := range jobs {
		if t := (try{s.Group, s.Try}); !known[t] {
			known[t] = true
			r.Jobs = append(r.Jobs, s)
		}
	}
}

// queue is that of a group.
func (r Run) queue(g plan.Group) string { return cmp.Or(g.Settings.Queue, r.Queue) }

// definition is the job definition of a group.
func (r Run) definition(g plan.Group) string {
	if g.Settings.Definition == "" {
		return r.JobDefinition
	}
	return r.Definitions[g.Settings.Definition]
}

// Queues are all that jobs of a plan go to, where the stack's is the one given.
func Queues(p plan.Plan, queue string) []string {
	var queues []string
	for _, g := range p.Groups {
		if q := cmp.Or(g.Settings.Queue, queue); !slices.Contains(queues, q) {
			queues = append(queues, q)
		}
	}
	return queues
}

func (r Run) group(name string) plan.Group {
	for _, g := range r.Plan.Groups {
		if g.Name == name {
			return g
		}
	}
	return plan.Group{Name: name}
}

const runsPrefix = ".kedroctl/runs/"

// object is the key of one of the run's own objects.
func (r Run) object(elem ...string) string {
	return runsPrefix + path.Join(append([]string{r.ID}, elem...)...)
}

func (r Run) requestKey(s Submission) string { return r.object("requests", tryName(s)) }

func (r Run) requestURI(s Submission) string { return "s3://" + r.Plan.Bucket + "/" + r.requestKey(s) }

// tryName is the name of objects of a try.
func tryName(s Submission) string { return fmt.Sprintf("%s-t%d.json", s.Key, s.Try) }

// namePrefix begins the names of all jobs of the run, so that one ListJobs finds them. Project and environment are hashed in, as a queue may be shared.
func (r Run) namePrefix() string {
	sum := sha256.Sum256([]byte(r.Plan.Project + "\x00" + r.Plan.Env))
	return "kedro-" + hex.EncodeToString(sum[:3]) + "-" + compact(r.ID) + "-"
}

// compact is a run's id as it stands in the names of its jobs.
func compact(id string) string { return strings.NewReplacer("-", "", ".", "", ":", "").Replace(id) }

// jobName is unique without regard to case, as ListJobs finds names: a group's key ends in a hash of its name.
func (r Run) jobName(g plan.Group, try int) string {
	return fmt.Sprintf("%s%s-t%d", r.namePrefix(), g.Key, try)
}
