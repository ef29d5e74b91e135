//go:build real

package containers_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkbatch "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"
)

func TestJobsAreContainers(t *testing.T) {
	b := newBench(t)
	const world = `
import json, os, sys, urllib.request
c = json.load(urllib.request.urlopen(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]))
print(os.environ["AWS_BATCH_JOB_ID"], os.environ["AWS_BATCH_JOB_ATTEMPT"], os.environ["AWS_BATCH_JQ_NAME"], os.environ["AWS_BATCH_CE_NAME"])
print(os.environ["AWS_ENDPOINT_URL"], sorted(c), file=sys.stderr)`
	works := b.submit(work{name: "works", program: world})
	fails := b.submit(work{name: "fails", program: "import sys; sys.exit(3)"})
	eats := b.submit(work{name: "eats", program: "x = bytearray(200 << 20)"})
	absent := b.submit(work{name: "absent", image: b.info.Endpoint[len("http://"):] + "/nobody@sha256:" + strings.Repeat("0", 64), program: "pass"})
	waits := b.submit(work{name: "waits", program: "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(4)); print('waiting'); time.sleep(600)"})

	j := b.ended(works)
	if j.Status != types.JobStatusSucceeded {
		t.Errorf("works: %s %s", j.Status, aws.ToString(j.StatusReason))
	}
	log := b.log(j.Container.LogStreamName)
	for _, want := range []string{works + " 1 q ce", b.info.Endpoint + " ['AccessKeyId', 'Expiration', 'RoleArn', 'SecretAccessKey', 'Token']"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
	if j := b.ended(fails); aws.ToInt32(j.Container.ExitCode) != 3 || aws.ToString(j.StatusReason) != "Essential container in task exited" {
		t.Errorf("fails: exit %d, %s", aws.ToInt32(j.Container.ExitCode), aws.ToString(j.StatusReason))
	}
	if j := b.ended(eats); aws.ToInt32(j.Container.ExitCode) != 137 || aws.ToString(j.Container.Reason) != "OutOfMemoryError: Container killed due to memory usage" {
		t.Errorf("eats: exit %d, %s", aws.ToInt32(j.Container.ExitCode), aws.ToString(j.Container.Reason))
	}
	if j := b.ended(absent); j.Container.ExitCode != nil || !strings.HasPrefix(aws.ToString(j.Container.Reason), "CannotPullContainerError: ") || aws.ToString(j.StatusReason) != "Task failed to start" {
		t.Errorf("absent: %v, %s, %s", j.Container.ExitCode, aws.ToString(j.Container.Reason), aws.ToString(j.StatusReason))
	} else {
		t.Log(aws.ToString(j.Container.Reason))
	}
	b.eventually(func() bool {
		j := b.job(waits)
		return j.Status == types.JobStatusRunning && b.log(j.Container.LogStreamName) == "waiting"
	})
	b.must(sdkbatch.NewFromConfig(b.cfg).TerminateJob(t.Context(), &sdkbatch.TerminateJobInput{JobId: &waits, Reason: aws.String("enough")}))
	if j := b.ended(waits); aws.ToString(j.StatusReason) != "enough" || aws.ToInt32(j.Container.ExitCode) != 4 {
		t.Errorf("waits: %s", aws.ToString(j.StatusReason))
	}
}

func TestJobsShareTheMachinesMemory(t *testing.T) {
	b := newBench(t)
	out, err := b.docker.Info(t.Context(), client.InfoOptions{})
	b.must(out, err)
	whole := out.Info.MemTotal >> 20
	first := b.submit(work{name: "first", program: "import time; time.sleep(1)", mib: whole * 6 / 10})
	second := b.submit(work{name: "second", program: "pass", mib: whole * 6 / 10})
	b.eventually(func() bool { return b.job(first).Status == types.JobStatusRunning })
	if s := b.job(second).Status; s != types.JobStatusRunnable {
		t.Errorf("beside the first job the second is %s", s)
	}
	if one, two := b.ended(first), b.ended(second); *two.StartedAt < *one.StoppedAt {
		t.Errorf("the second job ran from %d, the first one until %d", *two.StartedAt, *one.StoppedAt)
	}
	large := b.submit(work{name: "large", program: "pass", mib: whole + 1})
	b.eventually(func() bool {
		return strings.HasPrefix(aws.ToString(b.job(large).StatusReason), "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
	})
	if s := b.job(large).Status; s != types.JobStatusRunnable {
		t.Errorf("a job larger than the machine is %s", s)
	}
}

func TestImageComesFromTheOwnRegistry(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	repo, err := ecr.NewFromConfig(b.cfg).CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("own")})
	b.must(repo, err)
	ref := *repo.Repository.RepositoryUri + ":one"
	b.must(b.docker.ImageTag(ctx, client.ImageTagOptions{Source: base, Target: ref}))
	token, err := ecr.NewFromConfig(b.cfg).GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	b.must(token, err)
	plain, err := base64.StdEncoding.DecodeString(*token.AuthorizationData[0].AuthorizationToken)
	b.must(plain, err)
	auth, err := authconfig.Encode(registry.AuthConfig{Username: "AWS", Password: strings.TrimPrefix(string(plain), "AWS:")})
	b.must(auth, err)
	push, err := b.docker.ImagePush(ctx, ref, client.ImagePushOptions{RegistryAuth: auth})
	b.must(push, err)
	var digest string
	for m, err := range push.JSONMessages(ctx) {
		b.must(m, err)
		if m.Error != nil {
			t.Fatal(m.Error)
		}
		if m.Aux != nil {
			var aux struct{ Digest string }
			b.must(nil, json.Unmarshal(*m.Aux, &aux))
			digest = aux.Digest
		}
	}
	b.must(b.docker.ImageRemove(ctx, ref, client.ImageRemoveOptions{}))
	j := b.ended(b.submit(work{name: "own", image: *repo.Repository.RepositoryUri + "@" + digest, program: "print('from the registry')"}))
	if j.Status != types.JobStatusSucceeded || b.log(j.Container.LogStreamName) != "from the registry" {
		t.Errorf("%s %s %s", j.Status, aws.ToString(j.StatusReason), aws.ToString(j.Container.Reason))
	}
	_, _ = b.docker.ImageRemove(ctx, *repo.Repository.RepositoryUri+"@"+digest, client.ImageRemoveOptions{}) // tidy up
}
