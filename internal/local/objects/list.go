package objects

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const pageLimit = 1000 // entries of a listing

// limit is the greatest number of entries asked for, at least least, and most where more or nothing is asked.
func (r *request) limit(name string, least, most int) (int, error) {
	asked := r.query.Get(name)
	if asked == "" {
		return most, nil
	}
	n, err := strconv.Atoi(asked)
	if err != nil || n < least {
		return 0, invalidArgument("Argument %s must be an integer between %d and 2147483647", name, least)
	}
	return min(n, most), nil
}

// given is a parameter of the request, nil where it has none.
func (r *request) given(name string) *string {
	if v := r.query.Get(name); v != "" {
		return &v
	}
	return nil
}

// encode writes a name as it is, or percent-encoded on request, since XML cannot carry every character.
func (r *request) encode(name string) *string {
	if r.query.Get("encoding-type") == "url" {
		name = strings.NewReplacer("%2F", "/", "+", "%20").Replace(url.QueryEscape(name))
	}
	return &name
}

// page is what the three listings of objects have in common, and the name after which the next page begins, "" with the last. Keys that share what
// follows the prefix up to the delimiter are one entry.
func (s *Service) page(r *request, marker string) (out s3.ListObjectsV2Output, last string, err error) {
	prefix, delimiter := r.query.Get("prefix"), r.query.Get("delimiter")
	limit, err := r.limit("max-keys", 0, pageLimit)
	if kind := r.query.Get("encoding-type"); kind != "" && kind != "url" {
		err = invalidArgument("Invalid Encoding Method specified in Request")
	}
	if err != nil {
		return out, "", err
	}
	out = s3.ListObjectsV2Output{Name: &r.bucket, Prefix: r.encode(prefix), MaxKeys: aws.Int32(int32(limit)), IsTruncated: aws.Bool(false),
		EncodingType: types.EncodingType(r.query.Get("encoding-type"))}
	if delimiter != "" {
		out.Delimiter = r.encode(delimiter)
	}
	count := 0
	for _, o := range s.store.list(objects, r.bucket, prefix, marker) {
		name, common := o.ID.Key, false
		if head, _, ok := strings.Cut(name[len(prefix):], delimiter); ok && delimiter != "" {
			name, common = prefix+head+delimiter, true
		}
		if common && (name == last || name == marker) {
			continue
		}
		if count == limit {
			out.IsTruncated = aws.Bool(limit > 0)
			return out, last, nil
		}
		if last = name; common {
			out.CommonPrefixes = append(out.CommonPrefixes, types.CommonPrefix{Prefix: r.encode(name)})
		} else {
			out.Contents = append(out.Contents, s.entry(r, o))
		}
		count++
	}
	return out, "", nil
}

func (s *Service) entry(r *request, o record) types.Object {
	return types.Object{Key: r.encode(o.ID.Key), LastModified: &o.Modified, ETag: o.quotedETag(), Size: &o.Size, StorageClass: types.ObjectStorageClassStandard,
		Owner: s.owner(), ChecksumAlgorithm: []types.ChecksumAlgorithm{types.ChecksumAlgorithm(o.Checksum.Algorithm)}, ChecksumType: types.ChecksumType(o.Checksum.Type)}
}

func (s *Service) listObjects(r *request) ([]any, error) {
	marker := r.query.Get("marker")
	out, last, err := s.page(r, marker)
	more := s3.ListObjectsOutput{Marker: r.encode(marker)}
	if out.Delimiter != nil && last != "" { // without one, the last key is the next marker
		more.NextMarker = r.encode(last)
	}
	return []any{out, more}, err
}

func (s *Service) listObjectsV2(r *request) ([]any, error) {
	marker := r.query.Get("start-after")
	if r.query.Has("continuation-token") {
		raw, err := base64.URLEncoding.DecodeString(r.query.Get("continuation-token"))
		if err != nil || len(raw) == 0 {
			return nil, invalidArgument("The continuation token provided is incorrect")
		}
		marker = string(raw)
	}
	out, last, err := s.page(r, marker)
	if r.query.Get("fetch-owner") != "true" {
		for i := range out.Contents {
			out.Contents[i].Owner = nil
		}
	}
	out.KeyCount = aws.Int32(int32(len(out.Contents) + len(out.CommonPrefixes)))
	out.ContinuationToken = r.given("continuation-token")
	if after := r.given("start-after"); after != nil {
		out.StartAfter = r.encode(*after)
	}
	if last != "" {
		out.NextContinuationToken = aws.String(base64.URLEncoding.EncodeToString([]byte(last)))
	}
	return []any{out}, err
}

// listVersions lists every object as its only version, called null.
func (s *Service) listVersions(r *request) ([]any, error) {
	marker := r.query.Get("key-marker")
	out, last, err := s.page(r, marker)
	more := s3.ListObjectVersionsOutput{KeyMarker: r.encode(marker), VersionIdMarker: aws.String(r.query.Get("version-id-marker"))}
	if last != "" {
		more.NextKeyMarker, more.NextVersionIdMarker = r.encode(last), aws.String("null")
	}
	for _, o := range out.Contents {
		more.Versions = append(more.Versions, types.ObjectVersion{Key: o.Key, VersionId: aws.String("null"), IsLatest: aws.Bool(true), LastModified: o.LastModified,
			ETag: o.ETag, Size: o.Size, StorageClass: types.ObjectVersionStorageClassStandard, Owner: o.Owner,
			ChecksumAlgorithm: o.ChecksumAlgorithm, ChecksumType: o.ChecksumType})
	}
	out.Contents = nil
	return []any{out, more}, err
}
