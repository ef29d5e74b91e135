package report

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/run"
)

var keep = flag.String("keep", "", "write the pages of the tests into this directory, to look at")

var started = time.Date(2026, 11, 23, 9, 55, 12, 345e6, time.UTC)

// account is a run of groups "name <- parent parent", one after the other, each a minute after 20 s of waiting. The groups that are named failed end so.
func account(groups []string, failed ...string) run.Account {
	a := run.Account{
		Run: run.Run{
			ID: "2026-11-23T09.55.12.345Z", Created: started, Owner: "ann@laptop", Deployment: "20261123T095000.000Z", LogGroup: "/kedroctl/flights/aws_batch",
			Plan: plan.Plan{Project: "flights", Env: "aws_batch", Bucket: "kedro-flights-3f9c02ab", GroupedBy: "namespace", Selection: plan.Selection{Tags: []string{"daily"}}},
			Args: []string{"--params", "model.token=hunter2,fraction=0.3", "--async", "--password=hunter3", "--secret", "hunter4"},
		},
		At: started.Add(time.Hour), Records: map[string]run.Record{},
	}
	end, bad := map[string]time.Time{}, map[string]bool{}
	for _, name := range failed {
		bad[name] = true
	}
	for i, text := range groups {
		name, after, _ := strings.Cut(text, " <- ")
		g := plan.Group{Name: name, Key: fmt.Sprint("k", i), Nodes: []string{name + "_node"}, DependsOn: strings.Fields(after), Resources: project.Resources{Memory: 4096}}
		a.Run.Plan.Groups = append(a.Run.Plan.Groups, g)
		j := run.Job{Submission: run.Submission{Group: name, Key: g.Key, Try: 1, ID: fmt.Sprint("job-", i), Memory: 4096}, State: run.Succeeded, Attempt: 1, ExitCode: aws.Int32(0), Peak: 300 + 37*i%3900}
		ready, blocked := started, false
		for _, p := range g.DependsOn {
			if end[p].After(ready) {
				ready = end[p]
			}
			blocked = blocked || bad[p]
		}
		if blocked {
			j.State, j.Cause, j.ExitCode, j.Peak, bad[name] = run.Failed, run.Blocked, nil, 0, true
			a.Jobs = append(a.Jobs, j)
			continue
		}
		s := run.Span{Group: name, Try: 1, Attempt: 1, Ready: ready, Started: ready.Add(20 * time.Second), State: run.Succeeded}
		s.Stopped = s.Started.Add(time.Duration(30+i*17%90) * time.Second)
		if bad[name] {
			j.State, j.Reason, j.ExitCode, s.State = run.Failed, "Essential container in task exited", aws.Int32(1), run.Failed
		}
		end[name] = s.Stopped
		a.Spans, a.Jobs = append(a.Spans, s), append(a.Jobs, j)
		a.Records[name] = run.Record{Group: name, Nodes: map[string]float64{name + "_node": 12.5, name + "_second": 3.25}}
		if !bad[name] {
			a.Outputs = append(a.Outputs, run.Output{Group: name, Dataset: name + "_out", Path: "s3://kedro-flights-3f9c02ab/06_models/" + name, Version: a.Run.ID, Size: aws.Int64(123456)})
			continue
		}
		a.Failures = append(a.Failures, run.Failure{Job: j, Nodes: g.Nodes, Node: name + "_node", Resume: "kedroctl resume " + a.Run.ID,
			Why: &run.Explanation{Text: "the program failed by itself", Fix: "see the traceback below"},
			Attempts: []run.Attempt{{Number: 1, Reason: "Essential container in task exited", ExitCode: aws.Int32(1), Error: &run.ProgramError{Type: "KeyError", Message: "'rating'"},
				Traceback: []string{"Traceback (most recent call last):", `  File "/app/src/flights/nodes.py", line 42, in fit`, "    y = table['rating']", "KeyError: 'rating'"}}}})
	}
	return a
}

func write(t *testing.T, a run.Account) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, a, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	if *keep != "" {
		if err := os.WriteFile(*keep+"/"+t.Name()+".html", []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestPage(t *testing.T) {
	text := write(t, account([]string{
		"preprocess_companies", "preprocess_shuttles", "reviews", "model_input <- preprocess_companies preprocess_shuttles reviews",
		"train <- model_input", "evaluate <- train", "report <- evaluate preprocess_companies", "exploration <- model_input",
	}, "train"))
	if !strings.HasPrefix(text, Mark("2026-11-23T09.55.12.345Z")) {
		t.Errorf("it begins with %.80q", text)
	}
	for _, want := range []string{
		"Run 2026-11-23T09.55.12.345Z", `<span class="badge failed">failed</span>`, "by ann@laptop", "5 of 8 succeeded, grouped by namespace", "--tags daily",
		"20261123T095000.000Z", "KeyError: &#39;rating&#39;", "y = table[&#39;rating&#39;]", "see the traceback below", "at node train_node",
		"Never started, as a group before them failed", "of 4.0 GiB", "12.5 s", "exploration, attempt 1: waited 20 s",
		"<code>s3://kedro-flights-3f9c02ab/06_models/reviews</code>", "123 kB", "Written by kedroctl 1.2.3",
		"--async, --params model.token, fraction, --password, --secret (values are left out)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "hunter") {
		t.Error("the page has the value of a parameter")
	}
}

// TestPageNeedsNothingElse: it opens without a network, and runs nothing.
func TestPageNeedsNothingElse(t *testing.T) {
	text := write(t, account([]string{"a", "b <- a"}, "b"))
	for _, pattern := range []string{`(?i)<script`, `(?i)<link`, `(?i)<img`, `(?i)\bsrc=`, `(?i)url\(`, `@import`, `https?:`, `(?i)\son[a-z]+=`} {
		if found := regexp.MustCompile(pattern).FindString(text); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
	if !strings.Contains(text, `default-src 'none'`) {
		t.Error("the page may load something")
	}
}

// TestPageTakesJobsWordsAsText fills each word that comes from elsewhere with what would do harm.
func TestPageTakesJobsWordsAsText(t *testing.T) {
	const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)>--><a href="javascript:alert(1)">`
	a := account([]string{"evil" + evil}, "evil"+evil)
	a.Run.Owner, a.Run.Deployment, a.Run.LogGroup, a.Run.Plan.Project, a.Run.Plan.Env, a.Run.Plan.Bucket, a.Run.Plan.GroupedBy = evil, evil, evil, evil, evil, evil, evil
	a.Run.Plan.Selection.Nodes, a.Run.Args = []string{evil}, []string{"--" + evil, "--params", evil + "=1"}
	a.Jobs[0].Reason, a.Jobs[0].Cause = evil, evil
	f := &a.Failures[0]
	f.Node, f.Nodes, f.Why, f.Resume = evil, []string{evil}, &run.Explanation{Text: evil, Fix: evil}, evil
	f.Attempts[0].Traceback, f.Attempts[0].Reason, f.Attempts[0].Error = []string{evil}, evil, &run.ProgramError{Type: evil, Message: evil}
	f.Attempts = append(f.Attempts, run.Attempt{Lines: []string{evil, "\x1b[31mred\x1b[0m \x07bell"}, Trouble: evil})
	a.Outputs = append(a.Outputs, run.Output{Group: evil, Dataset: evil, Path: evil, Version: evil, State: evil, Detail: evil})
	a.Records[a.Jobs[0].Group] = run.Record{Nodes: map[string]float64{evil: 1}, NotKept: []run.Unkept{{Dataset: evil, Reason: evil}, {File: evil}}}
	text := write(t, a)
	for _, raw := range []string{"<script", "<img", `<a href="javascript`, "\x1b", "\x07", "onerror=alert(1)>"} {
		if strings.Contains(text, raw) {
			t.Errorf("the page has %q as it came", raw)
		}
	}
	if !strings.Contains(text, "red bell") {
		t.Error("the words themselves are lost")
	}
	a.Run.ID = "--><script>"
	if err := Write(&strings.Builder{}, a, ""); err == nil {
		t.Error("an id that is none went into the page")
	}
}

func TestPageOfARunThatGoesOn(t *testing.T) {
	a := account([]string{"a", "b <- a", "c <- b"})
	a.Jobs[1].State, a.Jobs[2].State, a.Jobs[2].ExitCode = run.Running, run.Pending, nil
	a.Spans = a.Spans[:2]
	a.Spans[1].State, a.Spans[1].Stopped = run.Running, time.Time{}
	a.At = a.Spans[1].Started.Add(75 * time.Second)
	text := write(t, a)
	for _, want := range []string{`<span class="badge running">running</span>`, "b, attempt 1: has been running for 1 min 15 s", "pending"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	a.Jobs[0].Memory, a.Jobs[0].Peak = 4, 332
	if text := write(t, a); !strings.Contains(text, ">332 MiB<") {
		t.Error("a job without a limit of memory has one")
	}
	a.Spans, a.Jobs[0].State = nil, run.Runnable
	if text := write(t, a); !strings.Contains(text, "No job has had its turn yet") {
		t.Error("the page says nothing of an empty timeline")
	}
}

// TestPageOf200Groups is to be looked at, with -keep.
func TestPageOf200Groups(t *testing.T) {
	var groups []string
	for i := range 200 {
		text := fmt.Sprintf("namespace_%d.stage_of_the_work_%d", i%7, i)
		if i >= 12 {
			text += " <- " + strings.Fields(groups[i-12])[0]
			if i%3 == 0 {
				text += " " + strings.Fields(groups[i-5-i%6])[0]
			}
		}
		groups = append(groups, text)
	}
	text := write(t, account(groups, strings.Fields(groups[100])[0]))
	if n := strings.Count(text, `<rect class="box"`); n != 200 {
		t.Errorf("%d boxes", n)
	}
	if len(text) > 1<<20 {
		t.Errorf("%d bytes", len(text))
	}
}

func TestPageOfAFan(t *testing.T) {
	groups, all := []string{"split"}, "gather <-"
	for i := range 198 {
		groups = append(groups, fmt.Sprintf("partition_%03d <- split", i))
		all += fmt.Sprintf(" partition_%03d", i)
	}
	write(t, account(append(groups, all)))
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", 400 * time.Millisecond: "0.4 s", 5 * time.Second: "5 s", 59*time.Second + 600*time.Millisecond: "60 s", 192 * time.Second: "3 min 12 s",
		time.Hour: "1 h", 125 * time.Minute: "2 h 5 min", 76 * time.Hour: "3 d 4 h", -time.Second: "0",
	} {
		if got := span(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}
