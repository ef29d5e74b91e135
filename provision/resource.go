package provision

import (
	"context"
	"fmt"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// Kinds of resources.
const (
	KindBucket          = "bucket"
	KindRepository      = "repository"
	KindLogGroup        = "log group"
	KindRole            = "role"
	KindInstanceProfile = "instance profile"
	KindServiceRole     = "service role"
	KindNetwork         = "network"
	KindLaunchTemplate  = "launch template"
	KindEnvironment     = "compute environment"
	KindQueue           = "job queue"
	KindDefinition      = "job definition"
)

// kinds in the order of a list for people.
var kinds = []string{KindBucket, KindRepository, KindLogGroup, KindRole, KindInstanceProfile, KindServiceRole, KindNetwork, KindLaunchTemplate, KindEnvironment, KindQueue, KindDefinition}

// States of a resource, as Apply and Destroy leave it or, in a Reporter's hands, while they work on it.
const (
	Created   = "created"
	Updated   = "updated"
	Unchanged = "unchanged"
	Existing  = "existing" // named in the settings or made by others: used, never changed
	Working   = "working"  // being changed, or waited for
	Retired   = "retired"  // another one has taken its place; it is removed when it is empty
	Removed   = "removed"
	Kept      = "kept" // not removed: it holds data, or is not ours
)

// Resource is one resource of a stack.
type Resource struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	ARN    string `json:"arn,omitempty"`
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"` // what is being done to it, or why it is in this state

	Warning string `json:"warning,omitempty"` // what could not be found out about it
}

func (r Resource) String() string { return r.Kind + " " + r.Name }

// Reporter hears of each step of Apply and Destroy. Its method is called by several goroutines at a time.
type Reporter interface {
	Step(Resource)
}

// change is one call that brings a resource nearer to its spec.
type change struct {
	what       string // "create", "block public access"
	create     bool
	replaces   string      // with create: the name of what gives way to it
	then       string      // the state that it leaves; "": Updated
	attributes []Attribute // that it changes
	command    []string    // the same as words behind "aws iam", for who may not do it
	do         func(context.Context) error
}

// resource is one that a stack makes.
type resource interface {
	// diff reads the resource and lists the changes that bring it to its spec, in order. It returns the resource as it is,
	// or as it will be: changes fill in its ARN.
	diff(context.Context) (*Resource, []change, error)
}

// converge brings one resource to its spec.
func converge(ctx context.Context, r resource, report Reporter) (Resource, error) {
	is, changes, err := r.diff(ctx)
	if err != nil {
		return *is, explain(is.String(), err)
	}
	if is.State == "" {
		is.State = Unchanged
	}
	for i, c := range changes {
		report.Step(Resource{Kind: is.Kind, Name: is.Name, State: Working, Detail: c.what})
		if err := c.do(ctx); err != nil {
			return *is, explain(fmt.Sprintf("%s: %s", is, c.what), err)
		}
		switch {
		case c.create:
			is.State = Created
		case c.then != "":
			is.State = c.then
		case i == 0:
			is.State = Updated
		}
	}
	report.Step(*is)
	return *is, nil
}

// notOurs is the error for a resource that has a name of the stack and not its tags.
func notOurs(r *Resource, s Spec) error {
	return ui.WithHint(fmt.Errorf("it exists and is not tagged %s=%s, %s=%s, %s=%s: it belongs to someone else",
		tagProject, s.Project, tagEnv, s.Env, tagRegion, s.Region),
		fmt.Sprintf("remove the %s, or give the project or the environment another name", r))
}

// foreign is a resource that Destroy leaves, since it is not the stack's.
func foreign(r Resource) Resource {
	r.State, r.Detail = Kept, "not made by this stack"
	return r
}

// ignoreAbsent drops the error of a thing that is not there.
func ignoreAbsent(err error) error {
	if absent(err) {
		return nil
	}
	return err
}
