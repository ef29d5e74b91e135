package build

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/templates"
)

// smokeTimeout is how long introspection inside the image may take: the imports of a large project, on a slow machine.
const smokeTimeout = 10 * time.Minute

// smokeDir is where the container of the smoke test has the script and its answer.
const smokeDir = "tmp/kedroctl"

// user is who jobs run as, in the image.
const user = 10001

// Smoke introspects the project inside the image, as the jobs' user and without a network, and compares the answer with the project's own snapshot:
// pipelines, nodes and classes of datasets. A difference is a [*SmokeError]. The project sees the variables of its jobs, with placeholders for secrets.
func (e *Engine) Smoke(ctx context.Context, image Image, want project.Snapshot, set project.Settings) error {
	return e.smoke(ctx, image, want, set, nil)
}

// smoke does not import the code where its pipelines are known.
func (e *Engine) smoke(ctx context.Context, image Image, want project.Snapshot, set project.Settings, known map[string]project.Pipeline) error {
	ctx, cancel := context.WithTimeout(ctx, smokeTimeout)
	defer cancel()
	own := set.Image.Dockerfile != "" || set.Image.Use != ""
	if own {
		if err := e.tryEntry(ctx, image); err != nil {
			return fmt.Errorf("smoke test of %s: %w", image.Ref, err)
		}
	}
	got, err := e.introspect(ctx, image, want, smokeEnv(set), own, known)
	if err != nil {
		return fmt.Errorf("smoke test of %s: %w", image.Ref, engineTrouble(err))
	}
	if err := compare(want, got); err != nil {
		return fmt.Errorf("smoke test of %s: %w", image.Ref, err)
	}
	return nil
}

// smokeEnv has the variables of jobs, which configuration and code may ask for when they are loaded. A secret is a placeholder, that an entry of the
// credentials can be made of too.
func smokeEnv(set project.Settings) []string {
	values := map[string]string{}
	for _, c := range set.Containers() {
		for name := range c.Secrets {
			values[name] = "{}"
		}
		maps.Copy(values, c.Environment)
	}
	maps.Copy(values, set.Job.Environment) // what all jobs have, where groups differ
	values["KEDRO_LOGGING_CONFIG"] = "/" + smokeDir + "/logging.yml"
	var env []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		env = append(env, name+"="+values[name])
	}
	return env
}

// introspect takes the snapshot inside the image.
func (e *Engine) introspect(ctx context.Context, image Image, want project.Snapshot, env []string, own bool, known map[string]project.Pipeline) (project.Snapshot, error) {
	var snapshot project.Snapshot
	config := container.Config{
		Image: image.ID,
		User:  fmt.Sprintf("%d:%d", user, user),
		Env:   env,
		Cmd: []string{"python", "/" + smokeDir + "/introspect.py", "--out", "/" + smokeDir + "/snapshot.json",
			"--package", want.Package, "--conf-source", confRoot, "--env", want.Env},
	}
	if known != nil {
		config.Cmd = append(config.Cmd, "--pipelines", "/"+smokeDir+"/pipelines.json")
	}
	if own {
		config.User = "" // the image says who jobs run as
	}
	id, remove, err := e.inside(ctx, config)
	if err != nil {
		return snapshot, err
	}
	defer remove()
	files, err := smokeFiles(known)
	if err != nil {
		return snapshot, err
	}
	if _, err := e.docker.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: "/", Content: files}); err != nil {
		return snapshot, err
	}
	code, err := e.run(ctx, id)
	if err != nil {
		return snapshot, err
	}
	content, err := e.fetch(ctx, id, "/"+smokeDir+"/snapshot.json")
	if err != nil {
		return snapshot, e.withLog(ctx, id, fmt.Errorf("introspection ended with code %d and without an answer", code))
	}
	if err := json.Unmarshal(content, &snapshot); err != nil {
		return snapshot, fmt.Errorf("read the snapshot: %w", err)
	}
	return snapshot, nil
}

// smokeFiles is the archive of what the container gets.
func smokeFiles(known map[string]project.Pipeline) (io.Reader, error) {
	pipelines, err := json.Marshal(known)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	headers := []tar.Header{ // the directory takes the answer, of another user
		{Name: smokeDir + "/", Typeflag: tar.TypeDir, Mode: 0o777},
		{Name: smokeDir + "/introspect.py", Mode: 0o644},
		{Name: smokeDir + "/logging.yml", Mode: 0o644},
		{Name: smokeDir + "/pipelines.json", Mode: 0o644},
	}
	contents := [][]byte{nil, templates.Introspect(), templates.IntrospectLogging(), pipelines}
	for i, h := range headers {
		h.Size = int64(len(contents[i]))
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
		if _, err := w.Write(contents[i]); err != nil {
			return nil, err
		}
	}
	return &out, w.Close()
}

// run starts a container and waits for its end.
func (e *Engine) run(ctx context.Context, id string) (int64, error) {
	wait := e.docker.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := e.docker.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		return 0, err
	}
	select {
	case result := <-wait.Result:
		return result.StatusCode, nil
	case err := <-wait.Error:
		return 0, err
	}
}

func (e *Engine) fetch(ctx context.Context, id, path string) ([]byte, error) {
	copied, err := e.docker.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: path})
	if err != nil {
		return nil, err
	}
	defer copied.Content.Close()
	r := tar.NewReader(copied.Content)
	if _, err := r.Next(); err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// withLog adds the last of a container's output to an error.
func (e *Engine) withLog(ctx context.Context, id string, err error) error {
	logs, logErr := e.docker.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "100"})
	if logErr != nil {
		return errors.Join(err, logErr)
	}
	defer logs.Close()
	var text bytes.Buffer
	if _, logErr := stdcopy.StdCopy(&text, &text, logs); logErr != nil {
		return errors.Join(err, logErr)
	}
	err = fmt.Errorf("%w: %s", err, toolMessage(text.String()))
	if hint := libraryHint(text.String()); hint != "" {
		return ui.WithHint(err, hint)
	}
	return err
}

// tryEntry sees that an image that kedroctl's Dockerfile did not make can run jobs: as its own user, by the command of jobs.
func (e *Engine) tryEntry(ctx context.Context, image Image) error {
	id, remove, err := e.inside(ctx, container.Config{Image: image.ID, Cmd: []string{"python", "-c", "import cloudpickle, s3fs, kedroctl_boot.job"}})
	if err != nil {
		return err
	}
	defer remove()
	code, err := e.run(ctx, id)
	switch {
	case err != nil && strings.Contains(err.Error(), "executable file not found"):
		return ui.WithHint(errors.New("it has no program 'python', which the commands of jobs begin with"), "put the Python that has the project on PATH, under this name")
	case err != nil || code == 0:
		return err
	}
	return ui.WithHint(e.withLog(ctx, id, errors.New("the entry of jobs cannot start")),
		"let the Dockerfile install s3fs and cloudpickle beside the project, for the Python that 'python' is")
}
