package provision

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kedroctl/kedroctl/internal/local/images"
)

// withECR answers calls of ECR by a service of its own.
type withECR struct {
	aws.HTTPClient
	ecr http.Handler
}

func newECR(t *testing.T) http.Handler {
	t.Helper()
	s, err := images.New(images.Options{Dir: t.TempDir(), Region: testRegion, Account: "000000000000", Host: "127.0.0.1:4566"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w withECR) Do(r *http.Request) (*http.Response, error) {
	if !strings.Contains(r.Header.Get("Authorization"), "/ecr/aws4_request") {
		return w.HTTPClient.Do(r)
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	answer := httptest.NewRecorder()
	w.ecr.ServeHTTP(answer, in)
	return answer.Result(), nil
}
