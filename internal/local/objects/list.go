package objects

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const pageLimit = 1000

// entry is one line of a listing: an object, or the common prefix of several.
type entry struct {
	name   string
	prefix bool
	object object
}

// listing is a page of a bucket.
type listing struct {
	entries   []entry
	truncated bool
}

// last is the name after which the next page begins.
func (l listing) last() string {
	if !l.truncated || len(l.entries) == 0 {
		return ""
	}
	return l.entries[len(l.entries)-1].name
}

// list is the page of at most limit entries after the marker, in the order of UTF-8 bytes. Keys that share what follows prefix up to the
// delimiter are one entry.
func (b *bucket) list(prefix, delimiter, marker string, limit int) listing {
	b.mu.RLock()
	defer b.mu.RUnlock()
	keys := make([]string, 0, len(b.objects))
	for key := range b.objects {
		if strings.HasPrefix(key, prefix) && key > marker {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var page listing
	for _, key := range keys {
		e := entry{name: key}
		if common, ok := commonPrefix(key, prefix, delimiter); ok {
			e = entry{name: common, prefix: true}
			if marker == common || len(page.entries) > 0 && page.entries[len(page.entries)-1].name == common {
				continue
			}
		} else {
			e.object = b.objects[key]
		}
		if len(page.entries) == limit {
			page.truncated = true
			break
		}
		page.entries = append(page.entries, e)
	}
	return page
}

func commonPrefix(key, prefix, delimiter string) (string, bool) {
	if delimiter == "" {
		return "", false
	}
	head, _, ok := strings.Cut(key[len(prefix):], delimiter)
	return prefix + head + delimiter, ok
}

// limit is the greatest number of entries asked for, at most 1,000.
func (r *request) limit(name string) (int, error) {
	asked := r.query.Get(name)
	if asked == "" {
		return pageLimit, nil
	}
	n, err := strconv.Atoi(asked)
	if err != nil || n < 0 {
		return 0, invalidArgument("Argument %s must be an integer between 0 and 2147483647", name)
	}
	return min(n, pageLimit), nil
}

// encoder is how names are written into the answer: as they are, or percent-encoded on request, since XML cannot carry every character.
func (r *request) encoder() (kind string, encode func(string) string, err error) {
	switch kind = r.query.Get("encoding-type"); kind {
	case "":
		return kind, func(s string) string { return s }, nil
	case "url":
		return kind, func(s string) string {
			return strings.NewReplacer("%2F", "/", "+", "%20").Replace(url.QueryEscape(s))
		}, nil
	}
	return "", nil, invalidArgument("Invalid Encoding Method specified in Request")
}

// listAnswer is ListBucketResult of both versions.
type listAnswer struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Marker                *string
	NextMarker            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	KeyCount              *int
	MaxKeys               int
	Delimiter             string `xml:",omitempty"`
	IsTruncated           bool
	EncodingType          string `xml:",omitempty"`
	Contents              []contentEntry
	CommonPrefixes        []prefixEntry
}

type contentEntry struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm string
	ChecksumType      string
	Size              int64
	StorageClass      string
	Owner             *owner
}

type prefixEntry struct {
	Prefix string
}

func (s *Service) listObjects(r *request) error {
	marker := r.query.Get("marker")
	answer, page, encode, err := s.page(r, marker, true)
	if err != nil {
		return err
	}
	marker = encode(marker)
	answer.Marker = &marker
	if answer.Delimiter != "" { // without one, the last key is the next marker
		answer.NextMarker = encode(page.last())
	}
	writeXML(r.w, http.StatusOK, answer)
	return nil
}

func (s *Service) listObjectsV2(r *request) error {
	token, after := r.query.Get("continuation-token"), r.query.Get("start-after")
	marker := after
	if r.query.Has("continuation-token") {
		raw, err := base64.URLEncoding.DecodeString(token)
		if err != nil || len(raw) == 0 {
			return invalidArgument("The continuation token provided is incorrect")
		}
		marker = string(raw)
	}
	answer, page, encode, err := s.page(r, marker, r.query.Get("fetch-owner") == "true")
	if err != nil {
		return err
	}
	count := len(page.entries)
	answer.KeyCount, answer.ContinuationToken, answer.StartAfter = &count, token, encode(after)
	answer.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(page.last()))
	writeXML(r.w, http.StatusOK, answer)
	return nil
}

// page lists, and fills what both versions of the answer have.
func (s *Service) page(r *request, marker string, withOwner bool) (listAnswer, listing, func(string) string, error) {
	limit, err := r.limit("max-keys")
	if err != nil {
		return listAnswer{}, listing{}, nil, err
	}
	kind, encode, err := r.encoder()
	if err != nil {
		return listAnswer{}, listing{}, nil, err
	}
	prefix, delimiter := r.query.Get("prefix"), r.query.Get("delimiter")
	page := r.bucket.list(prefix, delimiter, marker, limit)
	if limit == 0 {
		page.truncated = false
	}
	answer := listAnswer{Name: r.bucketName, Prefix: encode(prefix), MaxKeys: limit, Delimiter: encode(delimiter), IsTruncated: page.truncated, EncodingType: kind}
	for _, e := range page.entries {
		if e.prefix {
			answer.CommonPrefixes = append(answer.CommonPrefixes, prefixEntry{encode(e.name)})
			continue
		}
		answer.Contents = append(answer.Contents, s.content(e, encode, withOwner))
	}
	return answer, page, encode, nil
}

func (s *Service) content(e entry, encode func(string) string, withOwner bool) contentEntry {
	c := contentEntry{Key: encode(e.name), LastModified: stamp(e.object.Modified), ETag: quoted(e.object.ETag), Size: e.object.Size,
		ChecksumAlgorithm: e.object.Checksum.Algorithm, ChecksumType: e.object.Checksum.Type, StorageClass: "STANDARD"}
	if withOwner {
		c.Owner = &owner{s.opt.Account}
	}
	return c
}

type versionsAnswer struct {
	XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name                string
	Prefix              string
	KeyMarker           string
	VersionIDMarker     string `xml:"VersionIdMarker"`
	NextKeyMarker       string `xml:",omitempty"`
	NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
	MaxKeys             int
	Delimiter           string `xml:",omitempty"`
	IsTruncated         bool
	EncodingType        string `xml:",omitempty"`
	Version             []versionEntry
	CommonPrefixes      []prefixEntry
}

type versionEntry struct {
	contentEntry
	VersionID string `xml:"VersionId"`
	IsLatest  bool
}

// listVersions lists every object as its only version, called null.
func (s *Service) listVersions(r *request) error {
	marker := r.query.Get("key-marker")
	l, page, encode, err := s.page(r, marker, true)
	if err != nil {
		return err
	}
	answer := versionsAnswer{Name: l.Name, Prefix: l.Prefix, KeyMarker: encode(marker), VersionIDMarker: r.query.Get("version-id-marker"),
		NextKeyMarker: encode(page.last()), MaxKeys: l.MaxKeys, Delimiter: l.Delimiter, IsTruncated: l.IsTruncated, EncodingType: l.EncodingType,
		CommonPrefixes: l.CommonPrefixes}
	if l.IsTruncated {
		answer.NextVersionIDMarker = "null"
	}
	for _, c := range l.Contents {
		answer.Version = append(answer.Version, versionEntry{c, "null", true})
	}
	writeXML(r.w, http.StatusOK, answer)
	return nil
}

type uploadsAnswer struct {
	XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket             string
	KeyMarker          string
	UploadIDMarker     string `xml:"UploadIdMarker"`
	NextKeyMarker      string `xml:",omitempty"`
	NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
	Prefix             string
	MaxUploads         int
	IsTruncated        bool
	EncodingType       string `xml:",omitempty"`
	Upload             []uploadEntry
}

type uploadEntry struct {
	Key          string
	UploadID     string `xml:"UploadId"`
	Owner        owner
	StorageClass string
	Initiated    string
}

func (s *Service) listUploads(r *request) error {
	limit, err := r.limit("max-uploads")
	if err != nil {
		return err
	}
	kind, encode, err := r.encoder()
	if err != nil {
		return err
	}
	prefix, key, id := r.query.Get("prefix"), r.query.Get("key-marker"), r.query.Get("upload-id-marker")
	answer := uploadsAnswer{Bucket: r.bucketName, KeyMarker: encode(key), UploadIDMarker: id, Prefix: encode(prefix), MaxUploads: limit, EncodingType: kind}
	uploads := r.bucket.uploadsAfter(prefix, key, id)
	if answer.IsTruncated = len(uploads) > limit; answer.IsTruncated {
		uploads = uploads[:limit]
	}
	for _, u := range uploads {
		answer.Upload = append(answer.Upload, uploadEntry{encode(u.Target.Key), u.ID, owner{s.opt.Account}, "STANDARD", stamp(u.Started)})
		if answer.IsTruncated {
			answer.NextKeyMarker, answer.NextUploadIDMarker = encode(u.Target.Key), u.ID
		}
	}
	writeXML(r.w, http.StatusOK, answer)
	return nil
}

// uploadsAfter are those of keys with the prefix, after a key and an id of it, ordered by key and id.
func (b *bucket) uploadsAfter(prefix, key, id string) []upload {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var found []upload
	for _, u := range b.uploads {
		after := u.Target.Key > key || u.Target.Key == key && id != "" && u.ID > id
		if after && strings.HasPrefix(u.Target.Key, prefix) {
			found = append(found, u)
		}
	}
	slices.SortFunc(found, func(x, y upload) int {
		return strings.Compare(x.Target.Key+"\x00"+x.ID, y.Target.Key+"\x00"+y.ID)
	})
	return found
}
