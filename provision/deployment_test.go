package provision

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

func TestLatestDeploymentComesBack(t *testing.T) {
	u := newUpload(t, nil)
	first := Deployment{
		ID: "2026-11-23T09.55.12.345Z", Created: time.Date(2026, 11, 23, 9, 55, 12, 345e6, time.UTC), Project: "spaceflights", Bucket: u.project.Settings.Bucket,
		Image: testImage, InputKey: "abc", Settings: u.project.Settings, Snapshot: project.Snapshot{Schema: 1, Package: "spaceflights"},
	}
	second := first
	second.ID, second.InputKey = "2026-11-24T09.55.12.345Z", "def"
	for _, d := range []Deployment{first, second} {
		if err := SaveDeployment(t.Context(), u.s3, d); err != nil {
			t.Fatal(err)
		}
	}
	got, err := LatestDeployment(t.Context(), u.s3, first.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	want := second
	want.Schema, want.Settings.Job.Environment = DeploymentSchema, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("latest deployment (-want +got):\n%s", diff)
	}
	keys := []string{".kedroctl/deployment.json", ".kedroctl/deployments/" + first.ID + ".json", ".kedroctl/deployments/" + second.ID + ".json"}
	for _, key := range keys {
		body, err := io.ReadAll(must(t, u.s3.GetObject, &s3.GetObjectInput{Bucket: &first.Bucket, Key: &key}).Body)
		if err != nil || strings.Contains(string(body), "LOG_LEVEL") {
			t.Errorf("%s has the environment of jobs, or %v", key, err)
		}
	}
}

func TestNothingIsDeployed(t *testing.T) {
	u := newUpload(t, nil)
	for _, bucket := range []string{u.project.Settings.Bucket, "nobodys-bucket"} {
		_, err := LatestDeployment(t.Context(), u.s3, bucket)
		if !errors.Is(err, ErrNotDeployed) || !strings.Contains(ui.Hint(err), "kedroctl deploy") {
			t.Errorf("bucket %s: error %v, hint %q", bucket, err, ui.Hint(err))
		}
	}
}
