//go:build real

package main

import (
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kedroctl/kedroctl/internal/project"
)

// lookInside runs the job of a group again in a container of its own: it works on the data of the run, and leaves nothing in the bucket.
func (w *workshop) lookInside(t *testing.T) {
	before := w.objects(t)
	inside := "id -u; echo limit $(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes)" +
		" && sh /tmp/kedroctl/job && ls /tmp/kedroctl/outputs && echo $KEDROCTL_GROUP"
	code, stdout, stderr := w.try("shell", "data_science", "--", "sh", "-c", inside)
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for _, want := range []string{"limit ", "regressor.pkl", "metrics.pkl", "\ndata_science\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout lacks %q", want)
		}
	}
	if strings.Contains(stdout, "limit max") || strings.HasPrefix(stdout, "0\n") {
		t.Error("it has another limit of memory, or another user, than the job")
	}
	for _, want := range []string{"--nodes", "kedroctl_boot", "@sha256:"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr lacks %q", want)
		}
	}
	if after := w.objects(t); !maps.Equal(before, after) {
		t.Errorf("the bucket has changed: %d objects, then %d", len(before), len(after))
	}
	if code, _, _ := w.try("shell", "data_science", "--", "sh", "-c", "exit 7"); code != 7 {
		t.Errorf("exit code %d, want the command's own, 7", code)
	}
	if code, _, stderr := w.try("shell", "data_sience", "--", "true"); code != 1 || !strings.Contains(stderr, "did you mean data_science") {
		t.Errorf("exit code %d", code)
	}
	interrupted := w.command("shell", "data_science", "--", "sleep", "600")
	if err := interrupted.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); sessions(t, "status=running") == ""; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no container runs")
		}
	}
	if err := interrupted.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := interrupted.Wait(); interrupted.ProcessState.ExitCode() != 130 {
		t.Errorf("interrupted: %v", err)
	}
	if left := sessions(t, "status=running"); left != "" {
		t.Errorf("containers left: %s", left)
	}
}

// sessions are the containers of shells.
func sessions(t *testing.T, filter string) string {
	t.Helper()
	out, err := exec.Command("docker", "ps", "--all", "--quiet", "--filter", "label=kedroctl:session", "--filter", filter).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// objects are the times at which those of the project's bucket were written, by key.
func (w *workshop) objects(t *testing.T) map[string]time.Time {
	t.Helper()
	p, err := project.Load(w.dir, project.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]time.Time{}
	pages := s3.NewListObjectsV2Paginator(newS3(w.aws()), &s3.ListObjectsV2Input{Bucket: &p.Settings.Bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			all[*o.Key] = aws.ToTime(o.LastModified)
		}
	}
	return all
}
