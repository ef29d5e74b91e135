package run

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// Codes of what Examine finds besides those of the causes (docs/doctor.md).
const (
	CodeStuck   = "stuck-"   // with the cause: a job stays RUNNABLE
	CodeFailed  = "failed-"  // with the cause: a group failed
	CodeWaiting = "waiting"  // a job has been RUNNABLE for long, and Batch gives no reason
	CodeLeft    = "not-left" // groups are not submitted, and nothing goes on
)

// longWait is after which a job without an instance is worth a look: most instances are there within 5 minutes.
const longWait = 15 * time.Minute

// Examine says why jobs of a run are stuck or failed, with the fix.
func Examine(ctx context.Context, c Clients, r Run) ([]plan.Finding, error) {
	jobs, err := Status(ctx, c, r)
	if err != nil {
		return nil, err
	}
	failures, err := Explain(ctx, c, r, jobs, 1)
	if err != nil {
		return nil, err
	}
	var found []plan.Finding
	goes := false
	for _, j := range jobs {
		goes = goes || j.ID != "" && !j.Ended()
		if f, ok := stuck(r, j, c.now()); ok {
			found = append(found, f)
		}
	}
	for _, f := range failures {
		level := plan.Error
		if f.Why.Cause == "cancelled" { // as somebody wanted
			level = plan.Note
		}
		found = append(found, plan.Finding{
			Code: CodeFailed + f.Why.Cause, Level: level, Thing: thingOf(r, f.Job), Reason: f.Why.Text,
			Fix: strings.TrimPrefix(f.Why.Fix+"; then "+f.Resume, "; then "),
		})
	}
	if late := r.Late(); len(late) > 0 && !goes && len(failures) == 0 {
		found = append(found, plan.Finding{
			Code: CodeLeft, Level: plan.Error, Thing: "run " + r.ID, Reason: "its driver has left before it had submitted " + strings.Join(late, ", "),
			Fix: "kedroctl attach " + r.ID,
		})
	}
	return found, nil
}

// stuck says why a job waits for an instance, once Batch gives a reason or it has waited for long.
func stuck(r Run, j Job, now time.Time) (plan.Finding, bool) {
	f := plan.Finding{Level: plan.Error, Thing: thingOf(r, j)}
	if j.State != Runnable {
		return f, false
	}
	g := r.group(j.Group)
	if why := explain(waits, g, j.Reason, nil, nil, 0); why != nil {
		f.Code, f.Reason, f.Fix = CodeStuck+why.Cause, why.Text, why.Fix
		return f, true
	}
	if j.Reason != "" {
		f.Code, f.Reason, f.Fix = CodeStuck+"unknown", "Batch says: "+j.Reason, "kedroctl cancel "+r.ID
		return f, true
	}
	if waited := now.Sub(j.Created); !j.Created.IsZero() && waited > longWait {
		f.Level, f.Code = plan.Warning, CodeWaiting
		f.Reason = fmt.Sprintf("no instance for %s, and Batch gives no reason: jobs before it may use all vCPUs, the account's quota of vCPUs may be used up, or instances cannot reach ECS", waited.Round(time.Minute))
		f.Fix = "aws service-quotas get-service-quota --service-code ec2 --quota-code L-1216C47A shows the quota"
		return f, true
	}
	return f, false
}

func thingOf(r Run, j Job) string { return fmt.Sprintf("group %s of run %s", j.Group, r.ID) }
