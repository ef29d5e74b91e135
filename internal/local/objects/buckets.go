package objects

import (
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

const usEast1 = "us-east-1"

// Names that S3 takes, and the prefixes and suffixes that it keeps for itself:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var (
	bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	reserved      = regexp.MustCompile(`\.\.|^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$`)
)

func (s *Service) createBucket(r *request) ([]any, error) {
	if !bucketPattern.MatchString(r.bucket) || reserved.MatchString(r.bucket) || net.ParseIP(r.bucket) != nil {
		return nil, wire.NewFault(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	}
	in, err := readXML[types.CreateBucketConfiguration](r.Request, "CreateBucketConfiguration")
	if err != nil && r.ContentLength != 0 {
		return nil, err
	}
	if err := s.checkLocation(string(in.LocationConstraint)); err != nil {
		return nil, err
	}
	b := record{ID: r.subject(), Modified: s.opt.Now().UTC()}
	if b.Config, err = tagsConfig(in.Tags, buckets); err != nil {
		return nil, err
	}
	for _, c := range configs {
		if c.kind == buckets && c.initial != "" {
			b.Config[c.query] = c.initial
		}
	}
	b.Config["location"] = "<LocationConstraint>" + strings.TrimPrefix(s.opt.Region, usEast1) + "</LocationConstraint>"
	r.w.Header().Set("Location", "/"+r.bucket)
	return nil, s.store.replace(b.ID, func(old record, exists bool) (record, error) {
		switch {
		case s.opt.Foreign != nil && s.opt.Foreign(r.bucket):
			return b, wire.NewFault(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
		case exists && s.opt.Region == usEast1: // kept by AWS for old clients
			return old, nil
		case exists:
			return b, wire.NewFault(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
		}
		return b, nil
	})
}

// checkLocation wants the constraint to name the region, and to be absent in us-east-1.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func (s *Service) checkLocation(asked string) error {
	switch {
	case asked == "" && s.opt.Region == usEast1, asked == s.opt.Region && asked != usEast1:
		return nil
	case asked == "":
		asked = "unspecified"
	}
	return wire.NewFault(http.StatusBadRequest, "IllegalLocationConstraintException",
		"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", asked)
}

func (s *Service) headBucket(r *request) ([]any, error) {
	r.w.Header().Set("x-amz-bucket-region", s.opt.Region)
	return nil, nil
}

// deleteBucket takes the bucket's unfinished uploads away too.
func (s *Service) deleteBucket(r *request) ([]any, error) {
	return nil, s.store.change(func() ([]record, error) {
		if _, ok := s.store.records[r.subject()]; !ok {
			return nil, errNoSuchBucket
		}
		changes := []record{r.subject().gone()}
		for n := range s.store.records {
			if n.Bucket == r.bucket && n.Kind == objects {
				return nil, wire.NewFault(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
			}
			if n.Bucket == r.bucket {
				changes = append(changes, n.gone())
			}
		}
		return changes, nil
	})
}

func (s *Service) listBuckets(r *request) ([]any, error) {
	limit, err := r.limit("max-buckets", 1, 10_000)
	if err != nil {
		return nil, err
	}
	prefix := r.query.Get("prefix")
	out := s3.ListBucketsOutput{Owner: s.owner(), Prefix: r.given("prefix")}
	for _, b := range s.store.list(buckets, "", prefix, r.query.Get("continuation-token")) {
		if len(out.Buckets) == limit {
			out.ContinuationToken = out.Buckets[limit-1].Name
			break
		}
		out.Buckets = append(out.Buckets, types.Bucket{Name: &b.ID.Key, CreationDate: &b.Modified, BucketRegion: &s.opt.Region})
	}
	return []any{out}, nil
}

func (s *Service) owner() *types.Owner { return &types.Owner{ID: &s.opt.Account} }
