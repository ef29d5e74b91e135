package cmd

import (
	"io"
	"net/http"
	"strings"
	"testing"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestAnswersHaveWholeNumbers(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"vcpus":2.0,"list":[1,{"memory":4096.0}],"text":"2.5"}`, `{"list":[1,{"memory":4096}],"text":"2.5","vcpus":2}`},
		{`{"startedAt":1.764070000123e12,"exact":1764070000123}`, `{"exact":1764070000123,"startedAt":1764070000123}`},
		{`not JSON 2.0`, `not JSON 2.0`},
	} {
		r := &smithyhttp.Response{Response: &http.Response{Body: io.NopCloser(strings.NewReader(c.in))}}
		if err := makeWhole(r); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r.Body)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s (%v), want %s", c.in, got, err, c.want)
		}
	}
}
