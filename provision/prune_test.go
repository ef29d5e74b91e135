package provision

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	refs "github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kedroctl/kedroctl/internal/local"
)

// pushed pushes an image of random content under a tag, or by its digest alone, and gives its reference.
func pushed(t *testing.T, a *testAWS, uri, tag string) string {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	to := uri + "@" + digest.String()
	if tag != "" {
		to = uri + ":" + tag
	}
	ref, err := refs.ParseReference(to, refs.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	login := must(t, a.ecr.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{})
	token := authn.FromConfig(authn.AuthConfig{Auth: *login.AuthorizationData[0].AuthorizationToken})
	if err := remote.Write(ref, image, remote.WithAuth(token), remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	return uri + "@" + digest.String()
}

// TestPruneKeepsWhatIsUsed has a stack with a history: of each kind something that a run or a deployment uses, and something that nothing does.
func TestPruneKeepsWhatIsUsed(t *testing.T) {
	server, err := local.Listen(local.Options{Region: testRegion})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	a, s := newTestAWS(server.Config()), testSpec(t)
	res := mustApply(t, a, s)
	uri := res.Repository.URI
	unused, ofRun, latest, newest := pushed(t, a, uri, "unused"), pushed(t, a, uri, "run"), pushed(t, a, uri, "latest"), pushed(t, a, uri, "newest")
	untagged := pushed(t, a, uri, "")
	var definitions []Definition
	for _, image := range []string{unused, ofRun, latest, newest} {
		definitions = append(definitions, mustRegister(t, a, s, res, image))
	}
	put := func(key string) {
		must(t, a.s3.PutObject, &s3.PutObjectInput{Bucket: &s.Bucket, Key: &key, Body: strings.NewReader("12345")})
	}
	now := time.Now().UTC().AddDate(0, 0, 40) // all that is there is older than keep_days
	id := func(days int) string { return now.AddDate(0, 0, days).Format("2006-01-02T15.04.05.000Z") }
	const notARun = "mine"
	for _, run := range []string{id(-100), id(-90), id(-80), id(-3), notARun} {
		put("outputs/" + run + "/model.pkl")
		put("outputs/" + run + "/parts/1.pkl")
	}
	put("01_raw/companies.csv")
	deployment := Deployment{ID: "d2", Bucket: s.Bucket, Created: now, Image: latest, JobDefinition: definitions[2].ARN}
	if err := SaveDeployment(t.Context(), a.s3, deployment); err != nil {
		t.Fatal(err)
	}
	runs := []RunUse{
		{Run: id(-3), Created: now.AddDate(0, 0, -3), Definitions: []string{definitions[1].ARN}, Deployments: []string{"d1"}},
		{Run: id(-90), Created: now.AddDate(0, 0, -90), Succeeded: true, Definitions: []string{definitions[0].ARN}},
		{Run: id(-100), Created: now.AddDate(0, 0, -100), Succeeded: true},
	}
	a.mutations()
	found, err := FindRubbish(t.Context(), a.Clients, s, runs, now)
	if err != nil {
		t.Fatal(err)
	}
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("looking changed %v", calls)
	}
	var got []string
	for _, d := range found.Definitions {
		got = append(got, d.Name)
	}
	for _, i := range found.Images {
		got = append(got, uri+"@"+i.Digest)
	}
	for _, o := range found.Outputs {
		got = append(got, o.Run)
	}
	want := []string{s.Name + ":1", unused, untagged, id(-100), id(-80)}
	sorted := cmp.Transformer("set", func(in []string) map[string]int {
		out := map[string]int{}
		for _, v := range in {
			out[v]++
		}
		return out
	})
	if diff := cmp.Diff(want, got, sorted); diff != "" || found.Outputs[0].Bytes != 10 || found.Outputs[0].Objects != 2 {
		t.Errorf("rubbish (-want +got):\n%s\n%+v", diff, found)
	}

	if err := Prune(t.Context(), a.Clients, s, found, &steps{}); err != nil {
		t.Fatal(err)
	}
	if left := must(t, a.ecr.DescribeImages, &ecr.DescribeImagesInput{RepositoryName: &s.Repository}).ImageDetails; len(left) != 3 {
		t.Errorf("%d images are left", len(left))
	}
	if left := must(t, a.batch.DescribeJobDefinitions, &batch.DescribeJobDefinitionsInput{Status: aws.String("ACTIVE")}).JobDefinitions; len(left) != 3 {
		t.Errorf("%d revisions are left", len(left))
	}
	var outputs []string
	for _, key := range keysOf(t, a, s.Bucket) {
		if run, _, ok := strings.Cut(strings.TrimPrefix(key, "outputs/"), "/parts/"); ok {
			outputs = append(outputs, run)
		}
	}
	if diff := cmp.Diff([]string{id(-90), id(-3), notARun}, outputs, sorted); diff != "" {
		t.Errorf("outputs that are left (-want +got):\n%s", diff)
	}
	if again, err := FindRubbish(t.Context(), a.Clients, s, runs, now); err != nil || !again.Empty() {
		t.Errorf("afterwards %+v, %v", again, err)
	}
}

// TestPruneWithoutRecords keeps the newest outputs: nobody knows any more which run succeeded.
func TestPruneWithoutRecords(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	mustApply(t, a, s)
	for _, run := range []string{"2026-01-01T00.00.00.000Z", "2026-02-01T00.00.00.000Z"} {
		must(t, a.s3.PutObject, &s3.PutObjectInput{Bucket: &s.Bucket, Key: aws.String("outputs/" + run + "/m.pkl"), Body: strings.NewReader("x")})
	}
	found, err := FindRubbish(t.Context(), a.Clients, s, nil, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	if err != nil || len(found.Outputs) != 1 || found.Outputs[0].Run != "2026-01-01T00.00.00.000Z" {
		t.Errorf("rubbish %+v, %v", found, err)
	}
}

func TestPruneLeavesWhatIsOfOthers(t *testing.T) {
	a := embedded(t)
	_, s := borrowed(t, a)
	must(t, a.s3.PutObject, &s3.PutObjectInput{Bucket: &s.Bucket, Key: aws.String("outputs/2026-01-01T00.00.00.000Z/m.pkl"), Body: strings.NewReader("x")})
	must(t, a.s3.PutObject, &s3.PutObjectInput{Bucket: &s.Bucket, Key: aws.String("outputs/2026-02-01T00.00.00.000Z/m.pkl"), Body: strings.NewReader("x")})
	found, err := FindRubbish(t.Context(), a.Clients, s, nil, time.Date(2027, 11, 23, 0, 0, 0, 0, time.UTC))
	if err != nil || !found.Empty() {
		t.Errorf("rubbish %+v, %v", found, err)
	}
	nothing := testSpec(t)
	if found, err := FindRubbish(t.Context(), embedded(t).Clients, nothing, nil, time.Now()); err != nil || !found.Empty() {
		t.Errorf("where nothing is: %+v, %v", found, err)
	}
}
