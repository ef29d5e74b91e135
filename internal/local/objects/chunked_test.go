package objects_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/local/objects"
)

func TestStreamedBodies(t *testing.T) {
	c, server := serve(t, objects.Options{})
	create(t, c, "data")
	const end = "0\r\nx-amz-checksum-crc32:g9zvtw==\r\n\r\n" // of "1"
	tests := map[string]struct {
		body, length, trailer, encoding string
		want                            string // a fault's code, or else the content
		fault                           bool
	}{
		"with a trailer":            {"1\r\n1\r\n" + end, "1", "x-amz-checksum-crc32", "aws-chunked", "1", false},
		"with signatures":           {"1;chunk-signature=ab\r\n1\r\n0;chunk-signature=cd\r\n\r\n", "1", "", "aws-chunked", "1", false},
		"of a compressed object":    {"1\r\n1\r\n" + end, "1", "x-amz-checksum-crc32", "zstd,aws-chunked", "1", false},
		"in two chunks":             {"2000\r\n" + strings.Repeat("x", 8192) + "\r\n1\r\n1\r\n0\r\n\r\n", "8193", "", "aws-chunked", strings.Repeat("x", 8192) + "1", false},
		"with another checksum":     {"1\r\n2\r\n" + end, "1", "x-amz-checksum-crc32", "aws-chunked", "BadDigest", true},
		"without the trailer":       {"1\r\n1\r\n0\r\n\r\n", "1", "x-amz-checksum-crc32", "aws-chunked", "MalformedTrailerError", true},
		"with an unknown trailer":   {"1\r\n1\r\n" + end, "1", "x-amz-checksum-crc31", "aws-chunked", "InvalidRequest", true},
		"that is cut":               {"5\r\n1", "5", "", "aws-chunked", "IncompleteBody", true},
		"of another length":         {"1\r\n1\r\n" + end, "2", "x-amz-checksum-crc32", "aws-chunked", "IncompleteBody", true},
		"longer than it says":       {"3\r\n123\r\n" + end, "1", "x-amz-checksum-crc32", "aws-chunked", "IncompleteBody", true},
		"without a length":          {"1\r\n1\r\n" + end, "", "x-amz-checksum-crc32", "aws-chunked", "MissingContentLength", true},
		"of a size that is no size": {"x\r\n1\r\n0\r\n\r\n", "1", "", "aws-chunked", "InvalidRequest", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodPut, server.URL+"/data/x", strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range map[string]string{"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": tt.length,
				"x-amz-trailer": tt.trailer, "content-encoding": tt.encoding} {
				if v != "" {
					r.Header.Set(k, v)
				}
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			text := read(t, response.Body)
			if tt.fault {
				if !strings.Contains(text, "<Code>"+tt.want+"</Code>") {
					t.Errorf("got %s, want %s", text, tt.want)
				}
				return
			}
			if response.StatusCode != http.StatusOK {
				t.Fatalf("got %d %s", response.StatusCode, text)
			}
			if response, err = http.Get(server.URL + "/data/x"); err != nil {
				t.Fatal(err)
			}
			if got := read(t, response.Body); got != tt.want {
				t.Errorf("got %.40q, want %.40q", got, tt.want)
			}
			if e := response.Header.Get("Content-Encoding"); strings.Contains(e, "chunked") {
				t.Errorf("the object's encoding is %s", e)
			}
		})
	}
}
