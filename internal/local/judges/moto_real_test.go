//go:build real

package judges

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// startMoto starts an unmodified moto whose jobs succeed at once, with an image in the repository "stocked".
func startMoto(t *testing.T) local.Info {
	t.Helper()
	t.Setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
	info := local.Info{Endpoint: realtest.StartMoto(t), AccessKey: "test", SecretKey: "test", Region: "us-east-1", Account: account}
	answer, err := http.Post(info.Endpoint+"/moto-api/config", "application/json", strings.NewReader(`{"batch": {"use_docker": false}}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	client := ecr.New(ecr.Options{Region: info.Region, BaseEndpoint: &info.Endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	if _, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("stocked")}); err != nil {
		t.Fatal(err)
	}
	manifest, err := stockedImage.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	image := &ecr.PutImageInput{RepositoryName: aws.String("stocked"), ImageTag: aws.String("v1"), ImageManifest: aws.String(string(manifest))}
	if _, err := client.PutImage(t.Context(), image); err != nil {
		t.Fatal(err)
	}
	return info
}

// opaque are the last names of values that each server makes up.
var opaque = regexp.MustCompile(`(Id|ID|[aA]rn|ARN|DisplayName|Date|At|Time|Initiated|timestamp|LastModified|Digest|ETag|[tT]oken|Endpoint|Uri|Location|uuid|` +
	`logStreamName|serviceRole|subnets\.\*|securityGroupIds\.\*|environment\.\*\.value)$`)

// fields gives the values of an answer by their paths, in which * stands for any place in a list and # for its length.
func fields(value any, path string, to map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for name, item := range v {
			fields(item, strings.TrimPrefix(path+"."+name, "."), to)
		}
	case []any:
		to[path+".#"] = fmt.Sprint(len(v))
		for _, item := range v {
			fields(item, path+".*", to)
		}
	default:
		to[path] = fmt.Sprintf("%#v", v)
		if opaque.MatchString(path) {
			to[path] = "…"
		}
	}
}

func value(fields map[string]string, path string) string {
	if v, ok := fields[path]; ok {
		return v
	}
	return "absent"
}

func (s step) fields(t *testing.T) map[string]string {
	t.Helper()
	var answer any
	if err := json.Unmarshal(s.Answer, &answer); err != nil {
		t.Fatal(err)
	}
	to := map[string]string{}
	fields(answer, "", to)
	return to
}

// differences are lines such as "batch.DescribeJobs jobs.*.container.exitCode: absent in moto, 0 here", each once.
func differences(t *testing.T, moto, here []step) []string {
	t.Helper()
	var lines []string
	note := func(name, path, theirs, ours string) {
		if theirs != ours {
			lines = append(lines, fmt.Sprintf("%s %s: %s in moto, %s here", name, path, theirs, ours))
		}
	}
	for i := range here {
		if name := here[i].name(); moto[i].Error != "" || here[i].Error != "" {
			note(name, "error", cmp.Or(moto[i].Error, "none"), cmp.Or(here[i].Error, "none"))
		} else {
			theirs, ours := moto[i].fields(t), here[i].fields(t)
			for _, path := range slices.Concat(slices.Collect(maps.Keys(theirs)), slices.Collect(maps.Keys(ours))) {
				note(name, path, value(theirs, path), value(ours, path))
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// TestRealDifferencesToMoto sends the same calls to both. Each difference is a quirk of moto that is on the list, or is left out here; another is a fault.
func TestRealDifferencesToMoto(t *testing.T) {
	s := serve(t)
	stock(t, s)
	moto, here := walk(t, startMoto(t), "boto3", "any"), walk(t, s.Info(), "boto3")
	if len(moto) != len(here) {
		t.Fatalf("%d calls to moto, %d to the embedded AWS", len(moto), len(here))
	}
	used := map[reason]bool{}
	for _, line := range differences(t, moto, here) {
		known := false
		for _, r := range slices.Concat(quirks, leftOut) {
			if r.covers(line) {
				known, used[r] = true, true
			}
		}
		if !known {
			t.Errorf("neither a known quirk of moto nor left out: %s", line)
		}
	}
	for _, r := range slices.Concat(quirks, leftOut) {
		if !used[r] {
			t.Errorf("no difference is like this any more: %s", r.lines)
		}
	}
}

func (r reason) covers(line string) bool {
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(r.lines), `\*`, ".*") + "$"
	return regexp.MustCompile(pattern).MatchString(line)
}
