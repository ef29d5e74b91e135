//go:build real

package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// guideDependencies are the guide's own, with the boto3 that pip can resolve beside s3fs.
const guideDependencies = `"s3fs>=2024.6.0",
    "boto3==1.43.117",
    "kedro[jupyter]~=1.7",`

// TestBesideTheGuide measures what make bench prints: kedroctl and the commands and the runner of Kedro's guide on one machine, engine, registry, project and
// embedded AWS. GUIDE is the directory with the guide's files, KEDROCTL_BENCH_GUIDE_PYTHON an interpreter with the project's dependencies and boto3.
func TestBesideTheGuide(t *testing.T) {
	guide, python := os.Getenv("GUIDE"), os.Getenv("KEDROCTL_BENCH_GUIDE_PYTHON")
	if guide == "" || python == "" {
		t.Skip("a measurement: make bench runs it where GUIDE has the guide's files")
	}
	w := newWorkshop(t)
	appendTo(t, filepath.Join(w.dir, "src/spaceflights/pipeline_registry.py"), spaced)
	changeFile(t, w.dir, "pyproject.toml", `"kedro~=1.7",`, starterDependencies)
	w.do("init", "--catalog", "--yes")
	g := newGuide(t, w, guide, python)
	journal := w.serveWithJournal()

	ours := w.deployed()
	theirs := g.deployed()
	report(t, "first deploy, s", ours.took.Seconds(), theirs.took.Seconds())
	report(t, "first deploy: package, build, push after the introspection, s", ours.made.Seconds(), theirs.took.Seconds())
	report(t, "image, compressed MB", mega(ours.image), mega(theirs.image))
	run, driver := w.driver(journal), g.driver(journal)
	report(t, "first submit after the start, s", run.first.Seconds(), driver.first.Seconds())
	report(t, "CPU of the driver, s", run.cpu.Seconds(), driver.cpu.Seconds())
	report(t, "makespan, s", run.makespan.Seconds(), driver.makespan.Seconds())
	report(t, "Batch calls", float64(run.calls), float64(driver.calls))

	for _, change := range []struct{ name, file, old, new string }{
		{"one line in a node", "src/spaceflights/pipelines/data_science/nodes.py", "import logging\n", "import logging\n\nCHANGED = True\n"},
		{"one line in conf/aws_batch", "conf/aws_batch/globals.yml", "", "# changed\n"},
		{"nothing", "", "", ""},
		{"one dependency added", "pyproject.toml", `"seaborn>=0.13",`, `"seaborn>=0.13",` + "\n    \"tabulate>=0.9\","},
	} {
		changeFile(t, w.dir, change.file, change.old, change.new)
		changeFile(t, g.dir, change.file, change.old, change.new)
		ours, theirs := w.deployed(), g.deployed()
		report(t, change.name+": deployed, s", ours.took.Seconds(), theirs.took.Seconds())
		report(t, change.name+": package, build, push after the introspection, s", ours.made.Seconds(), theirs.took.Seconds())
		report(t, change.name+": sent, kB", float64(ours.sent)/1000, float64(theirs.sent)/1000)
		if strings.HasSuffix(change.file, ".py") {
			w.develops(change.file, theirs)
		}
	}
	jobs := w.jobsOf()
	for _, group := range []string{"data_processing", "data_science", "reporting"} {
		ours, theirs := g.startsOf(group, jobs[group])
		report(t, "container until its first node, "+group+", s", ours.Seconds(), theirs.Seconds())
	}
}

// develops changes the line once more, runs that without a build, and changes it back; the next figure begins where kedroctl has seen that, as it had seen
// what was deployed. The guide has no other way to a first submission than its step 6.
func (w *workshop) develops(file string, theirs figures) {
	w.t.Helper()
	changeFile(w.t, w.dir, file, "CHANGED = True", "CHANGED = 2")
	since := time.Now()
	events := w.events("run", "--dev", "--json")
	report(w.t, "run --dev until the first submit, s", events["submitted"].Time.Sub(since).Seconds(), theirs.took.Seconds())
	report(w.t, "run --dev: sent, kB", float64(events["run"].Code.Size)/1000, float64(theirs.sent)/1000)
	changeFile(w.t, w.dir, file, "CHANGED = 2", "CHANGED = True")
	w.do("plan")
}

func mega(bytes int64) float64 { return float64(bytes) / 1e6 }

// report prints a row for scripts/bench: what it is, kedroctl's figure, the guide's.
func report(t *testing.T, what string, ours, theirs float64) {
	t.Logf("figure|%s|%.3f|%.3f", what, ours, theirs)
}

func changeFile(t *testing.T, dir, file, old, new string) {
	t.Helper()
	if file == "" {
		return
	}
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s lacks %q", file, old)
	}
	if err := os.WriteFile(filepath.Join(dir, file), []byte(strings.Replace(string(text), old, new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// figures are what a deployment or a run costs.
type figures struct {
	took        time.Duration
	made        time.Duration // in the steps that the guide has too: package, build, push; a wheel that is made beside the introspection takes no time of its own
	image, sent int64         // compressed bytes: of all layers, of what the last one had not
	first, cpu  time.Duration
	makespan    time.Duration
	calls       int // of Batch
}

// deployed deploys and gives its figures.
func (w *workshop) deployed() figures {
	w.t.Helper()
	before := w.layers()
	since := time.Now()
	_, story := w.told("deploy")
	took := time.Since(since)
	f := sizes(before, w.layers())
	f.took = took
	for _, line := range imageStep.FindAllStringSubmatch(story, -1) {
		step, err := time.ParseDuration(line[1])
		if err != nil {
			w.t.Fatal(err)
		}
		f.made += step
	}
	return f
}

// imageStep is a line of deploy's story: package    done        0.4s  …
var imageStep = regexp.MustCompile(`(?m)^(?:package|build|push) +(?:done|unchanged) +(\S+)`)

// layers are those of the images that the registry has in the project's repository, by digest.
func (w *workshop) layers() map[string]int64 { return w.repository("spaceflights-batch") }

// repository gives the blobs of a repository's images, and their manifests, by digest.
func (w *workshop) repository(repository string) map[string]int64 {
	w.t.Helper()
	blobs := map[string]int64{}
	images, err := ecr.NewFromConfig(w.aws()).DescribeImages(w.t.Context(), &ecr.DescribeImagesInput{RepositoryName: &repository})
	if err != nil {
		return blobs // there is no such repository yet
	}
	where, login := w.registry(repository)
	for _, of := range images.ImageDetails {
		image, err := remote.Image(where.Digest(aws.ToString(of.ImageDigest)), remote.WithAuth(login))
		if err != nil {
			w.t.Fatal(err)
		}
		manifest, err := image.Manifest()
		if err != nil {
			w.t.Fatal(err)
		}
		for _, blob := range append([]v1.Descriptor{manifest.Config}, manifest.Layers...) {
			blobs[blob.Digest.String()] = blob.Size
		}
		size, err := image.Size()
		digest, digestErr := image.Digest()
		if err != nil || digestErr != nil {
			w.t.Fatal(err, digestErr)
		}
		blobs[digest.String()] = size
	}
	return blobs
}

// registry is where a repository is, and the login to it.
func (w *workshop) registry(repository string) (name.Repository, authn.Authenticator) {
	w.t.Helper()
	token, err := ecr.NewFromConfig(w.aws()).GetAuthorizationToken(w.t.Context(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	login, err := base64.StdEncoding.DecodeString(aws.ToString(token.AuthorizationData[0].AuthorizationToken))
	if err != nil {
		w.t.Fatal(err)
	}
	user, password, _ := strings.Cut(string(login), ":")
	where, err := name.NewRepository(strings.TrimPrefix(*w.aws().BaseEndpoint, "http://")+"/"+repository, name.Insecure)
	if err != nil {
		w.t.Fatal(err)
	}
	return where, &authn.Basic{Username: user, Password: password}
}

func sizes(before, after map[string]int64) (f figures) {
	for digest, size := range after {
		f.image += size
		if _, ok := before[digest]; !ok {
			f.sent += size
		}
	}
	return f
}

// serveWithJournal starts the embedded AWS with a journal of all calls, and gives its file.
func (w *workshop) serveWithJournal() string {
	w.t.Helper()
	journal := filepath.Join(w.t.TempDir(), "journal")
	c := w.command("local", "--journal", journal, "--idle", "0")
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	go c.Wait()
	w.until("the embedded AWS", func() bool { _, err := os.Stat(filepath.Join(w.localDir, "server.json")); return err == nil })
	return journal
}

// driver runs the deployed project and gives what its driver costs.
func (w *workshop) driver(journal string) figures { return drive(w.t, w.command("run"), journal) }

// drive starts a driver and reads its figures from the journal of the embedded AWS.
func drive(t *testing.T, c *exec.Cmd, journal string) (f figures) {
	t.Helper()
	since := time.Now()
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", c, err, out)
	}
	f.makespan, f.cpu = time.Since(since), c.ProcessState.UserTime()+c.ProcessState.SystemTime()
	file, err := os.Open(journal)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var call local.Call
		if err := json.Unmarshal(lines.Bytes(), &call); err != nil {
			t.Fatal(err)
		}
		if call.Service != "batch" || call.Time.Before(since) {
			continue
		}
		f.calls++
		if call.Operation == "SubmitJob" && f.first == 0 {
			f.first = call.Time.Sub(since)
		}
	}
	return f
}

// guide is the project as the guide has it, beside a workshop whose AWS it uses.
type guide struct {
	*workshop
	dir, files, python string
}

func newGuide(t *testing.T, w *workshop, files, python string) *guide {
	t.Helper()
	g := &guide{w, filepath.Join(t.TempDir(), "guide"), files, python}
	copyTree(t, w.dir, g.dir)
	changeFile(t, g.dir, "pyproject.toml", `"kedro[jupyter]~=1.7",`, guideDependencies)
	changeFile(t, g.dir, "pyproject.toml", "    \"s3fs", "    # \"s3fs") // kedroctl's line; the guide has its own
	for _, name := range []string{"Dockerfile", "batch_runner.py", "driver.py"} {
		text, err := os.ReadFile(filepath.Join(files, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(g.dir, name), []byte(strings.Replace(string(text), "python:3.12-slim", realtest.Base(), 1)), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// sh runs one of the guide's commands in the project.
func (g *guide) sh(env []string, command ...string) {
	g.t.Helper()
	c := exec.Command(command[0], command[1:]...)
	c.Dir, c.Env = g.dir, append(os.Environ(), append(env, "DO_NOT_TRACK=1", "DOCKER_CONFIG="+filepath.Join(g.dir, ".docker"))...)
	if out, err := c.CombinedOutput(); err != nil {
		g.t.Fatalf("%s: %v\n%s", c, err, out)
	}
}

// deployed does the guide's step 6.
func (g *guide) deployed() figures {
	g.t.Helper()
	const repository = "guide"
	_, _ = ecr.NewFromConfig(g.aws()).CreateRepository(g.t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(repository)}) // may be there
	where, login := g.registry(repository)
	auth, err := login.Authorization()
	if err != nil {
		g.t.Fatal(err)
	}
	g.sh(nil, "docker", "login", "--username", auth.Username, "--password", auth.Password, where.RegistryStr())
	before, uri := g.repository(repository), where.Name()+":latest"
	since := time.Now()
	g.sh(nil, g.python, "-m", "kedro", "package")
	g.sh(nil, "docker", "build", "--platform", "linux/amd64", "-t", uri, ".")
	g.sh(nil, "docker", "push", uri)
	took := time.Since(since)
	f := sizes(before, g.repository(repository))
	f.took = took
	return f
}

// driver runs the guide's runner on a job definition like kedroctl's, but for the image.
func (g *guide) driver(journal string) figures {
	g.t.Helper()
	client := batch.NewFromConfig(g.aws())
	all, err := client.DescribeJobDefinitions(g.t.Context(), &batch.DescribeJobDefinitionsInput{Status: aws.String("ACTIVE")})
	if err != nil || len(all.JobDefinitions) == 0 {
		g.t.Fatalf("job definitions: %v", err)
	}
	like := all.JobDefinitions[0]
	where, _ := g.registry("guide")
	like.ContainerProperties.Image = aws.String(where.Name() + ":latest")
	made, err := client.RegisterJobDefinition(g.t.Context(), &batch.RegisterJobDefinitionInput{
		JobDefinitionName: aws.String("guide"), Type: types.JobDefinitionTypeContainer, ContainerProperties: like.ContainerProperties,
	})
	if err != nil {
		g.t.Fatal(err)
	}
	queues, err := client.DescribeJobQueues(g.t.Context(), &batch.DescribeJobQueuesInput{})
	if err != nil || len(queues.JobQueues) != 1 {
		g.t.Fatalf("job queues: %v", err)
	}
	parameters := "aws_batch:\n  job_queue: " + aws.ToString(queues.JobQueues[0].JobQueueName) + "\n  job_definition: " + aws.ToString(made.JobDefinitionName) + "\n  max_workers: 3\n  package_cli: spaceflights\n"
	if err := os.WriteFile(filepath.Join(g.dir, "conf/aws_batch/parameters.yml"), []byte(parameters), 0o644); err != nil {
		g.t.Fatal(err)
	}
	c := exec.Command(g.python, "driver.py", "aws_batch")
	c.Dir, c.Env = g.dir, append(os.Environ(), append(g.awsEnv(), "DO_NOT_TRACK=1")...)
	return drive(g.t, c, journal)
}
