package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/logging"
	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// deps are what commands need, each made on first use: help, init and plan touch neither AWS nor Docker.
type deps struct {
	std    Stdio
	getenv func(string) string
	term   *ui.Terminal
	flags  globals
	passed []string // what stands after "--", for the project's own run command

	proj   *project.Project
	python *project.Python
	config *aws.Config
}

// globals are the values of the global flags.
type globals struct {
	dir, env, profile, region, bucket, python string
	set                                       map[string]string // values of settings, by key
	own                                       map[string]string // the flag that set a key, where it is not --set
	local, yes, noCache                       bool
}

func newDeps(std Stdio, getenv func(string) string) *deps {
	d := &deps{std: std, getenv: getenv}
	d.term = ui.New(ui.Options{Out: std.Out, Err: std.Err, Getenv: getenv})
	return d
}

// start takes the global flags, before any command runs.
func (d *deps) start(c *cli.Context) error {
	d.term = ui.New(ui.Options{Out: d.std.Out, Err: d.std.Err, JSON: c.Bool("json"), Verbose: c.Bool("verbose"), Getenv: d.getenv})
	d.flags = globals{
		dir: c.String("directory"), env: c.String("env"), profile: c.String("profile"), region: c.String("region"), bucket: c.String("bucket"), python: c.String("python"),
		set: map[string]string{}, own: map[string]string{}, local: c.Bool("local"), yes: c.Bool("yes"),
		noCache: c.Bool("no-cache"),
	}
	for _, s := range c.StringSlice("set") {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return usageError{fmt.Errorf("--set %s: want KEY=VALUE", s)}
		}
		d.flags.set[key] = value
	}
	d.setBy("region", "region", d.flags.region)
	d.setBy("bucket", "bucket", d.flags.bucket)
	return nil
}

// setBy sets a key of the settings to the value of its own flag, if that is given.
func (d *deps) setBy(flag, key, value string) {
	if value != "" {
		d.flags.set[key], d.flags.own[key] = value, flag
	}
}

// asGiven names in an error of the settings the flag that was given, where it is not --set.
func (d *deps) asGiven(err error) error {
	e, ok := errors.AsType[*project.SettingsError](err)
	if !ok {
		return err
	}
	flag, ok := d.flags.own[strings.TrimPrefix(e.Source, "--set ")]
	if !ok {
		return err
	}
	return &project.SettingsError{Source: "--" + flag, Reason: e.Reason, Next: e.Next}
}

// project loads the project and its settings.
func (d *deps) project() (project.Project, error) {
	if d.proj == nil {
		p, err := project.Load(d.flags.dir, d.loadOptions())
		if err := d.settle(p, err); err != nil {
			return project.Project{}, err
		}
	}
	return *d.proj, nil
}

func (d *deps) loadOptions() project.LoadOptions {
	return project.LoadOptions{Env: d.flags.env, Getenv: d.getenv, Set: d.flags.set}
}

// initialized is the project, which must have been through init.
func (d *deps) initialized() (project.Project, error) {
	p, err := d.project()
	if err != nil {
		return p, err
	}
	if p.Settings.Bucket == "" {
		return p, &project.SettingsError{Source: project.Pyproject, Key: "tool.kedroctl.bucket", Reason: "no bucket is named", Next: "run 'kedroctl init' first"}
	}
	return p, p.CheckBucket()
}

// interpreter finds the project's Python.
func (d *deps) interpreter(ctx context.Context, p project.Project) (project.Python, error) {
	if d.python == nil {
		py, err := project.FindPython(ctx, p, d.flags.python, d.getenv)
		if err != nil {
			return project.Python{}, err
		}
		d.python = &py
		d.term.Detail("Python %s with Kedro %s: %s", py.Version, py.KedroVersion, strings.Join(py.Command, " "))
	}
	return *d.python, nil
}

// inspect takes a snapshot of the project with its own interpreter, or gives the last one where nothing that it depends on has changed.
func (d *deps) inspect(ctx context.Context, p project.Project, o project.InspectOptions) (project.Snapshot, error) {
	cache := project.Cache{Project: p, Flag: d.flags.python, Getenv: d.getenv, Anew: d.flags.noCache}
	if !d.flags.noCache {
		if s, py, ok := cache.Find(ctx, o); ok {
			d.python = &py
			d.term.Detail("nothing has changed that the last snapshot depends on")
			return s, nil
		}
	}
	py, err := d.interpreter(ctx, p)
	if err != nil {
		return project.Snapshot{}, err
	}
	s, why, err := cache.Inspect(ctx, py, o)
	if why != "" {
		d.term.Detail("the snapshot is not kept: %s", why)
	}
	return s, err
}

// aws is the configuration of the account, or of the embedded AWS with --local. The region of the project's settings follows it.
func (d *deps) aws(ctx context.Context, p *project.Project) (aws.Config, error) {
	if d.config == nil {
		load := d.account
		if d.flags.local {
			load = d.embedded
		}
		cfg, err := load(ctx, p)
		if err != nil {
			return aws.Config{}, err
		}
		d.config = &cfg
	}
	p.Settings.Region = d.config.Region
	return *d.config, nil
}

// sdkLog takes what the SDK would write to stderr by itself, such as each way to credentials that it tries.
func (d *deps) sdkLog() logging.Logger {
	return logging.LoggerFunc(func(_ logging.Classification, format string, a ...any) { d.term.Detail("AWS SDK: "+format, a...) })
}

func (d *deps) account(ctx context.Context, p *project.Project) (aws.Config, error) {
	opts := []func(*config.LoadOptions) error{config.WithAppID("kedroctl"), config.WithLogger(d.sdkLog())}
	if d.flags.profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(d.flags.profile))
	}
	if p.Settings.Region != "" {
		opts = append(opts, config.WithRegion(p.Settings.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, errNoRegion
	}
	return cfg, nil
}

// embedded talks to the embedded AWS, and starts it where it does not run.
func (d *deps) embedded(ctx context.Context, p *project.Project) (aws.Config, error) {
	self, err := os.Executable()
	if err != nil {
		return aws.Config{}, fmt.Errorf("find own executable: %w", err)
	}
	info, err := local.Ensure(ctx, local.Dir(p.Dir, d.getenv), []string{self, "-C", p.Dir, "local"})
	if err != nil {
		return aws.Config{}, err
	}
	d.term.Detail("embedded AWS at %s", info.Endpoint)
	return aws.Config{
		Region: info.Region, BaseEndpoint: aws.String(info.Endpoint), AppID: "kedroctl",
		Credentials: credentials.NewStaticCredentialsProvider(info.AccessKey, info.SecretKey, ""),
	}, nil
}
