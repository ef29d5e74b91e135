package local

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// The request is one that the SDK for C++ sent (pyarrow, with the keys a and b): it signs a content-length of 0.
func TestSignatureOfAnotherSDK(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:5598/fsb/x/df.parquet?uploads", nil)
	for name, value := range map[string]string{
		"amz-sdk-invocation-id": "0C9987E4-0000-4000-B94C-6ABA00000000",
		"amz-sdk-request":       "attempt=1",
		"content-type":          "application/octet-stream",
		"x-amz-api-version":     "2006-03-01",
		"x-amz-content-sha256":  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"x-amz-date":            "20261125T105937Z",
	} {
		r.Header.Set(name, value)
	}
	sc := scopeOf("AWS4-HMAC-SHA256 Credential=a/20261125/eu-west-1/s3/aws4_request, SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;" +
		"content-length;content-type;host;x-amz-api-version;x-amz-content-sha256;x-amz-date, " +
		"Signature=af3d47e3aba0927cfb2fe8a6abfd9905d1c4a35a019f2cd60f48d8918b541e6f")
	if got := (key{id: "a", secret: "b"}).sign(r, sc, nil); got != sc.signature {
		t.Errorf("got %s, want %s", got, sc.signature)
	}
}

// A signature that does not cover the host could be sent to any.
func TestSignaturesCoverTheHost(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	now := time.Now().UTC()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/v1/describejobs", nil)
	r.Header.Set("X-Amz-Date", now.Format(dateFormat))
	for _, covers := range []bool{true, false} {
		sc := scope{accessKey: "test", date: now.Format("20060102"), region: "us-east-1", service: "batch", headers: []string{"x-amz-date"}}
		if covers {
			sc.headers = []string{"host", "x-amz-date"}
		}
		sc.signature = ownKey(s.opt).sign(r, sc, nil)
		if _, err := s.verify(r, sc, nil); (err == nil) != covers {
			t.Errorf("covers the host %v: %v", covers, err)
		} else if err != nil && wire.AsFault(err).Code != "InvalidSignatureException" {
			t.Error(err)
		}
	}
}
