package objects

import (
	"bytes"
	"encoding/xml"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

const (
	usEast1    = "us-east-1"
	timeFormat = "2006-01-02T15:04:05.000Z"
)

var bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Prefixes and suffixes that AWS keeps for itself: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var (
	reservedPrefixes = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	reservedSuffixes = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
)

func validBucket(name string) bool {
	begins := func(p string) bool { return strings.HasPrefix(name, p) }
	ends := func(s string) bool { return strings.HasSuffix(name, s) }
	return bucketPattern.MatchString(name) && !strings.Contains(name, "..") && net.ParseIP(name) == nil &&
		!slices.ContainsFunc(reservedPrefixes, begins) && !slices.ContainsFunc(reservedSuffixes, ends)
}

func (s *Service) createBucket(r *request) error {
	if !validBucket(r.bucketName) {
		return wire.NewFault(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	}
	in, err := readBucketConfiguration(r)
	if err != nil {
		return err
	}
	if err := s.checkLocation(string(in.LocationConstraint)); err != nil {
		return err
	}
	tags, err := tagDocument(in.Tags)
	if err != nil {
		return err
	}
	if s.opt.Foreign != nil && s.opt.Foreign(r.bucketName) {
		return wire.NewFault(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	}
	if err := s.addBucket(r.bucketName, tags); err != nil {
		return err
	}
	r.w.Header().Set("Location", "/"+r.bucketName)
	return nil
}

func readBucketConfiguration(r *request) (types.CreateBucketConfiguration, error) {
	var in types.CreateBucketConfiguration
	document, err := readDocument(r.Request)
	if err == nil && len(bytes.TrimSpace(document)) > 0 {
		err = wire.DecodeXML(bytes.NewReader(document), "CreateBucketConfiguration", &in)
	}
	return in, err
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

// tagDocument is the configuration of a bucket that is created with tags, "" without any.
func tagDocument(set []types.Tag) (string, error) {
	if len(set) == 0 {
		return "", nil
	}
	var answer tagsAnswer
	for _, t := range set {
		answer.Tags = append(answer.Tags, tag{aws.ToString(t.Key), aws.ToString(t.Value)})
	}
	document, err := xml.Marshal(answer)
	if err != nil {
		return "", err
	}
	_, err = decodeTags(document, 50)
	return xml.Header + string(document), err
}

func (s *Service) addBucket(name, tags string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.buckets[name]; ok {
		if s.opt.Region == usEast1 { // kept by AWS for old clients
			return nil
		}
		return wire.NewFault(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	}
	b := &bucket{dir: filepath.Join(s.opt.Dir, name), objects: map[string]object{}, uploads: map[string]upload{},
		info: bucketInfo{Name: name, Region: s.opt.Region, Created: s.opt.Now().UTC(), Config: initialConfig()}}
	if tags != "" {
		b.info.Config["tagging"] = tags
	}
	if err := os.MkdirAll(b.blobPath(""), 0o755); err != nil {
		return err
	}
	if err := disk.WriteJSON(b.infoPath(), b.info); err != nil {
		return err
	}
	s.buckets[name] = b
	return nil
}

func (s *Service) headBucket(r *request) error {
	r.w.Header().Set("x-amz-bucket-region", r.bucket.info.Region)
	r.w.Header().Set("x-amz-access-point-alias", "false")
	r.w.Header().Set("Content-Type", "application/xml")
	return nil
}

func (s *Service) deleteBucket(r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.bucket.mu.Lock()
	defer r.bucket.mu.Unlock()
	if r.bucket.gone {
		return errNoSuchBucket
	}
	if len(r.bucket.objects) > 0 {
		return wire.NewFault(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
	}
	// Without this file the directory is no bucket any more, also for the next process.
	if err := os.Remove(r.bucket.infoPath()); err != nil {
		return err
	}
	r.bucket.gone = true
	delete(s.buckets, r.bucketName)
	if err := os.RemoveAll(r.bucket.dir); err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) getLocation(r *request) error {
	region := r.bucket.info.Region
	if region == usEast1 {
		region = ""
	}
	writeXML(r.w, http.StatusOK, struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: region})
	return nil
}

type bucketsAnswer struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Owner   owner
	Buckets []bucketEntry `xml:"Buckets>Bucket"`
	Prefix  string        `xml:",omitempty"`
}

type bucketEntry struct {
	Name         string
	CreationDate string
	BucketRegion string
}

type owner struct {
	ID string
}

func (s *Service) listBuckets(r *request) error {
	answer := bucketsAnswer{Owner: owner{s.opt.Account}, Prefix: r.query.Get("prefix")}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		if strings.HasPrefix(name, answer.Prefix) {
			info := s.buckets[name].info
			answer.Buckets = append(answer.Buckets, bucketEntry{name, stamp(info.Created), info.Region})
		}
	}
	writeXML(r.w, http.StatusOK, answer)
	return nil
}

// stamp is a time as documents have it: S3 keeps whole seconds, as its headers cannot say more.
func stamp(t time.Time) string { return t.UTC().Truncate(time.Second).Format(timeFormat) }
