package build

import (
	"encoding/json"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/jsonstream"

	"github.com/kedroctl/kedroctl/internal/ui"
)

const manifestDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// spoken is a push stream as the engine writes it, a JSON object a line.
func spoken(t *testing.T, lines ...string) iter.Seq2[jsonstream.Message, error] {
	t.Helper()
	return func(yield func(jsonstream.Message, error) bool) {
		for _, line := range lines {
			var m jsonstream.Message
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

func TestReadStream(t *testing.T) {
	layers := []string{
		`{"status":"The push refers to repository [127.0.0.1:5000/demo]"}`,
		`{"status":"Preparing","progressDetail":{},"id":"aaaaaaaaaaaa"}`,
		`{"status":"Pushing","progressDetail":{"current":512,"total":2048},"id":"aaaaaaaaaaaa"}`,
		`{"status":"Layer already exists","progressDetail":{},"id":"bbbbbbbbbbbb"}`,
		`{"status":"Pushed","progressDetail":{},"id":"aaaaaaaaaaaa"}`,
	}
	tests := []struct {
		name string
		last []string
	}{
		{"containerd store", []string{`{"status":"v1: digest: ` + manifestDigest + ` size: 948"}`}},
		{"graph driver", []string{
			`{"status":"v1: digest: ` + manifestDigest + ` size: 948"}`,
			`{"progressDetail":{},"aux":{"Tag":"v1","Digest":"` + manifestDigest + `","Size":948}}`,
		}},
	}
	podman, err := readStream(spoken(t, `{"status":"The push refers to repository [127.0.0.1:5000/demo:v1]"}`, `{"status":"v1: digest: `+manifestDigest+` size: 430"}`), nil)
	if err != nil || podman.digest != manifestDigest || podman.told {
		t.Errorf("Podman, which tells of no layer: %+v, %v", podman, err)
	}
	for _, tt := range tests {
		var events []LayerEvent
		s, err := readStream(spoken(t, append(layers, tt.last...)...), func(e LayerEvent) { events = append(events, e) })
		if err != nil || s.digest != manifestDigest || !s.layers["aaaaaaaaaaaa"] || s.layers["bbbbbbbbbbbb"] || !s.told {
			t.Errorf("%s: %+v, %v", tt.name, s, err)
		}
		want := []LayerEvent{
			{Layer: "aaaaaaaaaaaa", State: "Preparing"}, {Layer: "aaaaaaaaaaaa", State: "Pushing", Done: 512, Total: 2048},
			{Layer: "bbbbbbbbbbbb", State: "Layer already exists"}, {Layer: "aaaaaaaaaaaa", State: "Pushed"},
		}
		if diff := cmp.Diff(want, events); diff != "" {
			t.Errorf("%s: events (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestReadStreamErrors(t *testing.T) {
	tests := []struct{ name, line, want, hint string }{
		{"no repository", `{"errorDetail":{"message":"name unknown: The repository with name 'demo' does not exist in the registry with id '123456789012'"}}`, "name unknown", "kedroctl provision"},
		{"wrong password", `{"errorDetail":{"message":"unauthorized: authentication required"}}`, "unauthorized", "ecr:GetAuthorizationToken"},
		{"no answer", `{"status":"Preparing","id":"aaaaaaaaaaaa"}`, "without naming a digest", ""},
	}
	for _, tt := range tests {
		_, err := readStream(spoken(t, tt.line), nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(ui.Hint(err), tt.hint) {
			t.Errorf("%s: error %v, hint %q", tt.name, err, ui.Hint(err))
		}
	}
}
