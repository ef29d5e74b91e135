package objects_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

func TestListings(t *testing.T) {
	c := withBucket(t)
	for _, key := range []string{"a", "b/1", "b/2", "b/c/3", "d/4", "e e", "z"} {
		put(t, c, key, "x")
	}
	tests := map[string]struct {
		in   s3.ListObjectsV2Input
		want []string
	}{
		"everything":                    {s3.ListObjectsV2Input{}, []string{"a", "b/1", "b/2", "b/c/3", "d/4", "e e", "z"}},
		"a prefix":                      {s3.ListObjectsV2Input{Prefix: aws.String("b/")}, []string{"b/1", "b/2", "b/c/3"}},
		"directories":                   {s3.ListObjectsV2Input{Delimiter: aws.String("/")}, []string{"a", "e e", "z", "b/", "d/"}},
		"a directory":                   {s3.ListObjectsV2Input{Delimiter: aws.String("/"), Prefix: aws.String("b/")}, []string{"b/1", "b/2", "b/c/"}},
		"another delimiter":             {s3.ListObjectsV2Input{Delimiter: aws.String(" ")}, []string{"a", "b/1", "b/2", "b/c/3", "d/4", "z", "e "}},
		"after a key":                   {s3.ListObjectsV2Input{StartAfter: aws.String("b/2")}, []string{"b/c/3", "d/4", "e e", "z"}},
		"directories after a key":       {s3.ListObjectsV2Input{StartAfter: aws.String("b/2"), Delimiter: aws.String("/")}, []string{"e e", "z", "b/", "d/"}},
		"a prefix that is nowhere":      {s3.ListObjectsV2Input{Prefix: aws.String("nowhere/")}, nil},
		"a prefix with a blank, safely": {s3.ListObjectsV2Input{Prefix: aws.String("e "), EncodingType: "url"}, []string{"e e"}},
	}
	for name, tt := range tests {
		for _, size := range []int32{1, 2, 1000} {
			t.Run(name, func(t *testing.T) {
				tt.in.Bucket, tt.in.MaxKeys = aws.String("data"), &size
				if diff := cmp.Diff(tt.want, listV2(t, c, tt.in)); diff != "" {
					t.Errorf("pages of %d: %s", size, diff)
				}
				if tt.in.StartAfter == nil {
					if diff := cmp.Diff(tt.want, listV1(t, c, tt.in)); diff != "" {
						t.Errorf("version 1, pages of %d: %s", size, diff)
					}
				}
			})
		}
	}
}

// listV2 gives keys, then common prefixes.
func listV2(t *testing.T, c *s3.Client, in s3.ListObjectsV2Input) (names []string) {
	t.Helper()
	var prefixes []string
	p := s3.NewListObjectsV2Paginator(c, &in)
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if int(*page.KeyCount) != len(page.Contents)+len(page.CommonPrefixes) {
			t.Errorf("a page of %d counts %d", len(page.Contents)+len(page.CommonPrefixes), *page.KeyCount)
		}
		for _, o := range page.Contents {
			names = append(names, unescape(in, *o.Key))
		}
		for _, x := range page.CommonPrefixes {
			prefixes = append(prefixes, *x.Prefix)
		}
	}
	return append(names, prefixes...)
}

// unescape is for the names in these tests.
func unescape(in s3.ListObjectsV2Input, key string) string {
	if in.EncodingType == "url" && key == "e%20e" {
		return "e e"
	}
	return key
}

func listV1(t *testing.T, c *s3.Client, v2 s3.ListObjectsV2Input) (names []string) {
	t.Helper()
	var prefixes []string
	in := s3.ListObjectsInput{Bucket: v2.Bucket, MaxKeys: v2.MaxKeys, Prefix: v2.Prefix, Delimiter: v2.Delimiter}
	for {
		page, err := c.ListObjects(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			names, in.Marker = append(names, *o.Key), o.Key
		}
		for _, x := range page.CommonPrefixes {
			prefixes = append(prefixes, *x.Prefix)
		}
		if !*page.IsTruncated {
			return append(names, prefixes...)
		}
		if page.NextMarker != nil {
			in.Marker = page.NextMarker
		}
	}
}

func TestEveryObjectHasOneVersion(t *testing.T) {
	c := withBucket(t)
	for _, key := range []string{"a", "b", "c"} {
		put(t, c, key, "old")
		put(t, c, key, "new")
	}
	var got []string
	p := s3.NewListObjectVersionsPaginator(c, &s3.ListObjectVersionsInput{Bucket: aws.String("data"), MaxKeys: aws.Int32(2)})
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			got = append(got, *v.Key+" "+*v.VersionId)
		}
	}
	if diff := cmp.Diff([]string{"a null", "b null", "c null"}, got); diff != "" {
		t.Error(diff)
	}
}
