package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/kedroctl/kedroctl/internal/engine"
	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/containers"
	"github.com/kedroctl/kedroctl/internal/local/process"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
	"github.com/kedroctl/kedroctl/run"
)

func newShell(d *deps) *cli.Command {
	return &cli.Command{
		Name: "shell", Category: catRuns, ArgsUsage: "GROUP [RUN] " + handsOn, Usage: "Look around in the image of a job, on this machine",
		UsageText: "$ kedroctl shell data_science\n  $ kedroctl shell data_science -- sh /tmp/kedroctl/job",
		Description: `Starts the image that the jobs of the run had, with the variables and the memory of the group's job, in Docker. 'sh /tmp/kedroctl/job'
is the job's own command: it loads what the job loads, claims and records nothing, and what it saves by the catalog stays in the container,
in /tmp/kedroctl/outputs. What stands after -- is run in place of a shell, and gives the exit code. The container has credentials of yours
for an hour at most, and is removed in the end.`,
		Action: d.shell,
	}
}

func (d *deps) shell(c *cli.Context) error {
	groups, id := splitRun(c.Args().Slice())
	if len(groups) != 1 {
		return usageError{errors.New("shell wants the name of one group, and perhaps the id of a run")}
	}
	command, in := d.passed, (*os.File)(nil)
	if len(command) == 0 {
		in = d.keyboard()
		if in == nil {
			return usageError{errors.New("shell wants a terminal, or a command after --")}
		}
		command = []string{"sh", "-c", "command -v bash >/dev/null && exec bash; exec sh"}
	}
	_, r, err := d.runOf(c.Context, id)
	if err != nil {
		return err
	}
	if process.Ours(r.Deployment) {
		return ui.WithHint(fmt.Errorf("run %s had no image: its jobs were processes of the project's interpreter", r.ID), "'kedroctl deploy', and look at a run of that deployment")
	}
	look, err := r.Look(groups[0])
	if err != nil {
		return err
	}
	at, err := engine.Find()
	if err != nil {
		return err
	}
	session, err := d.session(c.Context, look)
	if err != nil {
		return err
	}
	session.Attempt.Command, session.In = command, in
	d.tellLook(look, session.Attempt)
	code, err := session.Run(c.Context, at)
	if err != nil {
		return err
	}
	if code != 0 && in == nil {
		return codedError{fmt.Errorf("the command ended with exit code %d", code), code}
	}
	return nil
}

// keyboard is stdin where that and stdout are a terminal.
func (d *deps) keyboard() *os.File {
	in, ok := d.std.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) || !d.term.Screen() {
		return nil
	}
	return in
}

// session is the container of a look, as the job definition has it.
func (d *deps) session(ctx context.Context, look run.Look) (containers.Session, error) {
	definition, err := provision.FindContainer(ctx, d.batchClient(), look.Definition)
	if err != nil {
		return containers.Session{}, err
	}
	env := definition.Environment
	maps.Copy(env, look.Env)
	secrets, err := d.secrets(definition.Secrets)
	if err != nil {
		return containers.Session{}, err
	}
	maps.Copy(env, secrets)
	own, err := d.ownCredentials(ctx)
	if err != nil {
		return containers.Session{}, err
	}
	maps.Copy(env, own)
	need := look.Group.Resources
	return containers.Session{
		Name: look.Env["KEDROCTL_RUN_ID"] + " " + look.Group.Name, Files: look.Files, Endpoint: d.embeddedEndpoint(), Registry: ecr.NewFromConfig(*d.config),
		Out: d.std.Out, Err: d.std.Err, Progress: func(what string) { d.term.Line("%s", what) },
		Attempt: batch.Attempt{
			Image: definition.Image, Env: env, VCPUs: need.VCPUs, MemoryMiB: int64(need.Memory), GPUs: need.GPUs, SharedMemoryMiB: int64(definition.SharedMemory),
		},
	}, nil
}

// embeddedEndpoint is where the embedded AWS is, "" without --local.
func (d *deps) embeddedEndpoint() string {
	if !d.flags.local {
		return ""
	}
	return aws.ToString(d.config.BaseEndpoint)
}

// secrets are those whose values this command has; the others are told.
func (d *deps) secrets(names []string) (map[string]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	dir := ""
	if d.flags.local {
		var err error
		if dir, err = d.localDir(""); err != nil {
			return nil, err
		}
	}
	values, err := local.Secrets(dir, names, d.getenv)
	var missing []string
	for _, name := range names {
		if values[name] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		d.term.Warn("the container has no %s, which jobs get as secrets", strings.Join(missing, ", "))
		d.term.Hint("give each one in the environment of this command: %s=…", local.SecretVariable(missing[0]))
	}
	return values, err
}

// sessionTime is how long credentials live that are made of ones that last, in seconds.
const sessionTime = 3600

// ownCredentials are variables with the user's credentials. Where these last, ones that do not are made of them.
func (d *deps) ownCredentials(ctx context.Context) (map[string]string, error) {
	have, err := d.config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	env := map[string]string{"AWS_ACCESS_KEY_ID": have.AccessKeyID, "AWS_SECRET_ACCESS_KEY": have.SecretAccessKey}
	if d.flags.local {
		env["AWS_ENDPOINT_URL"] = aws.ToString(d.config.BaseEndpoint)
		return env, nil
	}
	token := have.SessionToken
	if token == "" {
		made, err := sts.NewFromConfig(*d.config).GetSessionToken(ctx, &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(sessionTime)})
		if err != nil {
			return nil, fmt.Errorf("make credentials for the container: %w", err)
		}
		env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = aws.ToString(made.Credentials.AccessKeyId), aws.ToString(made.Credentials.SecretAccessKey)
		token = aws.ToString(made.Credentials.SessionToken)
	}
	env["AWS_SESSION_TOKEN"] = token
	return env, nil
}

func (d *deps) tellLook(look run.Look, a batch.Attempt) {
	d.term.Line("group %s of run %s, %d MiB, %s", look.Group.Name, look.Env["KEDROCTL_RUN_ID"], a.MemoryMiB, a.Image)
	d.term.Line("the job's command: sh %s/job, which is", run.LookDir)
	d.term.Line("  %s", printable(look.Line()))
	d.term.Line("what it saves by the catalog stays in the container, in %s/outputs", run.LookDir)
	if len(look.Left) > 0 {
		d.term.Warn("the command cannot carry the nested parameters %s", strings.Join(look.Left, ", "))
	}
}
