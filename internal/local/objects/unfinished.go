package objects

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// listUploads lists the uploads that are neither completed nor aborted, by key, then by the time of their beginning.
func (s *Service) listUploads(r *request) ([]any, error) {
	if r.query.Get("delimiter") != "" {
		return nil, notImplemented("the embedded S3 lists uploads without a delimiter only")
	}
	limit, err := r.limit("max-uploads", 1, pageLimit)
	if err != nil {
		return nil, err
	}
	prefix := r.query.Get("prefix")
	all := s.store.list(uploads, r.bucket, prefix, "")
	slices.SortFunc(all, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.ID.Key, b.ID.Key), a.Modified.Compare(b.Modified), cmp.Compare(a.ID.Upload, b.ID.Upload))
	})
	key, id := r.query.Get("key-marker"), r.query.Get("upload-id-marker")
	if at := slices.IndexFunc(all, func(u record) bool { return u.ID.Key == key && u.ID.Upload == id }); id != "" && at >= 0 {
		all = all[at+1:]
	} else {
		all = slices.DeleteFunc(all, func(u record) bool { return u.ID.Key <= key })
	}
	out := s3.ListMultipartUploadsOutput{Bucket: &r.bucket, Prefix: r.encode(prefix), KeyMarker: r.encode(key), UploadIdMarker: &id,
		MaxUploads: aws.Int32(int32(limit)), IsTruncated: aws.Bool(len(all) > limit), EncodingType: types.EncodingType(r.query.Get("encoding-type"))}
	all = all[:min(len(all), limit)]
	if *out.IsTruncated {
		last := all[limit-1].ID
		out.NextKeyMarker, out.NextUploadIdMarker = r.encode(last.Key), &last.Upload
	}
	var listed []types.MultipartUpload
	for _, u := range all {
		listed = append(listed, types.MultipartUpload{Key: r.encode(u.ID.Key), UploadId: &u.ID.Upload, Initiated: &u.Modified, StorageClass: types.StorageClassStandard,
			Owner: s.owner(), Initiator: &types.Initiator{ID: &s.opt.Account}, ChecksumAlgorithm: types.ChecksumAlgorithm(u.Checksum.Algorithm),
			ChecksumType: types.ChecksumType(u.Checksum.Type)})
	}
	out.Uploads = listed
	return []any{out}, nil
}

// listParts lists what an upload has already.
func (s *Service) listParts(r *request) ([]any, error) {
	limit, err := r.limit("max-parts", 1, pageLimit)
	if err != nil {
		return nil, err
	}
	u, ok := s.store.get(r.upload())
	if !ok {
		return nil, errNoSuchUpload
	}
	after, _ := strconv.Atoi(r.query.Get("part-number-marker"))
	all := s.store.parts(u.ID, after)
	out := s3.ListPartsOutput{Bucket: &r.bucket, Key: &r.key, UploadId: &u.ID.Upload, MaxParts: aws.Int32(int32(limit)), IsTruncated: aws.Bool(len(all) > limit),
		PartNumberMarker: aws.String(strconv.Itoa(after)), StorageClass: types.StorageClassStandard, Owner: s.owner(), Initiator: &types.Initiator{ID: &s.opt.Account},
		ChecksumAlgorithm: types.ChecksumAlgorithm(u.Checksum.Algorithm), ChecksumType: types.ChecksumType(u.Checksum.Type)}
	all = all[:min(len(all), limit)]
	if *out.IsTruncated {
		out.NextPartNumberMarker = aws.String(strconv.Itoa(all[limit-1].ID.Part))
	}
	for _, p := range all {
		part := types.Part{PartNumber: aws.Int32(int32(p.ID.Part)), ETag: p.quotedETag(), Size: &p.Size, LastModified: &p.Modified}
		if value := p.Checksum.field(&part); value.IsValid() {
			value.Set(reflect.ValueOf(&p.Checksum.Value))
		}
		out.Parts = append(out.Parts, part)
	}
	return []any{out}, nil
}

// parts are those of an upload whose numbers come after another, in their order.
func (s *store) parts(u id, after int) []record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []record
	for n, r := range s.records {
		if n.Part > after && n == u.part(n.Part) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b record) int { return cmp.Compare(a.ID.Part, b.ID.Part) })
	return found
}
