package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/internal/ui/uitest"
	"github.com/kedroctl/kedroctl/run"
)

var update = flag.Bool("update", false, "write the golden files")

// clock is noon of a day, in UTC.
var clock = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return clock.Add(-d) }

// groups make a plan: "name <- parent parent".
func groups(texts ...string) plan.Plan {
	var pl plan.Plan
	for _, text := range texts {
		name, after, _ := strings.Cut(text, " <- ")
		pl.Groups = append(pl.Groups, plan.Group{
			Name: name, DependsOn: strings.Fields(after), Resources: project.Resources{Memory: 4096, Attempts: 3},
		})
	}
	return pl
}

// tableOn is the table of a run that began half an hour ago, on a terminal.
func tableOn(t *testing.T, pl plan.Plan, width, height int) (*jobTable, *uitest.Screen) {
	t.Helper()
	s := uitest.New(t, width, height)
	d := &deps{term: ui.New(ui.Options{Out: s.File, Err: s.File, Getenv: func(string) string { return "" }})}
	table := d.newJobTable(run.Clients{}, pl)
	table.now = func() time.Time { return clock }
	table.board.run.Created, table.board.run.ID = ago(30*time.Minute), "2026-11-23T11.30.00.000Z"
	return table, s
}

func job(group, state string, change func(*run.Job)) run.Job {
	j := run.Job{Submission: run.Submission{Group: group, Try: 1, ID: "5d67ef6e-23f6-4288-82c4-d8520ddbaebc", Memory: 4096}, State: state, Timeout: 3600, Created: ago(30 * time.Minute)}
	change(&j)
	return j
}

// someOfEach are jobs in all the states that a table has to show.
func someOfEach() (plan.Plan, []run.Job) {
	pl := groups("load", "clean <- load", "data_science.candidate_modelling_pipeline_of_the_second_quarter", "データ処理 <- load", "train <- clean", "big", "odd <- clean", "report <- train big odd")
	code := int32(1)
	return pl, []run.Job{
		job("load", run.Succeeded, func(j *run.Job) {
			j.Attempt, j.Peak, j.Started, j.Stopped, j.Since = 2, 1740, ago(28*time.Minute), ago(20*time.Minute), ago(20*time.Minute)
		}),
		job("clean", run.Succeeded, func(j *run.Job) {
			j.Attempt, j.Peak, j.Started, j.Stopped, j.Since = 1, 300, ago(19*time.Minute), ago(19*time.Minute-2500*time.Millisecond), ago(18*time.Minute)
		}),
		job("data_science.candidate_modelling_pipeline_of_the_second_quarter", run.Running, func(j *run.Job) {
			j.Attempt, j.Timeout, j.Started, j.Since = 1, 1800, ago(25*time.Minute), ago(25*time.Minute)
		}),
		job("データ処理", run.Starting, func(j *run.Job) { j.Attempt, j.Since = 1, ago(3*time.Second) }),
		job("train", run.Runnable, func(j *run.Job) { j.Since, j.Memory, j.Try = ago(time.Minute), 8192, 2 }),
		job("big", run.Runnable, func(j *run.Job) {
			j.Since, j.Reason = ago(29*time.Minute), "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The compute environment has no instance type that fits"
		}),
		job("odd", run.Failed, func(j *run.Job) {
			j.Attempt, j.Reason, j.ExitCode, j.Started, j.Stopped, j.Since = 1, "Essential container in task exited", &code, ago(15*time.Minute), ago(14*time.Minute), ago(14*time.Minute)
		}),
		job("report", run.Pending, func(j *run.Job) { j.Since = ago(30 * time.Minute) }),
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	pl, jobs := someOfEach()
	for _, width := range []int{60, 80, 120, 200} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			table, s := tableOn(t, pl, width, 30)
			for _, j := range jobs {
				table.Changed(j)
			}
			table.term.Redraw(table.lines)
			uitest.Golden(t, *update, fmt.Sprintf("table_%d.golden", width), s.Text()+"\n")
		})
	}
}

// TestManyChangesAtOnceAreOneFrame has a second change at the same moment: it is seen with the next frame.
func TestManyChangesAtOnceAreOneFrame(t *testing.T) {
	table, s := tableOn(t, groups("a"), 80, 20)
	now := clock
	table.now = func() time.Time { return now }
	change := func(state, want string) {
		t.Helper()
		table.Changed(job("a", state, func(*run.Job) {}))
		if text := s.Text(); !strings.Contains(text, want) {
			t.Errorf("after %s the screen has no %s:\n%s", state, want, text)
		}
	}
	change(run.Starting, "STARTING")
	change(run.Running, "STARTING")
	now = now.Add(frame)
	change(run.Succeeded, "SUCCEEDED")
}

// TestMoreGroupsThanLines has 200 groups on a terminal of 15 lines: what failed, runs or has just changed is seen, the rest counted.
func TestMoreGroupsThanLines(t *testing.T) {
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("g%03d", i))
	}
	table, s := tableOn(t, groups(names...), 80, 15)
	for i, name := range names {
		switch {
		case i == 150 || i == 199:
			table.board.jobs[name] = job(name, run.Running, func(j *run.Job) { j.Attempt, j.Started, j.Since = 1, ago(time.Minute), ago(time.Minute) })
		case i == 170:
			table.board.jobs[name] = job(name, run.Failed, func(j *run.Job) { j.Attempt, j.Started, j.Stopped, j.Since = 1, ago(time.Minute), clock, clock })
		case i < 120:
			table.board.jobs[name] = job(name, run.Succeeded, func(j *run.Job) {
				j.Attempt, j.Started, j.Stopped, j.Since = 1, ago(9*time.Minute), ago(5*time.Minute), ago(5*time.Minute)
			})
		}
	}
	table.Changed(job("g007", run.Succeeded, func(j *run.Job) { j.Attempt, j.Started, j.Stopped, j.Since = 1, ago(time.Minute), clock, clock }))
	text := s.Text()
	for _, want := range []string{`g007 +SUCCEEDED`, `g150 +RUNNING`, `g170 +FAILED`, `g199 +RUNNING`, `(?m)^… \d+ more: \d+ succeeded, \d+ waiting$`, `\n120 of 200 groups done, 2 running, 1 failed, 30m0s$`} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s on the screen:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "\n") + 1; n != 13 {
		t.Errorf("%d lines, want 13 of 15:\n%s", n, text)
	}
}

func TestEstimateIsInTheLineOfProgress(t *testing.T) {
	pl := groups("a", "b <- a")
	b := (&deps{}).newBoard(pl)
	b.run.Created = ago(5 * time.Minute)
	b.history = run.History{Run: "2026-11-20T09.00.00.000Z", Spans: map[string]time.Duration{"a": 6 * time.Minute, "b": 2 * time.Minute}}
	for _, tt := range []struct {
		now  time.Time
		want string
	}{
		{clock, "0 of 2 groups done, 5m0s; about 3 min left, by run 2026-11-20T09.00.00.000Z"},
		{clock.Add(time.Hour), "0 of 2 groups done, 1h5m0s; about 2 min left, by run 2026-11-20T09.00.00.000Z"},
	} {
		if got := b.progress(tt.now); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	b.jobs["a"] = run.Job{State: run.Succeeded, Stopped: ago(3 * time.Minute)}
	if got := b.progress(clock); !strings.HasSuffix(got, "; run 2026-11-20T09.00.00.000Z took less") {
		t.Errorf("late: %s", got)
	}
	b.jobs["b"] = run.Job{State: run.Failed}
	if got := b.progress(clock); strings.Contains(got, "2026-11-20") {
		t.Errorf("nothing is left, and yet: %s", got)
	}
	for d, want := range map[time.Duration]string{
		time.Second: "10 s", 44 * time.Second: "40 s", 100 * time.Second: "2 min", 89 * time.Minute: "89 min", 150 * time.Minute: "2.5 h",
	} {
		if got := rough(d); got != want {
			t.Errorf("%s is %s, want %s", d, got, want)
		}
	}
}

func TestWhatAJobWaitsFor(t *testing.T) {
	for _, tt := range []struct {
		local  bool
		change func(*run.Job)
		want   string
	}{
		{false, func(j *run.Job) { j.Created = ago(5 * time.Second) }, ""},
		{false, func(j *run.Job) { j.Created = ago(time.Minute) }, "waiting for an instance, usually 2 to 5 minutes"},
		{false, func(j *run.Job) { j.Created = ago(6 * time.Minute) }, "still waiting for an instance, usually 2 to 5 minutes"},
		{false, func(j *run.Job) { j.Attempt, j.Since = 1, ago(5*time.Second) }, ""}, // runs again
		{true, func(j *run.Job) { j.Created = ago(time.Minute) }, "waiting for room on this machine"},
		{false, func(j *run.Job) { j.Reason = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY" }, "AWS has no instance of these types to give at the moment"},
	} {
		d := &deps{flags: globals{local: tt.local}}
		b := d.newBoard(groups("a"))
		if got, _ := b.note(job("a", run.Runnable, tt.change), clock); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestPlainLines runs for ten minutes without a terminal: a line for each change with its time, a word each minute, one warning before the timeout.
func TestPlainLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var story bytes.Buffer
		d := &deps{term: ui.New(ui.Options{Out: &bytes.Buffer{}, Err: &story, Getenv: func(string) string { return "" }})}
		table := d.newJobTable(run.Clients{}, groups("a", "b <- a"))
		table.begin(t.Context())
		began := time.Now()
		table.Changed(job("a", run.Running, func(j *run.Job) { j.Attempt, j.Timeout, j.Started, j.Since = 1, 600, began, began }))
		time.Sleep(9*time.Minute + 30*time.Second)
		table.Changed(job("a", run.Succeeded, func(j *run.Job) { j.Attempt, j.Started, j.Stopped = 1, began, time.Now() }))
		table.stop()
		time.Sleep(time.Hour)
		lines := strings.Split(strings.TrimSpace(story.String()), "\n")
		var beats, warnings, others []string
		for _, l := range lines {
			at, text, _ := strings.Cut(l, " ")
			if _, err := time.Parse(time.TimeOnly, at); err != nil {
				t.Errorf("no time in %q", l)
			}
			switch {
			case strings.HasPrefix(text, "0 of 2 groups done"):
				beats = append(beats, text)
			case strings.Contains(text, "timeout"):
				warnings = append(warnings, text)
			default:
				others = append(others, strings.Join(strings.Fields(text), " "))
			}
		}
		if diff := cmp.Diff([]string{"a RUNNING", "a SUCCEEDED 9m30s"}, others); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
		if len(warnings) != 1 || warnings[0] != "group a has used 80 % of its timeout of 10m0s" {
			t.Errorf("warnings %q", warnings)
		}
		if len(beats) < 7 || len(beats) > 9 || !strings.HasSuffix(beats[0], "1 running; running: a") {
			t.Errorf("%d words in nine minutes: %q", len(beats), beats)
		}
	})
}

// nothing is a bucket without objects.
type nothing struct{ *s3.Client }

func (nothing) ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	return &s3.ListObjectsV2Output{}, nil
}

// torn is a pipe whose reader has gone.
type torn struct{}

func (torn) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestEvents(t *testing.T) {
	var out bytes.Buffer
	d := &deps{term: ui.New(ui.Options{Out: &out, Err: &bytes.Buffer{}, JSON: true, Getenv: func(string) string { return "" }})}
	tell := func(state string) error {
		table := d.watch(t.Context(), run.Clients{S3: nothing{}}, groups("a"))
		r := run.Run{ID: "2026-11-23T11.30.00.000Z", Plan: groups("a")}
		table.Started(r)
		table.Submitted(job("a", run.Submitted, func(*run.Job) {}))
		ended := job("a", state, func(*run.Job) {})
		table.Changed(ended)
		table.Failed(run.Failure{Job: ended, Nodes: []string{"a<b"}})
		table.Notice(run.Notice{Code: run.NoticeTrouble, Text: "no connection"})
		table.stop()
		table.end(t.Context(), []run.Job{ended})
		return d.ended(table.board, run.Result{Jobs: []run.Job{ended}}, nil, false)
	}
	if err := tell(run.Failed); err == nil || exitCode(t.Context(), err) != exitRunFailed {
		t.Errorf("error %v", err)
	}
	var types []string
	for line := range strings.Lines(out.String()) {
		var e struct{ Type, Run, Time string }
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Run != "2026-11-23T11.30.00.000Z" {
			t.Errorf("%v in %s", err, line)
		}
		types = append(types, e.Type)
	}
	if diff := cmp.Diff([]string{"run", "submitted", "state", "failure", "notice", "end"}, types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	d.term = ui.New(ui.Options{Out: torn{}, Err: &bytes.Buffer{}, JSON: true, Getenv: func(string) string { return "" }})
	if err := tell(run.Succeeded); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("error %v, want that nobody reads the events", err)
	}
	if err := tell(run.Failed); err == nil || exitCode(t.Context(), err) != exitRunFailed {
		t.Errorf("error %v, want that the run failed though nobody reads the events", err)
	}
}
