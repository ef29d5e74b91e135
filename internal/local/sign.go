package local

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/httpbinding"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	dateFormat = "20060102T150405Z"
	maxSkew    = 15 * time.Minute // "Elements of an AWS API request signature" in the IAM User Guide
)

// scope is what the Authorization header of a signed request says.
type scope struct {
	accessKey, date, region, service string
	headers                          []string
	signature                        string
}

func scopeOf(auth string) scope {
	var sc scope
	for part := range strings.SplitSeq(strings.TrimPrefix(auth, algorithm), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			if f := strings.Split(value, "/"); len(f) == 5 && f[4] == "aws4_request" {
				sc.accessKey, sc.date, sc.region, sc.service = f[0], f[1], f[2], f[3]
			}
		case "SignedHeaders":
			sc.headers = strings.Split(value, ";")
		case "Signature":
			sc.signature = value
		}
	}
	return sc
}

// verify finds who signed a request, by signing it again with the secret that belongs to the access key.
func (s *Server) verify(r *http.Request, sc scope, body []byte) (wire.Caller, error) {
	refused := func(code, format string, args ...any) (wire.Caller, error) {
		if sc.service == "ec2" {
			return wire.Caller{}, wire.NewFault(http.StatusUnauthorized, code, format, args...)
		}
		return wire.Caller{}, wire.NewFault(http.StatusForbidden, code, format, args...)
	}
	k, ok := s.key(sc.accessKey)
	if !ok || k.token != r.Header.Get("X-Amz-Security-Token") {
		return refused(words[sc.service].unknownKey, "The security token included in the request is invalid.")
	}
	// IAM is global: its requests are signed for us-east-1 from everywhere.
	if sc.region != s.opt.Region && sc.service != "iam" {
		return refused(words[sc.service].mismatch, "Credential should be scoped to a valid region: %s is served, not %s.", s.opt.Region, sc.region)
	}
	if !slices.Contains(sc.headers, "host") {
		return refused(words[sc.service].mismatch, "'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	at, err := time.Parse(dateFormat, r.Header.Get("X-Amz-Date"))
	// Clients sign by the machine's clock, whatever clock the server lives by, or by the server's, once an answer has told them what time that one has.
	skew := min(time.Since(at).Abs(), s.opt.Clock.Now().Sub(at).Abs())
	if err != nil || !strings.HasPrefix(r.Header.Get("X-Amz-Date"), sc.date) || skew > maxSkew {
		return refused(words[sc.service].mismatch, "Signature expired or its date is not that of the request: %s", r.Header.Get("X-Amz-Date"))
	}
	if !hmac.Equal([]byte(k.sign(r, sc, body)), []byte(sc.signature)) {
		return refused(words[sc.service].mismatch,
			"The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	}
	return k.caller, nil
}

// sign is the signature that the owner of the key puts on the request. The SDK's own signer cannot stand in: it leaves out a content-length
// of 0, which the SDK for C++ signs (pyarrow uses that one).
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func (k key) sign(r *http.Request, sc scope, body []byte) string {
	request := sha256.Sum256([]byte(canonical(r, sc, body)))
	region := strings.Join([]string{sc.date, sc.region, sc.service, "aws4_request"}, "/")
	text := strings.Join([]string{algorithm, r.Header.Get("X-Amz-Date"), region, hex.EncodeToString(request[:])}, "\n")
	secret := []byte("AWS4" + k.secret)
	for _, part := range []string{sc.date, sc.region, sc.service, "aws4_request", text} {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(part)) // never fails
		secret = mac.Sum(nil)
	}
	return hex.EncodeToString(secret)
}

// canonical is the request in the form that is signed. Paths are escaped once more, but those of S3.
func canonical(r *http.Request, sc scope, body []byte) string {
	path, payload := r.URL.EscapedPath(), r.Header.Get("X-Amz-Content-Sha256")
	if sc.service != "s3" {
		path = httpbinding.EscapePath(path, false)
	}
	if sc.service != "s3" || payload == "" {
		sum := sha256.Sum256(body)
		payload = hex.EncodeToString(sum[:])
	}
	lines := []string{r.Method, path, strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")}
	for _, name := range sc.headers {
		value := strings.Join(r.Header.Values(name), ",")
		switch name { // which net/http does not leave among the headers
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		lines = append(lines, name+":"+strings.Join(strings.Fields(value), " "))
	}
	return strings.Join(append(lines, "", strings.Join(sc.headers, ";"), payload), "\n")
}

// words are those with which services refuse a key that they do not know, a signature that does not match, and calls above their rate (Batch does that
// itself). Source: the errors pages of their API references.
var words = map[string]struct {
	unknownKey, mismatch string
	throttled            *wire.Fault
}{
	"s3":    {"InvalidAccessKeyId", "SignatureDoesNotMatch", wire.NewFault(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")},
	"iam":   {"InvalidClientTokenId", "SignatureDoesNotMatch", wire.NewFault(http.StatusBadRequest, "Throttling", "Rate exceeded")},
	"sts":   {"InvalidClientTokenId", "SignatureDoesNotMatch", wire.NewFault(http.StatusBadRequest, "Throttling", "Rate exceeded")},
	"ec2":   {"AuthFailure", "AuthFailure", wire.NewFault(http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.")},
	"ecr":   {"UnrecognizedClientException", "InvalidSignatureException", wire.NewFault(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")},
	"logs":  {"UnrecognizedClientException", "InvalidSignatureException", wire.NewFault(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")},
	"batch": {"UnrecognizedClientException", "InvalidSignatureException", nil},
}
