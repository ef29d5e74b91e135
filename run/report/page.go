package report

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/run"
	"github.com/kedroctl/kedroctl/templates"
)

// Mark begins the line by which the page of a run is known as such: no other file is taken for one.
func Mark(id string) string {
	return fmt.Sprintf("<!doctype html>\n<!-- kedroctl report of run %s -->\n", id)
}

// Write writes the page of a run. Version is that of kedroctl.
func Write(w io.Writer, a run.Account, version string) error {
	if !run.IsID(a.Run.ID) { // it is written into a comment
		return fmt.Errorf("report of run %s: this is no id of a run", a.Run.ID)
	}
	if _, err := io.WriteString(w, Mark(a.Run.ID)); err != nil {
		return err
	}
	if err := page.Execute(w, newView(a, version)); err != nil {
		return fmt.Errorf("report of run %s: %w", a.Run.ID, err)
	}
	return nil
}

var page = template.Must(template.New("report").Parse(templates.Report()))

// view is what the template shows.
type view struct {
	Run       run.Run
	State     string
	Version   string
	At        string
	Facts     []fact
	Timeline  timeline
	Graph     graphView
	Groups    []group
	Failures  []failure
	Blocked   []string
	Outputs   []output
	NotKept   []run.Unkept
	MoreFails int
}

type fact struct{ Name, Value string }

// graphView is the graph with the states of its boxes.
type graphView struct {
	graph
	Classes, States map[string]string // by group
}

// group is a row of the table.
type group struct {
	Name, State, Class, Why string
	Waited, Ran             string
	Tries                   string
	Used, Asked             string
	Share                   int // percent of the memory that was asked for; -1: not known
	Exit                    string
	Nodes                   []nodeTime
}

type nodeTime struct{ Name, Seconds string }

type failure struct {
	Group, Nodes, Node string
	Why, Fix           string
	Attempts           []failedAttempt
	Resume             string
}

type failedAttempt struct {
	Title  string
	Facts  []string
	Detail string // of the error
	Text   string // its traceback, or the last lines of its log
}

type output struct {
	run.Output
	Bytes string
}

// mostFailures are shown with their log lines.
const mostFailures = 50

func newView(a run.Account, version string) view {
	v := view{Run: a.Run, State: a.State(), Version: version, At: a.At.UTC().Format("2006-01-02 15:04:05 UTC"), Timeline: newTimeline(a), Facts: facts(a)}
	v.Graph = graphView{newGraph(a.Run.Plan.Groups), map[string]string{}, map[string]string{}}
	for _, j := range a.Jobs {
		v.Graph.Classes[j.Group], v.Graph.States[j.Group] = classOf(j), word(j)
		v.Groups = append(v.Groups, newGroup(a, j))
		if j.Cause == run.Blocked {
			v.Blocked = append(v.Blocked, j.Group)
		}
	}
	for _, f := range a.Failures[:min(len(a.Failures), mostFailures)] {
		v.Failures = append(v.Failures, newFailure(f))
	}
	v.MoreFails = max(len(a.Failures)-mostFailures, 0)
	for _, o := range a.Outputs {
		shown := output{o, ""}
		if o.Size != nil {
			shown.Bytes = humanize.Bytes(uint64(*o.Size))
		}
		v.Outputs = append(v.Outputs, shown)
	}
	for _, j := range a.Jobs {
		for _, u := range a.Records[j.Group].NotKept {
			u.Group = j.Group
			v.NotKept = append(v.NotKept, u)
		}
	}
	return v
}

// facts are the head of the page.
func facts(a run.Account) []fact {
	r := a.Run
	end := r.Created
	for _, s := range a.Spans {
		if at := ending(s, a.At); at.After(end) {
			end = at
		}
	}
	done := 0
	for _, j := range a.Jobs {
		if j.State == run.Succeeded {
			done++
		}
	}
	all := []fact{
		{"Project", r.Plan.Project + ", environment " + r.Plan.Env},
		{"Started", r.Created.UTC().Format("2006-01-02 15:04:05 UTC") + " by " + cmp.Or(r.Owner, "an unknown user")},
		{"Took", span(end.Sub(r.Created))},
		{"Groups", fmt.Sprintf("%d of %d succeeded, grouped by %s", done, len(a.Jobs), cmp.Or(r.Plan.GroupedBy, "hand"))},
		{"Deployment", r.Deployment},
		{"Selection", selected(r.Plan.Selection)},
	}
	if r.Code != nil {
		all = append(all, fact{"Code", fmt.Sprintf("development: the tree as it was, in place of the deployment's (archive %.12s)", r.Code.SHA256)})
	}
	if r.Plan.Sandbox != "" {
		all = append(all, fact{"Sandbox", r.Plan.Sandbox})
	}
	if given := r.Given(); len(given) > 0 {
		all = append(all, fact{"Given", strings.Join(given, ", ") + " (values are left out)"})
	}
	return append(all, fact{"Bucket", r.Plan.Bucket}, fact{"Logs", r.LogGroup})
}

// selected writes Kedro's flags.
func selected(s plan.Selection) string {
	var flags []string
	for _, f := range []struct {
		name   string
		values []string
	}{{"pipelines", s.Pipelines}, {"tags", s.Tags}, {"nodes", s.Nodes}, {"namespaces", s.Namespaces}, {"from-nodes", s.FromNodes}, {"to-nodes", s.ToNodes},
		{"from-inputs", s.FromInputs}, {"to-outputs", s.ToOutputs}} {
		if len(f.values) > 0 {
			flags = append(flags, "--"+f.name+" "+strings.Join(f.values, ","))
		}
	}
	return cmp.Or(strings.Join(flags, " "), "the default pipeline")
}

func newGroup(a run.Account, j run.Job) group {
	g := group{Name: j.Group, State: word(j), Class: classOf(j), Why: clean(j.Reason), Share: -1, Used: "–", Waited: "–", Ran: "–", Exit: "–"}
	if j.State == run.Succeeded {
		g.Why = ""
	}
	var waited, ran time.Duration
	attempts, tries := 0, 1
	for _, s := range a.Spans {
		if s.Group != j.Group {
			continue
		}
		tries = max(tries, s.Try)
		waited += max(cmp.Or(s.Started, ending(s, a.At)).Sub(s.Ready), 0)
		if !s.Started.IsZero() {
			attempts++
			ran += max(ending(s, a.At).Sub(s.Started), 0)
			g.Ran = span(ran)
		}
		g.Waited = span(waited)
	}
	if g.Tries = fmt.Sprint(attempts); tries > 1 {
		g.Tries = fmt.Sprintf("%d in %d tries", attempts, tries)
	}
	if asked := cmp.Or(j.Memory, memory(a, j)); asked > 0 && asked >= j.Peak { // else nothing limited it: a process without an image
		g.Asked = mib(asked)
		if j.Peak > 0 {
			g.Share = min(100*j.Peak/asked, 100)
		}
	}
	if j.Peak > 0 {
		g.Used = mib(j.Peak)
	}
	if j.ExitCode != nil {
		g.Exit = fmt.Sprint(*j.ExitCode)
	}
	seconds := a.Records[j.Group].Nodes
	for _, name := range slices.SortedFunc(maps.Keys(seconds), func(x, y string) int { return cmp.Or(cmp.Compare(seconds[y], seconds[x]), cmp.Compare(x, y)) }) {
		g.Nodes = append(g.Nodes, nodeTime{name, fmt.Sprintf("%.1f s", seconds[name])})
	}
	return g
}

// memory is what the plan gives a job, MiB.
func memory(a run.Account, j run.Job) int {
	for _, g := range a.Run.Plan.Groups {
		if g.Name == j.Group {
			return g.Resources.Memory
		}
	}
	return 0
}

// mib writes a number of MiB.
func mib(n int) string {
	if n < 1024 {
		return fmt.Sprintf("%d MiB", n)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/1024)
}

func newFailure(f run.Failure) failure {
	shown := failure{Group: f.Job.Group, Nodes: strings.Join(f.Nodes, ", "), Node: f.Node, Resume: f.Resume}
	if f.Why != nil {
		shown.Why, shown.Fix = clean(f.Why.Text), clean(f.Why.Fix)
	}
	for _, a := range f.Attempts {
		one := failedAttempt{Title: fmt.Sprintf("Attempt %d", a.Number)}
		for _, text := range []string{a.Reason, a.Trouble} {
			if text != "" {
				one.Facts = append(one.Facts, clean(text))
			}
		}
		if a.ExitCode != nil {
			one.Facts = append(one.Facts, fmt.Sprintf("exit code %d", *a.ExitCode))
		}
		if a.Error != nil {
			one.Detail = clean(a.Error.Type + ": " + a.Error.Message)
		}
		lines := a.Traceback
		if len(lines) == 0 {
			lines = a.Lines
		}
		one.Text = clean(strings.Join(lines, "\n"))
		shown.Attempts = append(shown.Attempts, one)
	}
	return shown
}

// clean drops the characters that steer a terminal, which programs colour their logs by.
func clean(text string) string {
	var b strings.Builder
	for rest := text; rest != ""; {
		before, after, found := strings.Cut(rest, "\x1b[")
		b.WriteString(before)
		if !found {
			break
		}
		end := strings.IndexFunc(after, func(c rune) bool { return c >= '@' && c <= '~' })
		rest = after[end+1:]
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return -1
		}
		return c
	}, b.String())
}

func attempt(s run.Span) string {
	if s.Try > 1 {
		return fmt.Sprintf("try %d, attempt %d", s.Try, s.Attempt)
	}
	return fmt.Sprintf("attempt %d", s.Attempt)
}

// word is a job's state as people say it.
func word(j run.Job) string {
	if j.Cause != "" {
		return j.Cause
	}
	return strings.ToLower(j.State)
}

func classOf(j run.Job) string {
	if j.Cause != "" {
		return "blocked"
	}
	return class(j.State)
}

// class is the name that the style sheet has for a state.
func class(state string) string {
	switch state {
	case run.Succeeded:
		return "succeeded"
	case run.Failed:
		return "failed"
	case run.Running, run.Starting:
		return "running"
	}
	return "waiting"
}

// span writes a time as people read it: 0.4 s, 42 s, 3 min 12 s, 2 h 5 min, 3 d 4 h.
func span(d time.Duration) string {
	two := func(n, m time.Duration, big, small string) string {
		if m == 0 {
			return fmt.Sprintf("%d %s", n, big)
		}
		return fmt.Sprintf("%d %s %d %s", n, big, m, small)
	}
	d = max(d, 0)
	switch day := 24 * time.Hour; {
	case d == 0:
		return "0"
	case d < 10*time.Second && d%time.Second != 0:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", d.Round(time.Second)/time.Second)
	case d < time.Hour:
		d = d.Round(time.Second)
		return two(d/time.Minute, d%time.Minute/time.Second, "min", "s")
	case d < day:
		d = d.Round(time.Minute)
		return two(d/time.Hour, d%time.Hour/time.Minute, "h", "min")
	default:
		d = d.Round(time.Hour)
		return two(d/day, d%day/time.Hour, "d", "h")
	}
}
