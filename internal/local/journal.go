package local

import (
	"slices"
	"sync"
	"time"
)

// Call is one answered request.
type Call struct {
	Time      time.Time // by the server's clock
	Service   string    // as in signatures: batch, ecr, s3, …
	Operation string    // as in the API reference: SubmitJob, PutObject, …; of the registry registry:GET, registry:PUT, …
	Principal string    // ARN of who signed; "" for the registry
	Status    int       // of HTTP
	Mutating  bool      // whether the operation changes anything when it succeeds
}

// journalSize is how many calls are remembered at least.
const journalSize = 100_000

// journal remembers the latest calls.
type journal struct {
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
}

func (j *journal) list() []Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.calls)
}
