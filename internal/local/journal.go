package local

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Call is one request and what became of it.
type Call struct {
	Time      time.Time `json:"time"`                // by the server's clock
	Service   string    `json:"service"`             // as in signatures: batch, ecr, s3, …
	Operation string    `json:"operation"`           // as in the API reference: SubmitJob, PutObject, …; of the registry registry:GET, registry:PUT, …
	Resource  string    `json:"resource,omitempty"`  // what it was about: an ARN, or the name that the request gives
	Principal string    `json:"principal,omitempty"` // ARN of who signed; "" for the registry, and where the signature was refused
	Status    int       `json:"status"`              // of HTTP, also of an answer that a cut connection took; 0: cut or hung before it had an effect
	Code      string    `json:"code,omitempty"`      // of the error
	Mutating  bool      `json:"mutating"`            // whether the operation changes anything when it succeeds

	Permissions []wire.Permission `json:"permissions,omitempty"` // what a policy has to allow for it
}

type callKey struct{}

func withCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// callOf is the call that ctx belongs to.
func callOf(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c
	}
	return &Call{}
}

// journalSize is how many calls are remembered at least.
const journalSize = 10_000

// journal remembers the latest calls, and writes all of them to out, which may be nil.
type journal struct {
	out   io.Writer
	mu    sync.Mutex
	calls []Call
}

func (j *journal) add(c Call) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.calls) >= 2*journalSize {
		j.calls = slices.Clone(j.calls[journalSize:])
	}
	j.calls = append(j.calls, c)
	if j.out != nil {
		_ = json.NewEncoder(j.out).Encode(c) // a full disk is no reason to refuse calls
	}
}

func (j *journal) list() []Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.calls)
}

// subjects finds in a request of a JSON protocol the first member that names what it is about.
var subjects = regexp.MustCompile(`"(?:computeEnvironment|computeEnvironmentName|jobQueue|jobQueueName|jobDefinition|jobDefinitionName|jobId|` +
	`logGroupName|repositoryName|resourceArn)"\s*:\s*"([^"]+)"`)

// recorder remembers the status of an answer, and the beginning of one that is an error.
type recorder struct {
	http.ResponseWriter
	status int
	start  []byte
	cut    bool // nothing is sent, and the connection ends with the call
}

func (w *recorder) WriteHeader(status int) {
	w.status = status
	if !w.cut {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status >= http.StatusBadRequest {
		w.start = append(w.start, b[:min(len(b), 512-len(w.start))]...)
	}
	if w.cut {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// end cuts the connection of a call that is to end so.
func (w *recorder) end() {
	if !w.cut {
		return
	}
	if conn, _, err := http.NewResponseController(w.ResponseWriter).Hijack(); err == nil {
		_ = conn.Close() // nobody is to hear of it
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// codes finds the code in an error of a protocol that has it in the body alone.
var codes = regexp.MustCompile(`<Code>(\w+)|"code":"(\w+)"`)

func (w *recorder) code() string {
	if code := w.Header().Get("X-Amzn-Errortype"); code != "" {
		return code
	}
	if m := codes.FindSubmatch(w.start); m != nil {
		return string(m[1]) + string(m[2])
	}
	return ""
}
