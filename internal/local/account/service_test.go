package account_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/account"
	"github.com/kedroctl/kedroctl/internal/local/wire"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
const twice = `{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
const allow = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func serve(t *testing.T, opt account.Options) (*account.Service, *iam.Client, *sts.Client) {
	t.Helper()
	opt.Account, opt.Now = "123456789012", func() time.Time { return now }
	s, err := account.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(asAda(s))
	t.Cleanup(server.Close)
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	identity := httptest.NewServer(asAda(account.STS(opt.Account)))
	t.Cleanup(identity.Close)
	return s, iam.NewFromConfig(cfg), sts.NewFromConfig(cfg, func(o *sts.Options) { o.BaseEndpoint = &identity.URL })
}

func asAda(h http.Handler) http.Handler {
	caller := wire.Caller{ARN: "arn:aws:iam::123456789012:user/ada", UserID: "AIDAX"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(wire.WithCaller(r.Context(), caller)))
	})
}

func createRole(t *testing.T, c *iam.Client, name string) {
	t.Helper()
	_, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		t.Fatal(err)
	}
}

func TestARoleIsReadAsItWasCreated(t *testing.T) {
	s, c, _ := serve(t, account.Options{})
	_, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("jobs"), Path: aws.String("/kedroctl/"), AssumeRolePolicyDocument: aws.String(trust),
		Description: aws.String("a & b <c>"), Tags: []types.Tag{{Key: aws.String("kedroctl:project"), Value: aws.String("spaceflights")}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("jobs")})
	if err != nil {
		t.Fatal(err)
	}
	r := got.Role
	document, err := url.QueryUnescape(*r.AssumeRolePolicyDocument)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"arn:aws:iam::123456789012:role/kedroctl/jobs", trust, "a & b <c>", "spaceflights", now.String()}
	if diff := cmp.Diff(want, []string{*r.Arn, document, *r.Description, *r.Tags[0].Value, r.CreateDate.String()}); diff != "" {
		t.Error(diff)
	}
	if since, ok := s.RoleSince(*r.Arn); !ok || !since.Equal(now) {
		t.Errorf("the server knows the role since %v, %v", since, ok)
	}
	if _, ok := s.RoleSince("arn:aws:iam::123456789012:role/jobs"); ok {
		t.Error("a role was found under an ARN without its path")
	}
	tags, err := c.ListRoleTags(t.Context(), &iam.ListRoleTagsInput{RoleName: aws.String("jobs")})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "kedroctl:project" {
		t.Errorf("tags of the role: %v, %v", tags, err)
	}
}

// TestTagsAreOneWhateverTheirCase has a key replace the one that differs from it in case alone, on roles and on instance profiles.
func TestTagsAreOneWhateverTheirCase(t *testing.T) {
	_, c, _ := serve(t, account.Options{})
	ctx, name := t.Context(), aws.String("jobs")
	createRole(t, c, "jobs")
	if _, err := c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: name}); err != nil {
		t.Fatal(err)
	}
	for _, change := range []struct {
		put    string
		remove []string
		want   []string
	}{{"Team", nil, []string{"Team"}}, {"owner", nil, []string{"Team", "owner"}}, {"team", nil, []string{"owner", "team"}}, {"x", []string{"TEAM", "absent"}, []string{"owner", "x"}}} {
		tags := []types.Tag{{Key: &change.put, Value: aws.String("v")}}
		_, role := c.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: tags})
		_, profile := c.TagInstanceProfile(ctx, &iam.TagInstanceProfileInput{InstanceProfileName: name, Tags: tags})
		if change.remove != nil {
			_, untag := c.UntagRole(ctx, &iam.UntagRoleInput{RoleName: name, TagKeys: change.remove})
			_, untagProfile := c.UntagInstanceProfile(ctx, &iam.UntagInstanceProfileInput{InstanceProfileName: name, TagKeys: change.remove})
			role, profile = errors.Join(role, untag), errors.Join(profile, untagProfile)
		}
		if role != nil || profile != nil {
			t.Fatal(role, profile)
		}
		r, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: name})
		if err != nil {
			t.Fatal(err)
		}
		for _, tags := range [][]types.Tag{r.Role.Tags, p.InstanceProfile.Tags} {
			var keys []string
			for _, tag := range tags {
				keys = append(keys, *tag.Key)
			}
			if diff := cmp.Diff(change.want, keys); diff != "" {
				t.Errorf("after %s (-want +got):\n%s", change.put, diff)
			}
		}
	}
	_, err := c.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: []types.Tag{{Key: aws.String("a;b"), Value: aws.String("v")}}})
	if wiretest.Code(t, err) != "ValidationError" {
		t.Errorf("a character that no tag has: %v", err)
	}
}

func TestStateSurvives(t *testing.T) {
	dir := t.TempDir()
	_, c, _ := serve(t, account.Options{Dir: dir})
	createRole(t, c, "jobs")
	if _, err := c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("jobs"), PolicyName: aws.String("p"), PolicyDocument: aws.String(allow)}); err != nil {
		t.Fatal(err)
	}
	_, again, _ := serve(t, account.Options{Dir: dir})
	got, err := again.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: aws.String("jobs"), PolicyName: aws.String("p")})
	if err != nil {
		t.Fatal(err)
	}
	if document, _ := url.QueryUnescape(*got.PolicyDocument); document != allow {
		t.Errorf("after a restart the policy is %s", document)
	}
}

func TestRolesGoOnlyWhenNothingHangsOnThem(t *testing.T) {
	_, c, _ := serve(t, account.Options{})
	ctx, role, arn := t.Context(), aws.String("nodes"), aws.String("arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role")
	createRole(t, c, *role)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	conflict := func(what string) {
		t.Helper()
		_, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role})
		if wiretest.Code(t, err) != "DeleteConflict" || !strings.Contains(err.Error(), what) {
			t.Errorf("delete: got %v, want a conflict that says %q", err, what)
		}
	}
	must(c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: role}))
	must(c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: role, RoleName: role}))
	must(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: arn}))
	must(c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role, PolicyName: role, PolicyDocument: aws.String(allow)}))

	conflict("remove roles from instance profile")
	_, err := c.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: role})
	if wiretest.Code(t, err) != "DeleteConflict" {
		t.Errorf("an instance profile with a role was deleted: %v", err)
	}
	must(c.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: role, RoleName: role}))
	conflict("detach all policies")
	must(c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: role, PolicyArn: arn}))
	conflict("delete policies")
	must(c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: role}))
	must(c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role}))
	must(c.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: role}))
	_, err = c.GetRole(ctx, &iam.GetRoleInput{RoleName: role})
	if _, ok := errors.AsType[*types.NoSuchEntityException](err); !ok {
		t.Errorf("the role is still there: %v", err)
	}
}

func TestWhatAWSRefuses(t *testing.T) {
	_, c, _ := serve(t, account.Options{})
	ctx, taken := t.Context(), aws.String("taken")
	createRole(t, c, *taken)
	if _, err := c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: taken}); err != nil {
		t.Fatal(err)
	}
	create := func(name, document string) error {
		_, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &document})
		return err
	}
	put := func(document string) error {
		_, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: taken, PolicyName: aws.String("p"), PolicyDocument: &document})
		return err
	}
	attach := func(arn string) error {
		_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: taken, PolicyArn: &arn})
		return err
	}
	tagged := func(key string) error {
		_, err := c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("p"), Tags: []types.Tag{{Key: &key, Value: aws.String("v")}}})
		return err
	}
	long := strings.Repeat("r", 65)
	tests := map[string]struct {
		err     error
		code    string
		message string
	}{
		"a role that exists":               {create("taken", trust), "EntityAlreadyExists", "Role with name taken already exists."},
		"a role's name in capitals":        {create("TAKEN", trust), "EntityAlreadyExists", "Role with name TAKEN already exists."},
		"a role's name with a space":       {create("a b", trust), "ValidationError", "The specified value for roleName is invalid. It must contain only alphanumeric characters"},
		"a role's name of 65 characters":   {create(long, trust), "ValidationError", "Value '" + long + "' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		"a trust policy that is not JSON":  {create("r", "{"), "MalformedPolicyDocument", "Syntax errors in policy"},
		"a trust policy without principal": {create("r", strings.Replace(allow, `"Resource":"*"`, `"Sid":""`, 1)), "MalformedPolicyDocument", "Missing required field Principal"},
		"a trust policy with a resource":   {create("r", strings.Replace(trust, `"Effect"`, `"Resource":"*","Effect"`, 1)), "MalformedPolicyDocument", "Has prohibited field Resource"},
		"a trust policy for S3":            {create("r", strings.Replace(trust, "sts:AssumeRole", "s3:GetObject", 1)), "MalformedPolicyDocument", "may only specify STS AssumeRole actions"},
		"a trust policy that is too long":  {create("r", `{"Version":"`+strings.Repeat("x", 2048)+`"}`), "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"},
		"a policy without version":         {put(`{"Statement":[]}`), "MalformedPolicyDocument", "version"},
		"a policy without statements":      {put(`{"Version":"2012-10-17","Statement":[]}`), "MalformedPolicyDocument", "no statement"},
		"a policy with a principal":        {put(trust), "MalformedPolicyDocument", "Policy document should not specify a principal."},
		"a policy without resources":       {put(strings.Replace(allow, `,"Resource":"*"`, "", 1)), "MalformedPolicyDocument", "Policy statement must contain resources."},
		"a policy with a bucket's name":    {put(strings.Replace(allow, `"*"`, `"bucket/*"`, 1)), "MalformedPolicyDocument", `Resource bucket/* must be in ARN format or "*".`},
		"a policy with half an action":     {put(strings.Replace(allow, "s3:", "", 1)), "MalformedPolicyDocument", "Actions/Conditions must be prefaced by a vendor"},
		"a policy with a bad Sid":          {put(strings.Replace(allow, `"Effect"`, `"Sid":"a b","Effect"`, 1)), "MalformedPolicyDocument", "Statement IDs (SID) must be alpha-numeric"},
		"a policy with one Sid twice":      {put(twice), "MalformedPolicyDocument", "Statement IDs (SID) in a single policy must be unique."},
		"a policy with a typing error":     {put(strings.Replace(allow, "Effect", "Efect", 1)), "MalformedPolicyDocument", "Efect"},
		"a policy with another effect":     {put(strings.Replace(allow, "Allow", "Permit", 1)), "MalformedPolicyDocument", "Allow or Deny"},
		"a policy with a space before it":  {put(" " + allow), "MalformedPolicyDocument", "JSON strings must not have leading spaces"},
		"policies over 10,240 characters":  {put(strings.Replace(allow, `"*"`, `"arn:aws:s3:::`+strings.Repeat("x", 10240)+`"`, 1)), "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role taken"},
		"no ARN":                           {attach("AmazonS3FullAccess-xxxxxxxx"), "ValidationError", "ARN AmazonS3FullAccess-xxxxxxxx is not valid."},
		"a policy of nobody":               {attach("arn:aws:iam::123456789012:policy/none"), "NoSuchEntity", "Policy arn:aws:iam::123456789012:policy/none does not exist or is not attachable."},
		"a reserved tag":                   {tagged("aws:x"), "ValidationError", "reserved"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := wiretest.Code(t, tt.err); got != tt.code || !strings.Contains(tt.err.Error(), tt.message) {
				t.Errorf("got %q (%v), want %q with %q", got, tt.err, tt.code, tt.message)
			}
		})
	}
	if got, err := c.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: taken}); err != nil || len(got.PolicyNames) > 0 {
		t.Errorf("a policy that was refused is there: %v, %v", got, err)
	}
}

func TestAnInstanceProfileHasOneRole(t *testing.T) {
	_, c, _ := serve(t, account.Options{})
	ctx, profile := t.Context(), aws.String("p")
	createRole(t, c, "a")
	createRole(t, c, "b")
	if _, err := c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: profile}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: profile, RoleName: aws.String("a")}); err != nil {
		t.Fatal(err)
	}
	_, err := c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: profile, RoleName: aws.String("b")})
	if wiretest.Code(t, err) != "LimitExceeded" {
		t.Errorf("a second role: %v", err)
	}
	got, err := c.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: aws.String("a")})
	if err != nil || len(got.InstanceProfiles) != 1 || *got.InstanceProfiles[0].Roles[0].RoleName != "a" {
		t.Errorf("profiles of the role: %v, %v", got, err)
	}
}

func TestServiceLinkedRole(t *testing.T) {
	s, c, _ := serve(t, account.Options{})
	create := func() (*iam.CreateServiceLinkedRoleOutput, error) {
		return c.CreateServiceLinkedRole(t.Context(), &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("batch.amazonaws.com")})
	}
	got, err := create()
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:iam::123456789012:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"; *got.Role.Arn != want {
		t.Errorf("got %s, want %s", *got.Role.Arn, want)
	}
	if _, err := create(); wiretest.Code(t, err) != "InvalidInput" {
		t.Errorf("a second one: %v", err)
	}
	if arn, err := s.ServiceLinkedRole(); err != nil || arn != *got.Role.Arn {
		t.Errorf("another role was made: %v, %v", arn, err)
	}
	_, err = c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: got.Role.RoleName})
	if wiretest.Code(t, err) != "UnmodifiableEntity" {
		t.Errorf("it was deleted: %v", err)
	}
}

func TestBatchMakesItsRoleItself(t *testing.T) {
	s, c, _ := serve(t, account.Options{})
	arn, err := s.ServiceLinkedRole()
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.ListRoles(t.Context(), &iam.ListRolesInput{PathPrefix: aws.String("/aws-service-role/batch.amazonaws.com/")})
	if err != nil || len(got.Roles) != 1 || *got.Roles[0].Arn != arn {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestTrustPoliciesChange(t *testing.T) {
	_, c, _ := serve(t, account.Options{})
	ctx, name, other := t.Context(), aws.String("jobs"), strings.Replace(trust, "ecs-tasks", "ec2", 1)
	createRole(t, c, "jobs")
	for _, document := range []string{other, "{"} {
		_, err := c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: &document})
		if (err == nil) != (document == other) {
			t.Errorf("%s: %v", document, err)
		}
	}
	got, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	if err != nil {
		t.Fatal(err)
	}
	if document, _ := url.QueryUnescape(*got.Role.AssumeRolePolicyDocument); document != other {
		t.Errorf("the trust policy is %s", document)
	}
}

func TestAnInstanceProfileIsAsOldAsItsRole(t *testing.T) {
	s, c, _ := serve(t, account.Options{})
	ctx, name, arn := t.Context(), aws.String("nodes"), "arn:aws:iam::123456789012:instance-profile/nodes"
	createRole(t, c, "nodes")
	if _, err := c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: name}); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.InstanceProfileSince(arn); ok {
		t.Error("an instance profile without role was found")
	}
	if _, err := c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: name}); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"nodes", arn} {
		if since, ok := s.InstanceProfileSince(ref); !ok || !since.Equal(now) {
			t.Errorf("%s: found %v, since %v", ref, ok, since)
		}
	}
}

func TestARoleMayDoWhatAllItsPoliciesAllowWithinItsBoundary(t *testing.T) {
	s, c, _ := serve(t, account.Options{})
	ctx, role := t.Context(), aws.String("jobs")
	createRole(t, c, "jobs")
	if _, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role, PolicyName: role, PolicyDocument: aws.String(allow)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")}); err != nil {
		t.Fatal(err)
	}
	may := func() (list []string) {
		for _, action := range []string{"s3:GetObject", "s3:GetBucketTagging", "s3:PutObject", "logs:PutLogEvents"} {
			if s.Allows("arn:aws:iam::123456789012:role/jobs", action, "arn:aws:s3:::data/x", nil) {
				list = append(list, action)
			}
		}
		return list
	}
	both := []string{"s3:GetObject", "s3:GetBucketTagging"}
	if diff := cmp.Diff(both, may()); diff != "" {
		t.Errorf("without a boundary:\n%s", diff)
	}
	for boundary, want := range map[string][]string{
		"arn:aws:iam::aws:policy/AmazonS3FullAccess":       both,
		"arn:aws:iam::aws:policy/CloudWatchLogsFullAccess": nil,
	} {
		_, err := c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: role, PermissionsBoundary: &boundary})
		if diff := cmp.Diff(want, may()); err != nil || diff != "" {
			t.Errorf("within %s: %v\n%s", boundary, err, diff)
		}
		got, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: role})
		if err != nil || aws.ToString(got.Role.PermissionsBoundary.PermissionsBoundaryArn) != boundary {
			t.Errorf("the role is %+v, %v", got.Role, err)
		}
	}
	if _, err := c.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: role}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(both, may()); diff != "" {
		t.Errorf("with the boundary taken off:\n%s", diff)
	}
}

func TestPoliciesAreListed(t *testing.T) {
	_, c, _ := serve(t, account.Options{})
	ctx, role := t.Context(), aws.String("jobs")
	createRole(t, c, "jobs")
	arn := aws.String("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
	for range 2 { // attaching twice is no error
		if _, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: arn}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"b", "a"} {
		if _, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role, PolicyName: &name, PolicyDocument: aws.String(allow)}); err != nil {
			t.Fatal(err)
		}
	}
	attached, err := c.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: role})
	if err != nil || len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyName != "AmazonECSTaskExecutionRolePolicy" {
		t.Errorf("attached: %v, %v", attached, err)
	}
	inline, err := c.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: role})
	if err != nil || !cmp.Equal(inline.PolicyNames, []string{"a", "b"}) {
		t.Errorf("inline: %v, %v", inline, err)
	}
	profiles, err := c.ListInstanceProfiles(ctx, &iam.ListInstanceProfilesInput{})
	if err != nil || len(profiles.InstanceProfiles) != 0 {
		t.Errorf("profiles: %v, %v", profiles, err)
	}
}

func TestListsComeInPages(t *testing.T) {
	_, c, _ := serve(t, account.Options{})
	for _, name := range []string{"c", "a", "b"} {
		createRole(t, c, name)
	}
	var got []string
	p := iam.NewListRolesPaginator(c, &iam.ListRolesInput{MaxItems: aws.Int32(2)})
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Roles {
			got = append(got, *r.RoleName)
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCallerIdentity(t *testing.T) {
	_, _, c := serve(t, account.Options{Denied: func(context.Context, string, string, map[string]string) bool { return true }})
	got, err := c.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"123456789012", "arn:aws:iam::123456789012:user/ada", "AIDAX"}, []string{*got.Account, *got.Arn, *got.UserId}); diff != "" {
		t.Error(diff)
	}
}

func TestDeniedActionsReadAsAWSSays(t *testing.T) {
	_, c, _ := serve(t, account.Options{Denied: func(_ context.Context, action, _ string, _ map[string]string) bool { return action == "iam:CreateRole" }})
	_, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("jobs"), AssumeRolePolicyDocument: aws.String(trust)})
	want := "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::123456789012:role/jobs"
	if wiretest.Code(t, err) != "AccessDenied" || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want AccessDenied with %q", err, want)
	}
	if _, err := c.ListRoles(t.Context(), &iam.ListRolesInput{}); err != nil {
		t.Errorf("another action: %v", err)
	}
}

func TestOperationNamesTheAction(t *testing.T) {
	s, _, _ := serve(t, account.Options{})
	tests := map[string]bool{"CreateRole": true, "GetRole": false, "SimulatePrincipalPolicy": false, "GetCallerIdentity": false, "Nonsense": false}
	for action, mutating := range tests {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(url.Values{"Action": {action}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got, m := s.Operation(r); got != action || m != mutating {
			t.Errorf("%s: got %s, %v", action, got, m)
		}
	}
}

func TestUnknownParametersAreRefused(t *testing.T) {
	s, _, _ := serve(t, account.Options{})
	tests := map[string]string{
		"Action=GetRole&RoleNane=x":                    "UnknownParameter",
		"Action=GetRole&RoleName=x&RoleName=y":         "MalformedQueryString",
		"Action=CreateRole&RoleName=x&Tags.1.Key=k":    "MalformedInput",
		"Action=CreateRole&Tags.member.2.Key=k":        "MalformedInput",
		"Action=ListRoles&MaxItems=many":               "MalformedInput",
		"Action=Nonsense":                              "InvalidAction",
		"RoleName=x":                                   "MissingAction",
		"Action=GetRole&RoleName.member.1=x":           "MalformedInput",
		"Action=CreateRole&ResultMetadata=x&RoleName=": "UnknownParameter",
	}
	for form, want := range tests {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), "<Code>"+want+"</Code>") {
			t.Errorf("%s: got %d %s, want %s", form, w.Code, w.Body, want)
		}
	}
}
