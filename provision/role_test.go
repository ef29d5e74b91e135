package provision

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// Two policies that every account has, as boundaries.
const (
	onlyS3   = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
	onlyLogs = "arn:aws:iam::aws:policy/CloudWatchLogsFullAccess"
)

func bounded(t *testing.T, path, boundary string) Spec {
	t.Helper()
	return testSpec(t, func(p *project.Project) { p.Settings.AWS.RolePath, p.Settings.AWS.PermissionsBoundary = path, boundary })
}

func boundaryNow(t *testing.T, a *testAWS, role string) string {
	t.Helper()
	return boundaryOf(*must(t, a.iam.GetRole, &iam.GetRoleInput{RoleName: &role}).Role)
}

func TestRolesHavePathAndBoundary(t *testing.T) {
	a, s := embedded(t), bounded(t, "/teams/data/", onlyS3)
	res := mustApply(t, a, s)
	for _, arn := range []string{res.JobRole, res.InstanceProfile} {
		if !strings.Contains(arn, "/teams/data/kedro-") {
			t.Errorf("path of %s", arn)
		}
	}
	for _, role := range []string{s.JobRole, s.InstanceRole} {
		if got := boundaryNow(t, a, role); got != onlyS3 {
			t.Errorf("boundary of %s: %q", role, got)
		}
	}
	a.mutations()
	mustApply(t, a, s)
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("what stands was changed: %v", calls)
	}
	if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{}); err != nil {
		t.Fatal(err)
	}
	if left := whatIsLeft(t, a); len(left) > 1 {
		t.Errorf("left: %v", left)
	}
}

func TestABoundaryIsPutWhereItDiffersAndNeverTakenOff(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	mustApply(t, a, s)
	must(t, a.iam.PutRolePermissionsBoundary, &iam.PutRolePermissionsBoundaryInput{RoleName: &s.JobRole, PermissionsBoundary: aws.String(onlyLogs)})
	a.mutations()
	mustApply(t, a, s)
	if calls := a.mutations(); len(calls) > 0 || boundaryNow(t, a, s.JobRole) != onlyLogs {
		t.Errorf("what an administrator has put was changed: %v", calls)
	}
	mustApply(t, a, bounded(t, "", onlyS3))
	want := []string{"IAM.PutRolePermissionsBoundary", "IAM.PutRolePermissionsBoundary"}
	if diff := cmp.Diff(want, a.mutations()); diff != "" || boundaryNow(t, a, s.JobRole) != onlyS3 {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAnotherPathIsRefused(t *testing.T) {
	a := embedded(t)
	mustApply(t, a, testSpec(t))
	a.mutations()
	_, err := Apply(t.Context(), a.Clients, bounded(t, "/teams/data/", ""), &steps{})
	if err == nil || !strings.Contains(err.Error(), "it has the path /, and aws.role_path is /teams/data/") || !strings.Contains(ui.Hint(err), "destroy") {
		t.Errorf("error %v, hint %q", err, ui.Hint(err))
	}
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("it changed %v", calls)
	}
}

// TestKeyOfABucketThatWasThere lets jobs use it through S3, and nothing else of the account's keys.
func TestKeyOfABucketThatWasThere(t *testing.T) {
	const key = "arn:aws:kms:eu-west-1:000000000000:key/0b1c"
	for name, test := range map[string]struct{ id, want string }{
		"by ARN":        {key, key},
		"by id":         {"0b1c", key},
		"by alias":      {"alias/lake", "arn:aws:kms:*:*:key/*"},
		"of AWS itself": {"arn:aws:kms:eu-west-1:000000000000:alias/aws/s3", ""},
		"none":          {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, s := embedded(t), testSpec(t)
			encryption := &s3types.ServerSideEncryptionByDefault{SSEAlgorithm: s3types.ServerSideEncryptionAwsKms}
			if test.id != "" {
				encryption.KMSMasterKeyID = &test.id
			}
			must(t, a.s3.CreateBucket, &s3.CreateBucketInput{Bucket: &s.Bucket,
				CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(s.Region)}})
			must(t, a.s3.PutBucketEncryption, &s3.PutBucketEncryptionInput{Bucket: &s.Bucket, ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{
				Rules: []s3types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: encryption}}}})
			mustApply(t, a, s)
			role := must(t, a.iam.GetRolePolicy, &iam.GetRolePolicyInput{RoleName: &s.JobRole, PolicyName: aws.String(policyName)})
			text := unescape(role.PolicyDocument)
			if test.want == "" {
				if strings.Contains(text, "kms:") {
					t.Errorf("jobs need no key: %s", text)
				}
				return
			}
			for _, want := range []string{`"kms:Decrypt","kms:GenerateDataKey"`, `"` + test.want + `"`, `"kms:ViaService":["s3.*.amazonaws.com"]`} {
				if !strings.Contains(text, want) {
					t.Errorf("the policy of jobs lacks %s: %s", want, text)
				}
			}
			if byAlias := strings.Contains(text, `"kms:ResourceAliases":["alias/lake"]`); byAlias != (name == "by alias") {
				t.Errorf("named by alias: %v", byAlias)
			}
			a.mutations()
			mustApply(t, a, s)
			if calls := a.mutations(); len(calls) > 0 {
				t.Errorf("what stands was changed: %v", calls)
			}
		})
	}
}

// TestWithoutTheRightToSeeAKey goes on: settings can name it.
func TestWithoutTheRightToSeeAKey(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	their := testSpec(t, func(p *project.Project) { p.Name, p.Settings.Image.Repository = "Theirs", "theirs" })
	mustApply(t, a, their)
	must(t, a.s3.DeleteBucketTagging, &s3.DeleteBucketTaggingInput{Bucket: &their.Bucket})
	script, err := faults.Parse(strings.NewReader("deny s3:GetEncryptionConfiguration"))
	if err != nil {
		t.Fatal(err)
	}
	a.server.SetFaults(script)
	res := mustApply(t, a, s)
	if !slices.ContainsFunc(res.All, func(r Resource) bool { return r.Kind == KindBucket && r.State == Existing }) {
		t.Errorf("resources %+v", res.All)
	}
}

func TestExamineKnowsTheKeyOfABucketOfOthers(t *testing.T) {
	a, s := embedded(t), testSpec(t, func(p *project.Project) { p.Settings.Bucket = "theirs-bucket" })
	theirStack(t, a)
	mustApply(t, a, s)
	if found := Examine(t.Context(), a.Clients, s); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}
