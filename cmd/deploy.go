package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
)

func newDeploy(d *deps) *cli.Command {
	return &cli.Command{
		Name: "deploy", Category: catMain, Usage: "Bring the project to AWS: image, resources, raw data, job definition; only what changed",
		UsageText: "$ kedroctl deploy\n  $ kedroctl deploy --engine none", Flags: []cli.Flag{engineFlag(), upgradeFlag(), sbomFlag()},
		Description: `Plans first, and stops on errors before anything is changed. Then packages, builds and pushes the image while it
provisions and uploads, registers the job definition, and records the deployment that 'kedroctl run' runs.
What is unchanged is skipped. After a failure or an interrupt the same command goes on.
With --engine none the image is assembled without a Docker Engine, and pushed without being tried.`,
		Action: func(c *cli.Context) error {
			d.setEngine(c)
			t, done, err := d.deploying(c.Context)
			if err != nil {
				return err
			}
			defer done()
			if err := t.setSBOM(c); err != nil {
				return err
			}
			t.upgrade = c.Bool(upgrade)
			dep, err := t.deploy(c.Context)
			if err != nil {
				return err
			}
			return d.term.Answer(dep, func(w io.Writer) {
				fmt.Fprintf(w, "deployment  %s\nimage       %s\ndefinition  %s\nqueue       %s\n", dep.ID, dep.Image, dep.JobDefinition, dep.Queue)
			})
		},
	}
}

// deploy makes all that a run needs, and records it.
func (t *target) deploy(ctx context.Context) (provision.Deployment, error) {
	if err := t.checkEngine(); err != nil {
		return provision.Deployment{}, err
	}
	if _, err := build.DependencyKey(t.project); err != nil { // what is wrong with a lock, before anything is changed
		return provision.Deployment{}, err
	}
	containers, err := keyOf(t.project.Settings.Containers())
	if err != nil {
		return provision.Deployment{}, err
	}
	tasks := t.term.Tasks()
	image := t.image
	if t.project.Settings.Image.Use != "" {
		ref, err := t.used(ctx, tasks) // before anything is changed
		if err != nil {
			return provision.Deployment{}, err
		}
		if err := t.usedSBOM(ctx, tasks, ref); err != nil {
			return provision.Deployment{}, err
		}
		image = func(context.Context, *ui.Tasks, func() (provision.Repository, error)) (string, error) {
			return ref, nil
		}
	}
	dep, err := t.assemble(ctx, tasks, image)
	if err != nil {
		return dep, err
	}
	dep.ContainerKey = containers
	if dep.DependencyKey, err = build.DependencyKey(t.project); err != nil { // of what has been resolved
		return dep, err
	}
	return t.record(ctx, tasks, dep)
}

// assemble makes the image beside the stack and the upload. A push waits for the repository alone, the job definition for image and roles; that the
// queue is VALID is awaited last.
func (t *target) assemble(ctx context.Context, tasks *ui.Tasks, image imageMaker) (provision.Deployment, error) {
	inputs, err := provision.NewInputs(t.project, t.plan)
	if err != nil {
		return provision.Deployment{}, err
	}
	inputs = inputs.Without(t.begun)
	if err := inputs.Check(ctx, t.store); err != nil {
		return provision.Deployment{}, err
	}
	eg, work := errgroup.WithContext(ctx)
	stack := provision.Start(work, t.clients, t.spec, &steps{term: t.term})
	dep := t.deployment()
	eg.Go(func() (err error) {
		if dep.Image, err = image(work, tasks, stack.Repository); err != nil {
			return err
		}
		dep.InputKey = t.key // of what has been resolved
		def, err := t.register(work, tasks, stack, dep.Image)
		dep.JobDefinition, dep.Definitions = def.ARN, def.GroupARNs()
		return err
	})
	eg.Go(func() error { return t.upload(work, tasks, stack, inputs) })
	eg.Go(func() error { return t.provision(tasks, stack, &dep) })
	if err := eg.Wait(); err != nil {
		if _, failed := stack.Wait(); failed != nil && errors.Is(err, errTold) {
			err = failed
		}
		return provision.Deployment{}, err
	}
	return dep, nil
}

// imageMaker gives the reference of an image of the project as it is, and may wait for the repository.
type imageMaker func(ctx context.Context, tasks *ui.Tasks, repository func() (provision.Repository, error)) (string, error)

// errTold ends work that needs a part of the stack which cannot be made: the stack's own error says why.
var errTold = errors.New("the stack is not complete")

// deployment is what can be said of the deployment beforehand.
func (t *target) deployment() provision.Deployment {
	now := time.Now().UTC()
	return provision.Deployment{
		Schema: provision.DeploymentSchema, ID: now.Format("20060102T150405.000Z"), Created: now, KedroctlVersion: versionText(),
		Project: t.spec.Project, Package: t.project.Package, Env: t.project.Env, Region: t.spec.Region, Bucket: t.spec.Bucket, InputKey: t.key,
		LogGroup: t.spec.LogGroup, GitRevision: t.revision(), Settings: t.project.Settings.Recorded(), Snapshot: t.snapshot,
	}
}

func (t *target) provision(tasks *ui.Tasks, stack *provision.Applying, dep *provision.Deployment) error {
	k := tasks.Start("provision")
	res, err := stack.Wait()
	if err != nil {
		k.Failed()
		return err
	}
	dep.Queue = res.Queue
	changed := map[string]int{}
	for _, r := range res.All {
		changed[r.State]++
	}
	made := changed[provision.Created] + changed[provision.Updated]
	if made == 0 {
		k.Unchanged("%s as they should be", count(len(res.All), "resource"))
		return nil
	}
	k.Done("%s made or updated, queue VALID", count(made, "resource"))
	return nil
}

func (t *target) upload(ctx context.Context, tasks *ui.Tasks, stack *provision.Applying, in provision.Inputs) error {
	k := tasks.Start("upload")
	if _, err := stack.Bucket(); err != nil {
		k.Failed()
		return errTold
	}
	done, err := provision.Upload(ctx, t.store, in, t.uploadOptions(k, t.force))
	switch {
	case err != nil:
		k.Failed()
		return fmt.Errorf("upload: %w", err)
	case len(done.Sent) == 0:
		k.Unchanged("%s in the bucket", count(done.Same+len(done.Different), "file"))
	default:
		k.Done("%s", uploadText(done))
	}
	t.tellDifferences(done)
	return nil
}

func (t *target) register(ctx context.Context, tasks *ui.Tasks, stack *provision.Applying, image string) (provision.Definition, error) {
	k := tasks.Start("register")
	res, err := stack.Definition()
	if err != nil {
		k.Failed()
		return provision.Definition{}, errTold
	}
	def, err := provision.Register(ctx, t.clients.Batch, t.spec, res, image)
	if err != nil {
		k.Failed()
		return def, err
	}
	names := strings.Join(def.Names(), ", ")
	if def.AllReused() {
		k.Unchanged("an equal revision is active: %s", names)
	} else {
		k.Done("%s", names)
	}
	return def, nil
}

// record writes the deployment into the bucket, unless the latest one there says the same.
func (t *target) record(ctx context.Context, tasks *ui.Tasks, dep provision.Deployment) (provision.Deployment, error) {
	k := tasks.Start("record")
	latest, err := provision.LatestDeployment(ctx, t.store, dep.Bucket)
	if err == nil && sameDeployment(latest, dep) {
		k.Unchanged("the latest deployment is the same: %s", latest.ID)
		return latest, nil
	}
	if err := provision.SaveDeployment(ctx, t.store, dep); err != nil {
		k.Failed()
		return dep, err
	}
	k.Done("deployment %s", dep.ID)
	return dep, nil
}

// sameDeployment says whether two deployments differ in their age alone. They are compared as they are recorded.
func sameDeployment(a, b provision.Deployment) bool {
	b.ID, b.Created = a.ID, a.Created
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
