package objects

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// overrides are the headers that a client may ask to have changed in an answer.
var overrides = []string{"Content-Type", "Content-Language", "Expires", "Cache-Control", "Content-Disposition", "Content-Encoding"}

// getObject serves GET and HEAD, whole or a part, with the conditions of RFC 9110.
func (s *Service) getObject(r *request) error {
	if err := onlyCurrent(r); err != nil {
		return err
	}
	o, f, err := r.bucket.open(r.key)
	if errors.Is(err, errNoSuchKey) {
		return s.missing(r)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	// An answer that is an error must not have the object's headers: its encoding and checksum would not fit the body.
	unmodified, err := o.precondition(r.Header)
	if err != nil {
		return err
	}
	section, err := o.section(r)
	if err != nil && !unmodified {
		return err
	}
	o.setHeaders(r)
	if unmodified {
		r.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if !section.partial && strings.EqualFold(r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		o.Checksum.setHeaders(r.w.Header())
	}
	return section.send(r, f)
}

// onlyCurrent takes requests for a version: without versioning the only one is called null.
func onlyCurrent(r *request) error {
	if v := r.query.Get("versionId"); v != "" && v != "null" {
		return invalidArgument("Invalid version id specified")
	}
	return nil
}

func (o object) setHeaders(r *request) {
	h := r.w.Header()
	h.Set("Content-Type", "binary/octet-stream")
	for name, value := range o.Headers {
		h.Set(name, value)
	}
	for _, name := range overrides {
		if v := r.query.Get("response-" + strings.ToLower(name)); v != "" {
			h.Set(name, v)
		}
	}
	h.Set("ETag", quoted(o.ETag))
	h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	h.Set("x-amz-server-side-encryption", "AES256")
	if len(o.Tags) > 0 {
		h.Set("x-amz-tagging-count", strconv.Itoa(len(o.Tags)))
	}
	if r.query.Has("partNumber") && len(o.Parts) > 0 {
		h.Set("x-amz-mp-parts-count", strconv.Itoa(len(o.Parts)))
	}
}

// precondition evaluates the conditions of a read: unmodified is 304, a fault 412.
func (o object) precondition(h http.Header) (unmodified bool, err error) {
	match, noneMatch, since := h.Get("If-Match"), h.Get("If-None-Match"), h.Get("If-Modified-Since")
	if match != "" && !etagIn(match, o.ETag) || match == "" && o.newerThan(h.Get("If-Unmodified-Since")) {
		return false, errPrecondition
	}
	if noneMatch != "" {
		return etagIn(noneMatch, o.ETag), nil
	}
	_, err = http.ParseTime(since)
	return err == nil && !o.newerThan(since), nil
}

// newerThan compares in seconds, as HTTP's dates have no fractions; a date that cannot be read is no condition.
func (o object) newerThan(date string) bool {
	t, err := http.ParseTime(date)
	return err == nil && o.Modified.Unix() > t.Unix()
}

func etagIn(list, etag string) bool {
	for e := range strings.SplitSeq(list, ",") {
		if e = strings.TrimSpace(e); e == "*" || unquoted(e) == etag {
			return true
		}
	}
	return false
}

func quoted(etag string) string   { return `"` + etag + `"` }
func unquoted(etag string) string { return strings.Trim(etag, `"`) }

// section is what is sent of an object, in bytes.
type section struct {
	start, length, size int64
	partial             bool
}

// section is what partNumber or Range ask for. A Range that is no single range of bytes is ignored, as RFC 9110 wants.
func (o object) section(r *request) (section, error) {
	if number := r.query.Get("partNumber"); number != "" {
		return o.partSection(number)
	}
	all := section{0, o.Size, o.Size, false}
	first, last, ok := strings.Cut(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-")
	if !ok || !strings.HasPrefix(r.Header.Get("Range"), "bytes=") || strings.Contains(last, ",") {
		return all, nil
	}
	return bounds(first, last, all)
}

// bounds is first-last, first-, or -count from the end.
func bounds(first, last string, all section) (section, error) {
	from, err := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	switch {
	case first == "" && err2 == nil:
		if to == 0 {
			return section{}, errInvalidRange
		}
		from, to = max(all.size-to, 0), all.size-1
	case err != nil || last != "" && (err2 != nil || to < from):
		return all, nil
	case last == "" || to >= all.size:
		to = all.size - 1
	}
	if from >= all.size {
		return section{}, errInvalidRange
	}
	return section{from, to - from + 1, all.size, true}, nil
}

func (o object) partSection(number string) (section, error) {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > maxParts {
		return section{}, invalidArgument("Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	sizes := o.Parts
	if len(sizes) == 0 {
		sizes = []int64{o.Size}
	}
	if n > len(sizes) {
		return section{}, wire.NewFault(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber", "The requested partnumber is not satisfiable")
	}
	var start int64
	for _, size := range sizes[:n-1] {
		start += size
	}
	return section{start, sizes[n-1], o.Size, o.Size > 0}, nil
}

func (c section) send(r *request, f *os.File) error {
	h, status := r.w.Header(), http.StatusOK
	h.Set("Content-Length", strconv.FormatInt(c.length, 10))
	if c.partial {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", c.start, c.start+c.length-1, c.size))
	}
	if _, err := f.Seek(c.start, io.SeekStart); err != nil {
		return err
	}
	r.w.WriteHeader(status)
	if r.Method != http.MethodHead {
		// The client is gone if this fails; there is nobody left to tell.
		_, _ = io.CopyN(r.w, f, c.length)
	}
	return nil
}
