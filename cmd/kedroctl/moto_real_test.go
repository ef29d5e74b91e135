//go:build real

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

const (
	motoAccount = "123456789012"
	motoRegion  = "us-east-1"
)

// moto is a server of moto with its Docker job runner, beside a registry under ECR's name.
type moto struct {
	endpoint string // for this machine
	inside   string // for containers
	python   string // has boto3
}

// startMoto starts both and ends them with the test.
func startMoto(t *testing.T) moto {
	t.Helper()
	program := realtest.Moto(t)
	registry := startRegistry(t)
	dockerConfig := t.TempDir()
	login := base64.StdEncoding.EncodeToString([]byte("AWS:" + motoAccount + "-auth-token"))
	config := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, registry, login)
	if err := os.WriteFile(filepath.Join(dockerConfig, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	c := exec.Command(program, "-H", "0.0.0.0", "-p", fmt.Sprint(port))
	c.Env = append(os.Environ(), "DOCKER_CONFIG="+dockerConfig, "MOTO_IAM_LOAD_MANAGED_POLICIES=true", fmt.Sprintf("MOTO_PORT=%d", port))
	var log bytes.Buffer
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	m := moto{endpoint: fmt.Sprintf("http://127.0.0.1:%d", port), inside: fmt.Sprintf("http://%s:%d", bridge(t), port), python: filepath.Join(filepath.Dir(program), "python")}
	for range 150 {
		if r, err := http.Get(m.endpoint + "/moto-api/"); err == nil {
			r.Body.Close()
			return m
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("moto does not answer:\n%s", log.String())
	return m
}

// startRegistry starts the stand-in for ECR and gives its host.
func startRegistry(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	c := exec.Command("../../scripts/fake-ecr", dir, motoAccount, motoRegion)
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("fake-ecr: %v", err)
	}
	t.Cleanup(func() {
		if pid, err := os.ReadFile(filepath.Join(dir, "registry.pid")); err == nil {
			exec.Command("kill", strings.TrimSpace(string(pid))).Run()
		}
	})
	return strings.TrimSpace(string(out))
}

// bridge is the address by which containers reach this machine.
func bridge(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}").Output()
	gateway := strings.TrimSpace(string(out))
	if err != nil || gateway == "" {
		return "172.17.0.1" // Docker's default where the network does not say
	}
	return gateway
}

// left is what leftovers.py prints.
type left struct {
	Left        []string
	JobLogGroup *struct {
		Retention int
		Tags      map[string]string
	} `json:"job_log_group"`
}

func (m moto) leftovers(t *testing.T) (l left) {
	t.Helper()
	out, err := exec.Command(m.python, "testdata/leftovers.py", m.endpoint, motoRegion).Output()
	if err != nil {
		t.Fatalf("leftovers.py: %v", err)
	}
	if err := json.Unmarshal(out, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestRealSpaceflightsOnMoto lets a fake of AWS that we did not write judge the same binary: deploy, run, verify, destroy.
func TestRealSpaceflightsOnMoto(t *testing.T) {
	w := newWorkshop(t)
	m := startMoto(t)
	makeJobLogGroup(t, m)
	w.global = append(w.global[:len(w.global):len(w.global)],
		"--region", motoRegion, "--set", "job.environment.AWS_ENDPOINT_URL="+m.inside,
		"--set", "job.environment.AWS_ACCESS_KEY_ID=test", "--set", "job.environment.AWS_SECRET_ACCESS_KEY=test")
	w.global = without(w.global, "--local")
	w.env = append(w.env, "AWS_ENDPOINT_URL="+m.endpoint, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")

	w.do("init")
	w.do("deploy")
	_, _, story := w.try("deploy")
	for _, step := range []string{"image      unchanged", "provision  unchanged", "upload     unchanged", "register   unchanged", "record     unchanged"} {
		if !strings.Contains(story, step) {
			t.Errorf("the second deploy does not say %q", step)
		}
	}
	w.wantSucceeded(answer[jobs](w, "run"), 3)
	report := answer[jobs](w, "verify")
	if !report.OK {
		t.Errorf("verify: %+v", report)
	}
	oneVersion(t, report)

	w.do("destroy", "--data", "--yes")
	l := m.leftovers(t)
	if len(l.Left) > 0 {
		t.Errorf("left after destroy --data: %v", l.Left)
	}
	if g := l.JobLogGroup; g == nil || g.Retention != 30 || g.Tags["owner"] != "someone" {
		t.Errorf("/aws/batch/job is %+v: it is not ours to change", g)
	}
}

// makeJobLogGroup makes the account-wide log group of Batch, as somebody before us may have.
func makeJobLogGroup(t *testing.T, m moto) {
	t.Helper()
	logs := cloudwatchlogs.NewFromConfig(aws.Config{Region: motoRegion, BaseEndpoint: &m.endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	name := aws.String("/aws/batch/job")
	if _, err := logs.CreateLogGroup(context.Background(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: name, Tags: map[string]string{"owner": "someone"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := logs.PutRetentionPolicy(context.Background(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: name, RetentionInDays: aws.Int32(30)}); err != nil {
		t.Fatal(err)
	}
}

func without(list []string, word string) (rest []string) {
	for _, w := range list {
		if w != word {
			rest = append(rest, w)
		}
	}
	return rest
}
