package objects

import (
	"bytes"
	"crypto/rand"
	"encoding/xml"
	"net/http"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

var (
	errNoSuchBucket  = wire.NewFault(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	errNoSuchKey     = wire.NewFault(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	errNoSuchUpload  = wire.NewFault(http.StatusNotFound, "NoSuchUpload", "The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	errPrecondition  = wire.NewFault(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	errAccessDenied  = wire.NewFault(http.StatusForbidden, "AccessDenied", "Access Denied")
	errNoLength      = wire.NewFault(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	errBadDigest     = wire.NewFault(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	errInvalidDigest = wire.NewFault(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.")
	errIncomplete    = wire.NewFault(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	errTooLarge      = wire.NewFault(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	errTooSmall      = wire.NewFault(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
	errInvalidPart   = wire.NewFault(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
	errPartOrder     = wire.NewFault(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
	errInvalidRange  = wire.NewFault(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	errMalformedXML  = wire.NewFault(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
)

func invalidRequest(text string, args ...any) error {
	return wire.NewFault(http.StatusBadRequest, "InvalidRequest", text, args...)
}

func invalidArgument(text string, args ...any) error {
	return wire.NewFault(http.StatusBadRequest, "InvalidArgument", text, args...)
}

func notImplemented(text string, args ...any) error {
	return wire.NewFault(http.StatusNotImplemented, "NotImplemented", text, args...)
}

// WriteFault states err as S3 does; the answer to HEAD has no body.
func WriteFault(w http.ResponseWriter, r *http.Request, err error) {
	f := wire.AsFault(err)
	if f.Code == "InternalFailure" {
		f.Code = "InternalError"
	}
	document := struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		Resource  string
		RequestID string `xml:"RequestId"`
	}{Code: f.Code, Message: f.Message, Resource: r.URL.Path, RequestID: rand.Text()}
	w.Header().Set("x-amz-request-id", document.RequestID)
	if r.Method == http.MethodHead {
		w.WriteHeader(f.Status)
		return
	}
	writeXML(w, f.Status, document)
}

// writeXML sends what encoding/xml makes of v.
func writeXML(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	// The documents of this package are plain structs: encoding them does not fail.
	_ = xml.NewEncoder(&b).Encode(v)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	// The client is gone if this fails; there is nobody left to tell.
	_, _ = w.Write(append([]byte(xml.Header), b.Bytes()...))
}
