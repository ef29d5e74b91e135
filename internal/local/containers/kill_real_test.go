//go:build real

package containers_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/moby/moby/client"
)

// counting prints twenty lines in two seconds, with empty ones between them, and ends with an exit code.
const counting = `
import sys, time
for i in range(20):
    print(i)
    print()
    time.sleep(0.1)
sys.exit(%d)`

// countedTo is the log of a program that was counting.
func countedTo(n int) string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprint(i))
	}
	return strings.Join(lines, "\n")
}

// TestServerIsKilled kills a server three times at random moments, with new jobs before each. All jobs end as they should, with whole logs; attempts
// that were lost have the beginning of one.
func TestServerIsKilled(t *testing.T) {
	b := newBench(t)
	var ids []string
	for range 3 {
		for range 3 {
			ids = append(ids, b.submit(work{name: fmt.Sprintf("job-%d", len(ids)), program: fmt.Sprintf(counting, len(ids)%3), attempts: 4}))
		}
		wait := rand.N(2500 * time.Millisecond)
		t.Logf("killed after %s", wait)
		time.Sleep(wait)
		b.kill()
		time.Sleep(rand.N(time.Second))
		b.start()
	}
	lost := 0
	for i, id := range ids {
		j := b.ended(id)
		if code := aws.ToInt32(j.Container.ExitCode); code != int32(i%3) || (j.Status == types.JobStatusSucceeded) != (code == 0) {
			t.Errorf("job %d is %s with exit code %d: %s", i, j.Status, code, aws.ToString(j.StatusReason))
		}
		for n, a := range j.Attempts {
			last := n == len(j.Attempts)-1
			if a.Container.LogStreamName == nil && !last {
				continue // it had not begun to run
			}
			log := b.log(a.Container.LogStreamName)
			if log != countedTo(20) && (last || !strings.HasPrefix(countedTo(20), log)) {
				t.Errorf("job %d, attempt %d: the log has %q", i, n+1, log)
			}
		}
		lost += len(j.Attempts) - 1
	}
	t.Logf("%d jobs, %d attempts lost", len(ids), lost)
	b.eventually(b.nothingLeft)
}

// TestContainerIsGoneAfterAKill: where there is nothing to adopt, the retry strategy decides.
func TestContainerIsGoneAfterAKill(t *testing.T) {
	b := newBench(t)
	program := fmt.Sprintf(counting, 0)
	once, twice := b.submit(work{name: "once", program: program}), b.submit(work{name: "twice", program: program, attempts: 2})
	b.eventually(func() bool {
		return b.job(once).Status == types.JobStatusRunning && b.job(twice).Status == types.JobStatusRunning
	})
	b.kill()
	for _, c := range b.containers() {
		b.must(b.docker.ContainerRemove(t.Context(), c, client.ContainerRemoveOptions{Force: true}))
	}
	b.start()
	if j := b.ended(once); j.Status != types.JobStatusFailed || !strings.HasPrefix(*j.StatusReason, "Host EC2 (instance i-") || j.Container.ExitCode != nil {
		t.Errorf("once: %s, %s", j.Status, *j.StatusReason)
	}
	if j := b.ended(twice); j.Status != types.JobStatusSucceeded || len(j.Attempts) != 2 || b.log(j.Container.LogStreamName) != countedTo(20) {
		t.Errorf("twice: %s, %s after %d attempts", j.Status, *j.StatusReason, len(j.Attempts))
	}
}

// TestServerIsStopped: a server that ends in order takes its jobs with it; the next one tries them again.
func TestServerIsStopped(t *testing.T) {
	b := newBench(t)
	id := b.submit(work{name: "job", program: fmt.Sprintf(counting, 0), attempts: 2})
	b.eventually(func() bool { return b.job(id).Status == types.JobStatusRunning })
	b.stop()
	if left := b.containers(); left != nil {
		t.Errorf("containers left: %v", left)
	}
	b.start()
	if j := b.ended(id); j.Status != types.JobStatusSucceeded || len(j.Attempts) != 2 || !strings.HasPrefix(*j.Attempts[0].StatusReason, "Host EC2 (instance i-") {
		t.Errorf("%s after %d attempts", j.Status, len(j.Attempts))
	}
}
