package images_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/images"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

// bench is a registry with its client and a clock.
type bench struct {
	*ecr.Client
	service *images.Service
	host    string
	now     time.Time
}

func serve(t *testing.T, opt images.Options) *bench {
	t.Helper()
	if opt.Dir == "" {
		opt.Dir = t.TempDir()
	}
	b := &bench{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	server := httptest.NewUnstartedServer(nil)
	b.host = server.Listener.Addr().String()
	opt.Region, opt.Account, opt.Host, opt.Now = "eu-west-1", "123456789012", b.host, func() time.Time { return b.now }
	s, err := images.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = s
	server.Start()
	t.Cleanup(server.Close)
	b.service = s
	b.Client = ecr.New(ecr.Options{Region: "eu-west-1", BaseEndpoint: &server.URL, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	return b
}

func (b *bench) create(t *testing.T, name string) {
	t.Helper()
	if _, err := b.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
		t.Fatal(err)
	}
}

func TestARepositoryIsDescribedAsItWasCreated(t *testing.T) {
	b, ctx := serve(t, images.Options{}), t.Context()
	created, err := b.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/spaceflights-batch"),
		ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true}, Tags: []types.Tag{{Key: aws.String("kedroctl:project"), Value: aws.String("s")}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/spaceflights-batch"}})
	if err != nil {
		t.Fatal(err)
	}
	r := got.Repositories[0]
	want := []any{b.host + "/team/spaceflights-batch", "arn:aws:ecr:eu-west-1:123456789012:repository/team/spaceflights-batch", true, types.ImageTagMutabilityMutable, b.now}
	if diff := cmp.Diff(want, []any{*r.RepositoryUri, *r.RepositoryArn, r.ImageScanningConfiguration.ScanOnPush, r.ImageTagMutability, r.CreatedAt.UTC()}); diff != "" {
		t.Error(diff)
	}
	tags, err := b.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: created.Repository.RepositoryArn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "s" {
		t.Errorf("tags: %v, %v", tags, err)
	}
	arn := created.Repository.RepositoryArn
	if _, err := b.TagResource(ctx, &ecr.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("data")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.UntagResource(ctx, &ecr.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"kedroctl:project", "absent"}}); err != nil {
		t.Fatal(err)
	}
	tags, err = b.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: arn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "team" {
		t.Errorf("tags after a change: %v, %v", tags, err)
	}
	_, err = b.TagResource(ctx, &ecr.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("1")}}})
	if wiretest.Code(t, err) != "InvalidTagParameterException" {
		t.Errorf("AWS's own tag: %v", err)
	}
}

func TestSettingsOfARepositoryChange(t *testing.T) {
	dir := t.TempDir()
	b, ctx, name := serve(t, images.Options{Dir: dir}), t.Context(), aws.String("jobs")
	b.create(t, "jobs")
	_, err := b.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: name})
	if wiretest.Code(t, err) != "LifecyclePolicyNotFoundException" {
		t.Errorf("no policy: %v", err)
	}
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(b.PutImageScanningConfiguration(ctx, &ecr.PutImageScanningConfigurationInput{RepositoryName: name, ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true}}))
	must(b.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{RepositoryName: name, LifecyclePolicyText: aws.String(untagged)}))

	b = serve(t, images.Options{Dir: dir})
	got, err := b.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{})
	must(got, err)
	policy, err := b.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: name})
	must(policy, err)
	r := got.Repositories[0]
	if diff := cmp.Diff([]any{true, untagged, b.host + "/jobs"}, []any{r.ImageScanningConfiguration.ScanOnPush, *policy.LifecyclePolicyText, *r.RepositoryUri}); diff != "" {
		t.Error(diff)
	}
	must(b.DeleteLifecyclePolicy(ctx, &ecr.DeleteLifecyclePolicyInput{RepositoryName: name}))
	_, err = serve(t, images.Options{Dir: dir}).DeleteLifecyclePolicy(ctx, &ecr.DeleteLifecyclePolicyInput{RepositoryName: name})
	if wiretest.Code(t, err) != "LifecyclePolicyNotFoundException" {
		t.Errorf("the policy was deleted twice: %v", err)
	}
}

const untagged = `{"rules":[{"rulePriority":1,"description":"x","selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":7},"action":{"type":"expire"}}]}`

func TestWhatECRRefuses(t *testing.T) {
	b, ctx := serve(t, images.Options{}), t.Context()
	b.create(t, "taken")
	create := func(name string) error {
		_, err := b.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &name})
		return err
	}
	policy := func(old, new string) error {
		_, err := b.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{RepositoryName: aws.String("taken"), LifecyclePolicyText: aws.String(strings.Replace(untagged, old, new, 1))})
		return err
	}
	_, absent := b.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"absent"}})
	_, images := b.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: aws.String("absent")})
	_, image := b.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: aws.String("taken"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("x")}}})
	_, arn := b.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: aws.String("taken")})
	_, later := b.StartImageScan(ctx, &ecr.StartImageScanInput{RepositoryName: aws.String("taken"), ImageId: &types.ImageIdentifier{}})
	_, pages := b.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{NextToken: aws.String("2")})
	_, excluded := b.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("excluded"), ImageTagMutability: types.ImageTagMutabilityImmutableWithExclusion,
		ImageTagMutabilityExclusionFilters: []types.ImageTagMutabilityExclusionFilter{{Filter: aws.String("dev*"), FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard}}})
	_, ids := b.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: aws.String("taken"), ImageIds: []types.ImageIdentifier{}})
	_, tag := b.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("tagged"), Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}})
	tests := map[string]struct {
		err  error
		want string
	}{
		"exclusions of mutability":      {excluded, "InvalidParameterException"},
		"a token that is none":          {pages, "InvalidParameterException"},
		"no images to delete":           {ids, "InvalidParameterException"},
		"a tag that is reserved":        {tag, "InvalidTagParameterException"},
		"a name that is taken":          {create("taken"), "RepositoryAlreadyExistsException"},
		"a name with capitals":          {create("Upper"), "InvalidParameterException"},
		"a name of one character":       {create("x"), "InvalidParameterException"},
		"a repository that is absent":   {absent, "RepositoryNotFoundException"},
		"images of an absent one":       {images, "RepositoryNotFoundException"},
		"an image that is absent":       {image, "ImageNotFoundException"},
		"an ARN that is none":           {arn, "InvalidParameterException"},
		"an operation of later":         {later, "UnknownOperationException"},
		"a lifecycle policy":            {policy("", ""), ""},
		"a policy that is no JSON":      {policy("{", ""), "InvalidParameterException"},
		"a policy with a typing error":  {policy("countNumber", "count"), "InvalidParameterException"},
		"a policy without days":         {policy(`"countUnit":"days",`, ""), "InvalidParameterException"},
		"a policy of no days":           {policy(":7", ":0"), "InvalidParameterException"},
		"a policy for unknown images":   {policy(`"untagged"`, `"lost"`), "InvalidParameterException"},
		"a policy with another action":  {policy(`"expire"`, `"archive"`), "InvalidParameterException"},
		"a policy without patterns":     {policy(`"untagged"`, `"tagged"`), "InvalidParameterException"},
		"a policy without its priority": {policy(`"rulePriority":1`, `"rulePriority":0`), "InvalidParameterException"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := wiretest.Code(t, tt.err); got != tt.want {
				t.Errorf("got %q (%v), want %q", got, tt.err, tt.want)
			}
		})
	}
}

func (b *bench) password(t *testing.T) string {
	t.Helper()
	got, err := b.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, *got.AuthorizationData[0].AuthorizationToken)
}

// decode takes the password out of an authorization token.
func decode(t *testing.T, token string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	password, ok := strings.CutPrefix(string(raw), "AWS:")
	if !ok {
		t.Fatalf("a token of another user: %s", raw)
	}
	return password
}

func TestTokens(t *testing.T) {
	b := serve(t, images.Options{})
	got, err := b.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	data := got.AuthorizationData[0]
	password := decode(t, *data.AuthorizationToken)
	if *data.ProxyEndpoint != "http://"+b.host || !data.ExpiresAt.Equal(b.now.Add(12*time.Hour)) {
		t.Errorf("a token for %s until %s", *data.ProxyEndpoint, data.ExpiresAt)
	}
	other := b.password(t)
	status := func(user, password string) int {
		r, err := http.NewRequest(http.MethodGet, "http://"+b.host+"/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			r.SetBasicAuth(user, password)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode == http.StatusUnauthorized && !strings.HasPrefix(response.Header.Get("Www-Authenticate"), "Basic ") {
			t.Error("a client is not told how to log in")
		}
		return response.StatusCode
	}
	before := []int{status("", ""), status("AWS", "guess"), status("ada", password), status("AWS", password), status("AWS", other)}
	longer := strconv.FormatInt(b.now.Add(24*time.Hour).Unix(), 10) + password[strings.Index(password, "."):]
	before = append(before, status("AWS", longer))
	b.now = b.now.Add(12 * time.Hour)
	if diff := cmp.Diff([]int{401, 403, 403, 200, 200, 403, 403}, append(before, status("AWS", password))); diff != "" {
		t.Error(diff)
	}
}

func TestOperationNames(t *testing.T) {
	b := serve(t, images.Options{})
	tests := []struct {
		method, path, target, want string
		mutating                   bool
	}{
		{"POST", "/", "AmazonEC2ContainerRegistry_V20150921.CreateRepository", "CreateRepository", true},
		{"POST", "/", "AmazonEC2ContainerRegistry_V20150921.DescribeImages", "DescribeImages", false},
		{"POST", "/", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", "GetAuthorizationToken", false},
		{"PUT", "/v2/x/manifests/1", "", "registry:PUT", true},
		{"HEAD", "/v2/x/manifests/1", "", "registry:HEAD", false},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, tt.path, nil)
		r.Header.Set("X-Amz-Target", tt.target)
		if name, mutating := b.service.Operation(r); name != tt.want || mutating != tt.mutating {
			t.Errorf("%v: got %s, %v", tt, name, mutating)
		}
	}
}
