package objects

import (
	"crypto/rand"
	"encoding/xml"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

var (
	errNoSuchBucket = wire.NewFault(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	errNoSuchKey    = wire.NewFault(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	errNoSuchUpload = wire.NewFault(http.StatusNotFound, "NoSuchUpload", "The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	errPrecondition = wire.NewFault(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	errAccessDenied = wire.NewFault(http.StatusForbidden, "AccessDenied", "Access Denied")
	errNoLength     = wire.NewFault(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	errIncomplete   = wire.NewFault(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	errTooLarge     = wire.NewFault(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	errTooSmall     = wire.NewFault(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
	errInvalidPart  = wire.NewFault(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
	errPartOrder    = wire.NewFault(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
	errInvalidRange = wire.NewFault(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	errMalformedXML = wire.NewFault(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
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
	requestID := rand.Text()
	w.Header().Set("x-amz-request-id", requestID)
	if r.Method == http.MethodHead {
		w.WriteHeader(f.Status)
		return
	}
	writeXML(w, f.Status, wire.EncodeXML("Error", types.Error{Code: &f.Code, Message: &f.Message},
		struct{ Resource, RequestId string }{r.URL.Path, requestID}))
}

// writeXML sends a document. The client is gone if this fails; there is nobody left to tell.
func writeXML(w http.ResponseWriter, status int, document []byte) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(xml.Header), document...))
}
