package run

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// shelf is a store with one object of a given age and size.
type shelf struct {
	storeAPI
	age  time.Duration
	size int64
	puts int
}

func (s *shelf) HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return &s3.HeadObjectOutput{ContentLength: &s.size, LastModified: aws.Time(time.Now().Add(-s.age))}, nil
}

func (s *shelf) PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	s.puts++
	return &s3.PutObjectOutput{}, nil
}

// TestCodeIsSentAgainBeforeItExpires: the bucket forgets objects by the time of their last writing, and a run of today needs its archive tomorrow.
func TestCodeIsSentAgainBeforeItExpires(t *testing.T) {
	for name, test := range map[string]struct {
		shelf shelf
		sent  bool
	}{
		"of a minute ago": {shelf{age: time.Minute, size: 4}, false},
		"of last week":    {shelf{age: 7 * 24 * time.Hour, size: 4}, true},
		"cut off":         {shelf{age: time.Minute, size: 3}, true},
	} {
		code, sent, err := SendCode(t.Context(), Clients{S3: &test.shelf}, "b", []byte("code"), "abc")
		if err != nil || sent != test.sent || (test.shelf.puts == 1) != sent {
			t.Errorf("%s: sent %v with %d calls, want %v; %v", name, sent, test.shelf.puts, test.sent, err)
		}
		if want := (Code{Key: ".kedroctl/code/abc.tar.gz", SHA256: "abc", Size: 4}); code != want {
			t.Errorf("%s: %+v", name, code)
		}
	}
}
