package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	local "github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// shared makes runs that all write one path.
func shared() Input {
	in := input("a")
	in.Plan.Datasets = append(in.Plan.Datasets, plan.Dataset{Name: "table", Role: plan.Leaving, Path: tablePath})
	return in
}

const tablePath = "s3://" + bucket + "/03_primary/table.parquet"

func TestRunsThatWouldWriteTheSamePaths(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = scripted(time.Hour)
	first, _ := w.start(shared())

	_, err := Start(t.Context(), w.clients, shared(), &told{})
	e, ok := errors.AsType[*OverlapError](err)
	if !ok || e.Run != first.ID || !strings.Contains(err.Error(), "of ann@laptop has not ended and writes the same paths: s3://"+bucket+"/03_primary/table.parquet") ||
		!strings.Contains(ui.Hint(err), "kedroctl cancel "+first.ID) {
		t.Errorf("error %v, hint %q", err, ui.Hint(err))
	}
	if ids, err := w.clients.folders(t.Context(), bucket, runsPrefix); err != nil || len(ids) != 1 {
		t.Errorf("runs %v, %v: the refused one left something", ids, err)
	}

	versioned := shared()
	versioned.Plan.Datasets[1].Versioned = true
	other := shared()
	other.Plan.Datasets[1].Path += "2"
	reads := shared()
	reads.Plan.Datasets[1].Role = plan.Input
	w.write("03_primary/table.parquet", "x")
	elsewhere := shared()
	elsewhere.Plan.Project = "another"
	allowed := shared()
	allowed.AllowOverlap = true
	for name, in := range map[string]Input{"versioned": versioned, "other path": other, "reads it": reads, "other project": elsewhere, "allowed": allowed} {
		if _, err := Start(t.Context(), w.clients, in, &told{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	w.clock.Advance(2 * time.Hour) // all have ended
	w.start(shared())
}

// Another kind of compute has another queue; runs that began in the one of before go on there.
func TestRunInTheQueueOfBeforeIsSeen(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = scripted(time.Hour)
	for _, name := range []string{"kedro-test-aws_batch-0a1b2c3d", "kedro-test-aws_batch-99999999", "kedro-test-other-0a1b2c3d"} {
		_, err := w.batch.CreateJobQueue(t.Context(), &batch.CreateJobQueueInput{
			JobQueueName: &name, Priority: aws.Int32(1), State: types.JQStateEnabled,
			ComputeEnvironmentOrder: []types.ComputeEnvironmentOrder{{Order: aws.Int32(1), ComputeEnvironment: aws.String("kedro")}},
		})
		w.must(err)
	}
	w.clock.Advance(time.Minute)
	before := shared()
	before.Queue = "kedro-test-aws_batch-0a1b2c3d"
	first, _ := w.start(before)

	now := shared()
	now.Queue = "kedro-test-aws_batch-99999999"
	_, err := Start(t.Context(), w.clients, now, &told{})
	if e, ok := errors.AsType[*OverlapError](err); !ok || e.Run != first.ID {
		t.Errorf("error %v", err)
	}
	elsewhere := shared()
	elsewhere.Queue = "kedro-test-other-0a1b2c3d"
	w.start(elsewhere)
}

// TestOneOfTwoRunsThatStartAtOnceGivesWay lets the requests of two drivers, and then of five, come in any order.
func TestOneOfTwoRunsThatStartAtOnceGivesWay(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = scripted(time.Hour)
	w.fault = func(string, int) fault {
		for range rand.IntN(20) {
			runtime.Gosched()
		}
		return none
	}
	const rounds = 50
	for round := range rounds {
		drivers := 2 + round%4
		errs := make([]error, drivers)
		var all sync.WaitGroup
		for i := range drivers {
			clients := w.clients
			clients.Clock = skewed{w, time.Duration(rand.IntN(2000)-1000) * time.Millisecond}
			all.Go(func() { _, errs[i] = Start(t.Context(), clients, shared(), &told{}) })
		}
		all.Wait()
		begun := 0
		for _, err := range errs {
			if err == nil {
				begun++
				continue
			}
			if e, ok := errors.AsType[*OverlapError](err); !ok || e.Run == "" || ui.Hint(err) == "" {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		if begun != 1 {
			t.Fatalf("round %d: %d of %d runs have begun: %v", round, begun, drivers, errs)
		}
		w.clock.Advance(2 * time.Hour) // the run has ended
	}
	if ids, err := w.clients.folders(t.Context(), bucket, runsPrefix); err != nil || len(ids) != rounds {
		t.Errorf("%d runs in the bucket, %v: those that gave way left something", len(ids), err)
	}
}

func TestDriverThatDiedWhileStartingBlocksNoRunForLong(t *testing.T) {
	for name, begins := range map[string]bool{"before it had looked": false, "before its first job": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			dead := starting{Schema: 1, Run: newID(w.Now().Add(time.Hour)), Owner: "bob@elsewhere", Paths: []string{tablePath}, Begins: begins} // its clock is fast
			_, err := w.clients.say(t.Context(), bucket, dead, "")
			w.must(err)
			before := w.Now()
			r, err := Start(t.Context(), w.clients, shared(), &told{})
			if begins {
				e, ok := errors.AsType[*OverlapError](err)
				if !ok || e.Owner != "bob@elsewhere" || !strings.Contains(err.Error(), "is about to start and writes the same paths") {
					t.Fatalf("error %v", err)
				}
				w.clock.Advance(startingFor + time.Second)
				r, err = Start(t.Context(), w.clients, shared(), &told{})
			}
			w.must(err)
			if waited := w.Now().Sub(before); waited > startingFor+5*time.Second {
				t.Errorf("waited %v", waited)
			}
			objects, err := w.clients.list(t.Context(), bucket, startingPrefix)
			w.must(err)
			if len(objects) != 1 || *objects[0].Key != startingKey(r.ID) {
				t.Errorf("%d starts noted: that of the dead driver is not forgotten", len(objects))
			}
		})
	}
}

// TestDriverThatSleptWhileStartingDoesNotBegin wakes up after another run has taken it for dead, and begun.
func TestDriverThatSleptWhileStartingDoesNotBegin(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = scripted(time.Hour)
	slept := false
	key := "PUT /" + bucket + "/" + startingKey(newID(w.Now()))
	var second Run
	w.fault = func(operation string, n int) fault {
		if operation != key || n != 2 || slept {
			return none
		}
		slept = true
		w.mu.Unlock() // the other driver's requests are counted too
		defer w.mu.Lock()
		w.clock.Advance(time.Hour)
		second, _ = w.start(shared())
		return none
	}
	_, err := Start(t.Context(), w.clients, shared(), &told{})
	if err == nil || !strings.Contains(err.Error(), "another run has begun meanwhile") || ui.Hint(err) != "repeat the command" {
		t.Errorf("error %v", err)
	}
	if jobs := w.jobs(); len(jobs) != 1 || second.ID == "" {
		t.Errorf("jobs %v", jobs)
	}
}

// TestDriverThatMayNotDelete begins all the same: what earlier runs have said of their start is overwritten.
func TestDriverThatMayNotDelete(t *testing.T) {
	w := newWorld(t)
	w.fault = func(operation string, _ int) fault {
		if strings.HasPrefix(operation, "DELETE ") {
			return refused
		}
		return none
	}
	for _, begins := range []bool{false, true} {
		dead := starting{Schema: 1, Run: fmt.Sprint("9999-", begins), Paths: []string{tablePath}, Begins: begins}
		_, err := w.clients.say(t.Context(), bucket, dead, "")
		w.must(err)
	}
	for range 3 {
		w.clock.Advance(time.Hour)
		w.start(shared())
	}
}

func TestLostAnswerWhileStartingIsNoOtherRun(t *testing.T) {
	for n := 1; n <= 2; n++ {
		t.Run(fmt.Sprint("write ", n), func(t *testing.T) {
			w := newWorld(t)
			prefix := "PUT /" + bucket + "/" + startingPrefix
			writes := 0
			w.fault = func(operation string, _ int) fault {
				if strings.HasPrefix(operation, prefix) {
					if writes++; writes == n {
						return cutOff
					}
				}
				return none
			}
			retrying := w.clients
			retrying.S3 = retried{w.clients.S3}
			if _, err := Start(t.Context(), retrying, shared(), &told{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// retried repeats a write once, as the SDK does.
type retried struct{ storeAPI }

func (r retried) PutObject(ctx context.Context, in *s3.PutObjectInput, o ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	in.Body = bytes.NewReader(body)
	out, err := r.storeAPI.PutObject(ctx, in, o...)
	if status(err) == 0 && err != nil {
		in.Body = bytes.NewReader(body)
		out, err = r.storeAPI.PutObject(ctx, in, o...)
	}
	return out, err
}

func TestRunThatFailedAtOnceCanBeRepeatedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = func(int) outcome { return outcome{takes: time.Second, exit: local.Exited(1)} }
	r, rep := w.start(shared())
	if result := w.follow(r, rep); result.Succeeded() {
		t.Fatal("it did not fail")
	}
	w.start(shared())

	w = newWorld(t)
	w.fault = func(operation string, n int) fault {
		if operation == "submitjob" && n == 1 {
			return refused
		}
		return none
	}
	if _, err := Start(t.Context(), w.clients, shared(), &told{}); err == nil {
		t.Fatal("the first job was submitted")
	}
	w.start(shared())
}
