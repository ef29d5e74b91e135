package provision

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Resources are a stack as it stands, with what later stages need of it. A string is an ARN where no comment says otherwise.
type Resources struct {
	Account         string     `json:"account"` // id
	Region          string     `json:"region"`  // name
	Bucket          string     `json:"bucket"`  // name
	Repository      Repository `json:"repository"`
	LogGroup        string     `json:"log_group"` // name
	JobRole         string     `json:"job_role"`
	ExecutionRole   string     `json:"execution_role,omitempty"`   // where jobs have secrets or run on Fargate, or the settings name one
	InstanceProfile string     `json:"instance_profile,omitempty"` // none of these three where the settings name a queue, and no profile on Fargate
	ServiceRole     string     `json:"service_role,omitempty"`
	Environments    []string   `json:"compute_environments,omitempty"` // in the queue's order
	Queue           string     `json:"queue"`
	PublicIP        bool       `json:"public_ip,omitempty"` // whether tasks on Fargate need one to reach AWS
	All             []Resource `json:"resources"`           // by kind, in the order of the constants
}

// Applying is a stack on its way to its Spec. Its methods wait for the part that they give, so that an image can be pushed while the compute
// environment is still being made.
type Applying struct {
	clients Clients
	spec    Spec
	report  Reporter
	dry     bool    // nothing is changed: changes tells what would be
	account account // set by the first step

	bucket, repository, definition *step

	running sync.WaitGroup
	mu      sync.Mutex // guards what follows
	got     Resources
	changes []Change
	errs    []error
}

// step is closed when a part of the stack stands, or cannot be made.
type step struct {
	done chan struct{}
	err  error
}

func (s *step) wait() error {
	<-s.done
	return s.err
}

// Apply brings the stack to its spec: each resource is read, compared and changed where it differs, those that do not need each other at the same
// time. It ends when the compute environment and the queue are VALID. One resource's failure does not stop the others; the errors come joined.
func Apply(ctx context.Context, c Clients, s Spec, report Reporter) (Resources, error) {
	return Start(ctx, c, s, report).Wait()
}

// Start begins Apply and returns at once.
func Start(ctx context.Context, c Clients, s Spec, report Reporter) *Applying {
	a := &Applying{clients: c, spec: s, report: report}
	a.start(ctx)
	return a
}

func (a *Applying) start(ctx context.Context) {
	c, s := a.clients, a.spec
	a.got = Resources{Region: s.Region, Bucket: s.Bucket, LogGroup: s.LogGroup}
	first := a.findRoles(ctx, a.step(ctx, a.identify))
	a.bucket = a.step(ctx, func(ctx context.Context) error { return a.one(ctx, bucket{c, s, a.account}, nil) }, first...)
	a.repository = a.step(ctx, a.makeRepository, first...)
	logs := a.step(ctx, func(ctx context.Context) error { return a.one(ctx, s.logs(c), nil) }, first...)
	roles := a.step(ctx, a.makeJobRoles, first...)
	var network, queue *step // done when it is known whether tasks need a public IP, and when the queue is VALID
	if s.ownQueue() {
		network, queue = a.startQueue(ctx, first)
	} else {
		network = a.step(ctx, a.findQueue, first...)
		queue = network
	}
	a.step(ctx, a.retire, queue)
	a.step(ctx, a.tagDefinitions, first...)
	needs := []*step{logs, roles}
	if s.onFargate() {
		needs = append(needs, network)
	}
	a.definition = a.step(ctx, func(context.Context) error { return nil }, needs...)
}

// findRoles looks at the roles that the settings name, and gives what all other steps wait for: where one of them will not do, nothing is changed.
func (a *Applying) findRoles(ctx context.Context, identified *step) []*step {
	steps := []*step{identified}
	find := func(name string, f func(context.Context) error) {
		if name != "" {
			steps = append(steps, a.step(ctx, f, identified))
		}
	}
	named, c := a.spec.Existing, a.clients
	find(named.JobRole, a.findJobRole)
	find(named.ExecutionRole, func(ctx context.Context) error {
		return a.one(ctx, a.spec.existingExecutionRole(c, a.account), &a.got.ExecutionRole)
	})
	if a.spec.ownEnvironments() {
		find(named.ServiceRole, func(ctx context.Context) error { return a.one(ctx, a.spec.existingServiceRole(c), &a.got.ServiceRole) })
	}
	if a.spec.ownEnvironments() && !a.spec.onFargate() {
		find(named.InstanceProfile, func(ctx context.Context) error {
			return a.one(ctx, a.spec.existingProfile(c, a.account), &a.got.InstanceProfile)
		})
	}
	return steps
}

// findJobRole looks at the one that the settings name, which has to reach the key of the bucket too.
func (a *Applying) findJobRole(ctx context.Context) error {
	s, err := bucket{a.clients, a.spec, a.account}.withKey(ctx)
	if err != nil {
		return err
	}
	return a.one(ctx, s.existingJobRole(a.clients, a.account), &a.got.JobRole)
}

// startQueue starts the compute environments, what they need, and the queue. It gives the step that finds the network, and the queue's.
func (a *Applying) startQueue(ctx context.Context, first []*step) (found, whole *step) {
	if a.spec.Compute.Environment != "" {
		return a.startOnTheirs(ctx, first)
	}
	net := &network{Clients: a.clients, spec: a.spec}
	found = a.step(ctx, func(ctx context.Context) error { return a.findNetwork(ctx, net) }, first...)
	needs := []*step{found, a.step(ctx, a.makeServiceRole, first...)}
	if !a.spec.onFargate() {
		needs = append(needs, a.step(ctx, a.makeProfile, first...))
	}
	if a.spec.templateName() != "" {
		needs = append(needs, a.step(ctx, a.makeTemplate, first...))
	}
	capacities := a.spec.capacities()
	made := make([]string, len(capacities))
	var envs []*step
	for i, c := range capacities {
		envs = append(envs, a.step(ctx, func(ctx context.Context) error {
			got := a.resources()
			return a.one(ctx, environment{Clients: a.clients, spec: a.spec, capacity: c, serviceRole: got.ServiceRole, instanceProfile: got.InstanceProfile,
				subnets: net.subnets, groups: net.groups}, &made[i])
		}, needs...))
	}
	return found, a.queueOver(ctx, made, envs...)
}

// startOnTheirs starts a queue over the environment that the settings name.
func (a *Applying) startOnTheirs(ctx context.Context, first []*step) (found, whole *step) {
	made := make([]string, 1)
	found = a.step(ctx, func(ctx context.Context) error {
		env := &existingEnvironment{environment: environment{Clients: a.clients, spec: a.spec, name: a.spec.Compute.Environment}}
		if err := a.one(ctx, env, &made[0]); err != nil || !a.spec.onFargate() {
			return err
		}
		public, err := a.clients.public(ctx, env.subnets)
		if err != nil {
			return explain("network of compute environment "+env.name, err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.got.PublicIP = public
		return nil
	}, first...)
	return found, a.queueOver(ctx, made, found)
}

// queueOver makes the queue when its environments stand.
func (a *Applying) queueOver(ctx context.Context, made []string, envs ...*step) *step {
	return a.step(ctx, func(ctx context.Context) error {
		a.mu.Lock()
		a.got.Environments = made
		a.mu.Unlock()
		return a.one(ctx, queue{Clients: a.clients, spec: a.spec, environments: made}, &a.got.Queue)
	}, envs...)
}

func (a *Applying) findNetwork(ctx context.Context, n *network) error {
	if err := a.one(ctx, n, nil); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got.PublicIP = a.spec.onFargate() && n.public
	return nil
}

// findQueue finds the queue that the settings name, and where its tasks start.
func (a *Applying) findQueue(ctx context.Context) error {
	q := queue{Clients: a.clients, spec: a.spec}
	if err := a.one(ctx, existingQueue{q}, &a.got.Queue); err != nil || !a.spec.onFargate() {
		return err
	}
	public, err := q.public(ctx, a.spec.Compute.Queue)
	if err != nil {
		return explain("network of job queue "+a.spec.Compute.Queue, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got.PublicIP = public
	return nil
}

// step runs f when all that it needs stands. Where that failed f does not run, and the error is told once, by the step that failed.
func (a *Applying) step(ctx context.Context, f func(context.Context) error, needs ...*step) *step {
	s := &step{done: make(chan struct{})}
	a.running.Go(func() {
		defer close(s.done)
		for _, n := range needs {
			if s.err = n.wait(); s.err != nil {
				return
			}
		}
		if s.err = f(ctx); s.err != nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.errs = append(a.errs, s.err)
		}
	})
	return s
}

// one converges a resource, and puts its ARN where it belongs.
func (a *Applying) one(ctx context.Context, r resource, arn *string) error {
	bring := func() (Resource, error) { return converge(ctx, r, a.report) }
	if a.dry {
		bring = func() (Resource, error) { return a.compare(ctx, r) }
	}
	is, err := bring()
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got.All = append(a.got.All, is)
	if arn != nil {
		*arn = is.ARN
	}
	return nil
}

// identify asks whose credentials these are, before anything else: without an answer nothing works.
func (a *Applying) identify(ctx context.Context) error {
	acc, err := identify(ctx, a.clients.STS)
	a.account = acc
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got.Account = acc.ID
	return err
}

func identify(ctx context.Context, api callers) (account, error) {
	out, err := api.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return account{}, explain("look up the account", err)
	}
	acc := account{ID: aws.ToString(out.Account), Partition: "aws"}
	if parts := strings.Split(aws.ToString(out.Arn), ":"); len(parts) > 1 {
		acc.Partition = parts[1]
	}
	return acc, nil
}

func (a *Applying) makeRepository(ctx context.Context) error {
	r := &repository{Clients: a.clients, spec: a.spec}
	if err := a.one(ctx, r, nil); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got.Repository = r.got
	return nil
}

func (a *Applying) makeJobRoles(ctx context.Context) error {
	if err := a.makeJobRole(ctx); err != nil {
		return err
	}
	if a.spec.Existing.ExecutionRole != "" || !a.spec.needsExecutionRole() {
		return nil
	}
	return a.one(ctx, a.spec.executionRole(a.clients, a.account), &a.got.ExecutionRole)
}

// makeJobRole lets jobs use the key of a bucket that the stack has not made.
func (a *Applying) makeJobRole(ctx context.Context) error {
	if a.spec.Existing.JobRole != "" {
		return nil
	}
	s, err := bucket{a.clients, a.spec, a.account}.withKey(ctx)
	if err != nil {
		return err
	}
	return a.one(ctx, s.jobRole(a.clients, a.account), &a.got.JobRole)
}

func (a *Applying) makeServiceRole(ctx context.Context) error {
	if a.spec.Existing.ServiceRole != "" {
		return nil
	}
	return a.one(ctx, serviceRole{a.clients}, &a.got.ServiceRole)
}

func (a *Applying) makeProfile(ctx context.Context) error {
	if a.spec.Existing.InstanceProfile != "" {
		return nil
	}
	if err := a.one(ctx, a.spec.instanceRole(a.clients, a.account), nil); err != nil {
		return err
	}
	return a.one(ctx, profile{a.clients, a.spec}, &a.got.InstanceProfile)
}

func (a *Applying) makeTemplate(ctx context.Context) error {
	return a.one(ctx, a.spec.template(a.clients, a.account), nil)
}

func (a *Applying) resources() Resources {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.got
}

// Bucket waits until the bucket stands and gives its name.
func (a *Applying) Bucket() (string, error) {
	err := a.bucket.wait()
	return a.spec.Bucket, err
}

// Repository waits until images can be pushed.
func (a *Applying) Repository() (Repository, error) {
	err := a.repository.wait()
	return a.resources().Repository, err
}

// Definition waits for what a job definition needs, the roles of jobs and their log group, and gives what stands by then.
func (a *Applying) Definition() (Resources, error) {
	err := a.definition.wait()
	return a.resources(), err
}

// Wait waits for the whole stack and gives it. Its error is that of each resource that failed.
func (a *Applying) Wait() (Resources, error) {
	a.running.Wait()
	got := a.resources()
	got.All = slices.SortedFunc(slices.Values(got.All), func(x, y Resource) int { return byKind(x.Kind, x.Name, y.Kind, y.Name) })
	return got, errors.Join(a.errs...)
}

// byKind orders resources as lists for people have them.
func byKind(kindX, nameX, kindY, nameY string) int {
	return cmp.Or(cmp.Compare(slices.Index(kinds, kindX), slices.Index(kinds, kindY)), cmp.Compare(nameX, nameY))
}
