package cmd

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
)

const (
	heartbeat = time.Minute           // after which a silent run says how far it is, where there is no terminal
	fresh     = 10 * time.Second      // for which a change is shown before what has not changed
	readFor   = 10 * time.Second      // for which the end waits for records
	frame     = 50 * time.Millisecond // between two frames: thousands of changes at once are not worth one each
)

// jobTable shows a run as it goes on: a table in the status area, a line for each change where there is no terminal, an event for each with --json.
type jobTable struct {
	term    *ui.Terminal
	typed   func(run.Run, run.Failure) run.Failure
	now     func() time.Time
	clients run.Clients
	aside   func(work func(context.Context)) // lets work go on beside, until stop
	halt    func()
	working sync.WaitGroup

	mu      sync.Mutex
	board   board
	changed map[string]time.Time // by group
	warned  map[string]bool      // ids of jobs, with the attempt, that are about to run out of time
	spoken  time.Time            // when the last line was told
	drawn   time.Time            // when the table was drawn for a change
}

// watch shows a run of a plan until stop is called, or ctx ends. A reader of the output who goes away does not end the program from here on: the run's
// bookkeeping comes first.
func (d *deps) watch(ctx context.Context, clients run.Clients, pl plan.Plan) *jobTable {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	t := d.newJobTable(clients, pl)
	t.begin(ctx)
	return t
}

func (d *deps) newJobTable(clients run.Clients, pl plan.Plan) *jobTable {
	return &jobTable{term: d.term, typed: d.typed, now: time.Now, clients: clients, board: d.newBoard(pl), changed: make(map[string]time.Time), warned: make(map[string]bool)}
}

func (t *jobTable) begin(ctx context.Context) {
	t.spoken = t.now()
	ctx, t.halt = context.WithCancel(ctx)
	t.aside = func(work func(context.Context)) { t.working.Go(func() { work(ctx) }) }
	t.aside(t.tick)
	t.aside(t.readPeaks)
	t.term.Redraw(t.lines)
}

// stop ends the showing; the status area is gone.
func (t *jobTable) stop() {
	t.halt()
	t.working.Wait()
	t.term.SetStatus(nil)
}

// tick lets times go on every second, and breaks long silence.
func (t *jobTable) tick(ctx context.Context) {
	for everySecond(ctx) {
		t.warnTimeouts()
		t.term.Redraw(t.lines)
		t.mu.Lock()
		line := ""
		if now := t.now(); !t.term.Live() && now.Sub(t.spoken) >= heartbeat {
			line = t.board.beat(now)
		}
		t.mu.Unlock()
		if line != "" {
			t.tell("%s", line)
		}
	}
}

// everySecond waits for a second; it is false when ctx ends first.
func everySecond(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Second):
		return true
	}
}

// readPeaks reads the memory that jobs used, where there is a table to show it in.
func (t *jobTable) readPeaks(ctx context.Context) {
	read := make(map[string]bool) // ids of jobs
	for t.term.Live() && everySecond(ctx) {
		t.mu.Lock()
		jobs := slices.DeleteFunc(t.board.all(), func(j run.Job) bool { return !j.Ended() || read[j.ID] })
		r := t.board.run
		t.mu.Unlock()
		if err := run.Peaks(ctx, t.clients, r, jobs); err != nil {
			t.term.Detail("memory that jobs used: %v", err)
		}
		for _, j := range jobs {
			read[j.ID] = true
		}
		t.takePeaks(jobs)
	}
}

func (t *jobTable) takePeaks(jobs []run.Job) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range jobs {
		if now := t.board.jobs[j.Group]; now.ID == j.ID {
			now.Peak = max(now.Peak, j.Peak)
			t.board.jobs[j.Group] = now
		}
	}
}

// end takes over how the run ended, with the memory that its jobs used.
func (t *jobTable) end(ctx context.Context, jobs []run.Job) {
	t.mu.Lock()
	for i, j := range jobs {
		jobs[i].Peak = max(j.Peak, t.board.jobs[j.Group].Peak)
	}
	r := t.board.run
	t.mu.Unlock()
	ctx, done := context.WithTimeout(ctx, readFor)
	defer done()
	if slices.ContainsFunc(jobs, func(j run.Job) bool { return j.State == run.Succeeded && j.Attempt == 0 }) {
		t.complete(ctx, r, jobs)
	}
	if err := run.Peaks(ctx, t.clients, r, jobs); err != nil {
		t.term.Detail("memory that jobs used: %v", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.board.take(jobs)
}

// complete adds the attempts of jobs that had ended when the run was taken up: the list of a run's jobs does not have them.
func (t *jobTable) complete(ctx context.Context, r run.Run, jobs []run.Job) {
	known, err := run.Status(ctx, t.clients, r)
	if err != nil {
		t.term.Detail("attempts of jobs: %v", err)
	}
	attempts := make(map[string]int, len(known))
	for _, j := range known {
		attempts[j.ID] = j.Attempt
	}
	for i := range jobs {
		jobs[i].Attempt = max(jobs[i].Attempt, attempts[jobs[i].ID])
	}
}

// warnTimeouts tells once of each attempt that it is about to run out of time.
func (t *jobTable) warnTimeouts() {
	t.mu.Lock()
	now := t.now()
	var notices []run.Notice
	for _, j := range t.board.jobs {
		if timeUsed(j, now) < nearly {
			continue
		}
		if id := fmt.Sprint(j.ID, j.Attempt); !t.warned[id] {
			t.warned[id] = true
			text, _ := t.board.note(j, now)
			notices = append(notices, run.Notice{Code: run.NoticeTimeout, Text: "group " + j.Group + " has used " + text})
		}
	}
	t.mu.Unlock()
	for _, n := range notices {
		t.event(event{Type: eventNotice, Notice: &n})
		t.tell("%s", n.Text)
	}
}

// tell adds a line to the story, with the time where there is no terminal: logs are read later.
func (t *jobTable) tell(format string, a ...any) {
	line := fmt.Sprintf(format, a...)
	t.mu.Lock()
	now := t.now()
	t.spoken = now
	t.mu.Unlock()
	if !t.term.Live() {
		line = now.Format(time.TimeOnly) + " " + line
	}
	t.term.Line("%s", line)
}

func (t *jobTable) event(e event) {
	t.mu.Lock()
	e.Time, e.Run = t.now().UTC(), t.board.run.ID
	t.mu.Unlock()
	t.term.Event(e)
}

// Started takes over the run. How long earlier ones took is read meanwhile.
func (t *jobTable) Started(r run.Run) {
	t.mu.Lock()
	t.board.started(r)
	t.mu.Unlock()
	names := make([]string, len(r.Plan.Groups))
	for i, g := range r.Plan.Groups {
		names[i] = g.Name
	}
	t.event(event{Type: eventRun, Groups: names, Code: r.Code})
	t.tell("run %s: %s", r.ID, count(len(names), "group"))
	if text := codeText(r); text != "" {
		t.tell("%s", text)
	}
	t.term.Redraw(t.lines)
	t.aside(func(ctx context.Context) {
		past, err := run.Past(ctx, t.clients, r)
		if err != nil {
			t.term.Detail("no estimate: %v", err)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.board.history = past
	})
}

func (t *jobTable) Submitted(j run.Job) {
	t.show(j)
	t.event(event{Type: eventSubmitted, Job: &j})
}

func (t *jobTable) Changed(j run.Job) {
	t.show(j)
	t.event(event{Type: eventState, Job: &j})
	if !t.term.Live() {
		t.tell("%s", strings.TrimRight(fmt.Sprintf("%-24s %-9s %s", j.Group, j.State, t.change(j)), " "))
	}
}

// change is what a line says of a change besides the state.
func (t *jobTable) change(j run.Job) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text, _ := t.board.note(j, t.now())
	if j.Ended() && !j.Started.IsZero() {
		text = elapsed(j, t.now()) + "  " + text
	}
	if j.Attempt > 1 || j.Try > 1 {
		text = attemptOf(j, t.board.groups[j.Group]) + "  " + text
	}
	return text
}

func (t *jobTable) Notice(n run.Notice) {
	t.event(event{Type: eventNotice, Notice: &n})
	if n.Code == run.NoticeTrouble {
		t.term.Warn("%s", n.Text)
		return
	}
	t.tell("%s", n.Text)
}

func (t *jobTable) show(j run.Job) {
	t.mu.Lock()
	if was, ok := t.board.jobs[j.Group]; ok {
		j.Peak = max(j.Peak, was.Peak)
		t.board.jobs[j.Group], t.changed[j.Group] = j, t.now()
	}
	due := t.now().Sub(t.drawn) >= frame // else with the next second
	if due {
		t.drawn = t.now()
	}
	t.mu.Unlock()
	if due {
		t.term.Redraw(t.lines)
	}
}

// lines are the status area as it is now: as much of the table as the terminal has room for, and the line of progress.
func (t *jobTable) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	_, height := t.term.Size()
	room := max(height-4, 1) // beside the header, the line of progress, and two that the status area leaves free
	jobs := t.board.all()
	shown := t.weightiest(jobs, now)
	shown = shown[:min(len(shown), room)]
	grid := t.grid(jobs, shown, now)
	for len(shown) > 0 && tall(grid)-1+min(len(jobs)-len(shown), 1) > room { // notes want lines, and what is left out wants one
		shown = shown[:len(shown)-1]
		grid = t.grid(jobs, shown, now)
	}
	lines := slices.Concat(grid...)
	if len(shown) < len(jobs) {
		lines = append(lines, fmt.Sprintf("… %d more: %s", len(jobs)-len(shown), tallyOf(without(jobs, shown))))
	}
	return append(lines, t.board.progress(now))
}

// grid lays out the shown jobs in the plan's order.
func (t *jobTable) grid(jobs []run.Job, shown []int, now time.Time) [][]string {
	var rows []ui.Row
	for _, i := range slices.Sorted(slices.Values(shown)) {
		rows = append(rows, t.board.jobRow(jobs[i], now))
	}
	return t.term.StatusGrid(jobColumns, rows)
}

// weightiest orders jobs by what a person would look for first: what failed, runs, has just changed, waits for an instance.
func (t *jobTable) weightiest(jobs []run.Job, now time.Time) []int {
	weights, order := make([]int, len(jobs)), make([]int, len(jobs))
	for i, j := range jobs {
		order[i] = i
		switch {
		case j.FailedItself(), j.State == run.Unknown:
			weights[i] = 0
		case j.State == run.Running, j.State == run.Starting:
			weights[i] = 1
		case now.Sub(t.changed[j.Group]) < fresh:
			weights[i] = 2
		case j.State == run.Runnable:
			weights[i] = 3
		case !j.Ended():
			weights[i] = 4
		default:
			weights[i] = 5
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return weights[a] - weights[b] })
	return order
}

func without(jobs []run.Job, shown []int) []run.Job {
	var others []run.Job
	for i, j := range jobs {
		if !slices.Contains(shown, i) {
			others = append(others, j)
		}
	}
	return others
}

func tall(grid [][]string) int {
	n := 0
	for _, lines := range grid {
		n += len(lines)
	}
	return n
}
