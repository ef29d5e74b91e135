package objects_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

func TestBucketNames(t *testing.T) {
	c, _ := serve(t, objects.Options{Foreign: func(name string) bool { return name == "of-somebody-else" }})
	create(t, c, "mine")
	tests := map[string]string{
		"kedro-spaceflights-3f9c02ab": "",
		"a.b.c":                       "",
		strings.Repeat("b", 63):       "",
		"mine":                        "BucketAlreadyOwnedByYou",
		"of-somebody-else":            "BucketAlreadyExists",
		"ab":                          "InvalidBucketName",
		strings.Repeat("b", 64):       "InvalidBucketName",
		"Upper":                       "InvalidBucketName",
		"under_score":                 "InvalidBucketName",
		"a..b":                        "InvalidBucketName",
		"-dash":                       "InvalidBucketName",
		"dash-":                       "InvalidBucketName",
		"192.168.0.1":                 "InvalidBucketName",
		"xn--punycode":                "InvalidBucketName",
		"alias-s3alias":               "InvalidBucketName",
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			if got := wiretest.Code(t, tryCreate(c, name, region)); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestLocationConstraints(t *testing.T) {
	tests := []struct{ region, constraint, want string }{
		{"eu-west-1", "eu-west-1", ""},
		{"eu-west-1", "", "IllegalLocationConstraintException"},
		{"eu-west-1", "eu-central-1", "IllegalLocationConstraintException"},
		{"us-east-1", "", ""},
		{"us-east-1", "eu-west-1", "IllegalLocationConstraintException"},
	}
	for _, tt := range tests {
		t.Run(tt.region+" "+tt.constraint, func(t *testing.T) {
			c, _ := serve(t, objects.Options{Region: tt.region})
			if got := wiretest.Code(t, tryCreate(c, "data", tt.constraint)); got != tt.want {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			if tt.want != "" {
				return
			}
			got, err := c.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: aws.String("data")})
			if err != nil || string(got.LocationConstraint) != tt.constraint {
				t.Errorf("location %v, %v", got, err)
			}
			head, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("data")})
			if err != nil || *head.BucketRegion != tt.region {
				t.Errorf("head: %v, %v", head, err)
			}
		})
	}
}

func TestCreatingAgainInUSEast1IsNoError(t *testing.T) {
	c, _ := serve(t, objects.Options{Region: "us-east-1"})
	for range 2 {
		if err := tryCreate(c, "data", ""); err != nil {
			t.Error(err)
		}
	}
}

func TestABucketGoesWhenItIsEmpty(t *testing.T) {
	c := withBucket(t)
	put(t, c, "x", "1")
	remove := func() error {
		_, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("data")})
		return err
	}
	if got := wiretest.Code(t, remove()); got != "BucketNotEmpty" {
		t.Fatalf("got %q", got)
	}
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("data"), Key: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	_, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("data")})
	if wiretest.Code(t, err) != "NotFound" {
		t.Errorf("head after deletion: %v", err)
	}
	if got := wiretest.Code(t, remove()); got != "NoSuchBucket" {
		t.Errorf("second deletion: %q", got)
	}
}

func TestForeignBucketsCannotBeUsed(t *testing.T) {
	c, _ := serve(t, objects.Options{Foreign: func(name string) bool { return name == "theirs" }})
	_, head := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("theirs")})
	_, list := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("theirs")})
	_, write := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("theirs"), Key: aws.String("x"), Body: strings.NewReader("1")})
	if diff := cmp.Diff([]string{"Forbidden", "AccessDenied", "AccessDenied"}, []string{wiretest.Code(t, head), wiretest.Code(t, list), wiretest.Code(t, write)}); diff != "" {
		t.Error(diff)
	}
}

func TestAnotherOwnerWasExpected(t *testing.T) {
	c := withBucket(t)
	head := func(owner string) string {
		_, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("data"), ExpectedBucketOwner: &owner})
		return wiretest.Code(t, err)
	}
	if diff := cmp.Diff([]string{"", "Forbidden"}, []string{head("123456789012"), head("210987654321")}); diff != "" {
		t.Error(diff)
	}
}

func TestTimesAreTheSameInHeadersAndLists(t *testing.T) {
	c, server := serve(t, objects.Options{})
	create(t, c, "data")
	put(t, c, "x", "1")
	list, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("data")})
	if err != nil {
		t.Fatal(err)
	}
	head, err := http.Head(server.URL + "/data/x")
	if err != nil {
		t.Fatal(err)
	}
	defer head.Body.Close()
	want := now.Truncate(time.Second).Format(http.TimeFormat)
	got := []string{list.Contents[0].LastModified.Format(http.TimeFormat), head.Header.Get("Last-Modified")}
	if diff := cmp.Diff([]string{want, want}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBucketsAreListed(t *testing.T) {
	c := withBucket(t)
	create(t, c, "other")
	got, err := c.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil || len(got.Buckets) != 2 || *got.Buckets[1].Name != "other" || *got.Buckets[0].BucketRegion != region {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestStateSurvives(t *testing.T) {
	dir := t.TempDir()
	c, server := serve(t, objects.Options{Dir: dir})
	create(t, c, "data")
	create(t, c, "gone")
	put(t, c, "a/b", "content")
	put(t, c, "a/b", "newer")
	if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("gone")}); err != nil {
		t.Fatal(err)
	}
	server.Close()
	again, _ := serve(t, objects.Options{Dir: dir})
	if got := get(t, again, "a/b"); got != "newer" {
		t.Errorf("after a restart: %q", got)
	}
	got, err := again.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil || len(got.Buckets) != 1 {
		t.Errorf("buckets after a restart: %v, %v", got, err)
	}
}
