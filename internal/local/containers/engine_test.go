package containers

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"

	"github.com/kedroctl/kedroctl/internal/engine"
	"github.com/kedroctl/kedroctl/internal/local"
)

// fake is as much of a Docker Engine as a runner asks for. Its containers write their lines when they are asked for them, and end then.
type fake struct {
	t     *testing.T
	apart bool // on another machine
	deaf  bool // and its containers reach this one by no address

	mu         sync.Mutex
	containers map[string]*held // by id
	making     map[string]bool  // names that are taken by containers that are not made yet
}

// held is a container of the engine.
type held struct {
	name     string
	state    container.ContainerState
	labels   map[string]string
	lines    []string
	env      []string
	network  string
	exit     int
	oom      bool
	removing int           // how many more removals are refused
	stop     chan struct{} // the container ends when that is closed; nil: at once
	grace    string        // seconds that it was given to end
}

// newEngine is a fake with a machine of 1 GiB, and a runner on it for the state directory /state.
func newEngine(t *testing.T) (*fake, *Runner) {
	t.Helper()
	e := &fake{t: t, containers: map[string]*held{}, making: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.44") })
	mux.HandleFunc("GET /{version}/info", func(w http.ResponseWriter, _ *http.Request) { e.answer(w, system.Info{NCPU: 2, MemTotal: 1 << 30}) })
	mux.HandleFunc("POST /{version}/images/create", e.pull)
	mux.HandleFunc("GET /{version}/containers/json", e.list)
	mux.HandleFunc("POST /{version}/containers/create", e.create)
	mux.HandleFunc("GET /{version}/containers/{id}/json", e.with(e.inspect))
	mux.HandleFunc("GET /{version}/containers/{id}/logs", e.with(e.logs))
	mux.HandleFunc("POST /{version}/containers/{id}/start", e.with(e.start))
	mux.HandleFunc("POST /{version}/containers/{id}/wait", e.with(func(w http.ResponseWriter, c *held) { e.answer(w, container.WaitResponse{StatusCode: int64(c.exit)}) }))
	mux.HandleFunc("POST /{version}/containers/{id}/stop", e.stop)
	mux.HandleFunc("DELETE /{version}/containers/{id}", e.remove)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	r, end, err := Maker(engine.Endpoint{Host: "tcp://" + s.Listener.Addr().String()}, "/state")(t.Context(), local.Info{Endpoint: "http://127.0.0.1:4566"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return e, r.(*Runner)
}

// pull goes to the registry of a probe, unless the engine is on another machine. It has all other images.
func (e *fake) pull(_ http.ResponseWriter, r *http.Request) {
	if registry, ok := strings.CutSuffix(r.URL.Query().Get("fromImage"), "/kedroctl/probe"); ok && !e.apart {
		if answer, err := http.Get("http://" + registry + "/v2/"); err == nil {
			answer.Body.Close()
		}
	}
}

func (e *fake) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		e.t.Error(err)
	}
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":%q}`, why)
}

// find gives a container by its id or name.
func (e *fake) find(key string) (string, *held) {
	for id, c := range e.containers {
		if key == id || key == c.name {
			return id, c
		}
	}
	return "", nil
}

func (e *fake) with(do func(http.ResponseWriter, *held)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if _, c := e.find(r.PathValue("id")); c != nil {
			do(w, c)
			return
		}
		refuse(w, http.StatusNotFound, "No such container")
	}
}

func (e *fake) list(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := []container.Summary{}
	for id, c := range e.containers {
		if strings.Contains(r.URL.Query().Get("filters"), labelOwner+"="+c.labels[labelOwner]+`"`) {
			found = append(found, container.Summary{ID: id, Labels: c.labels})
		}
	}
	e.answer(w, found)
}

func (e *fake) create(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	name := r.URL.Query().Get("name")
	if _, c := e.find(name); c != nil || e.making[name] {
		refuse(w, http.StatusConflict, "Conflict. The container name is already in use")
		return
	}
	var config struct {
		container.Config
		HostConfig container.HostConfig
	}
	if err := json.NewDecoder(r.Body).Decode(&config); err != nil {
		e.t.Error(err)
	}
	c := &held{name: name, state: container.StateCreated, labels: config.Labels, lines: config.Cmd, env: config.Env, network: string(config.HostConfig.NetworkMode)}
	if len(config.Entrypoint) > 5 && config.Entrypoint[2] == knock {
		c.lines = []string{e.knock(config.Entrypoint[3], config.Entrypoint[4], config.Entrypoint[6:])}
	}
	e.containers["new "+name] = c
	w.WriteHeader(http.StatusCreated)
	e.answer(w, container.CreateResponse{ID: "new " + name})
}

// knock asks the addresses as the container of the search for a way does.
func (e *fake) knock(word, port string, hosts []string) string {
	if e.deaf {
		hosts = nil
	}
	for _, host := range hosts {
		answer, err := http.Get("http://" + host + ":" + port)
		if err != nil {
			continue
		}
		said, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err == nil && string(said) == word {
			return host
		}
	}
	return "nobody answers"
}

// start is not for containers that have run: they would do their work twice.
func (e *fake) start(_ http.ResponseWriter, c *held) {
	if c.state != container.StateCreated {
		e.t.Errorf("start of a container that is %s", c.state)
	}
	c.state = container.StateRunning
}

func (e *fake) inspect(w http.ResponseWriter, c *held) {
	id, _ := e.find(c.name)
	e.answer(w, container.InspectResponse{ID: id, State: &container.State{Status: c.state, ExitCode: c.exit, OOMKilled: c.oom},
		Config: &container.Config{Labels: c.labels}})
}

func (e *fake) logs(w http.ResponseWriter, c *held) {
	for i, line := range c.lines {
		stream := []byte{byte(stdcopy.Stdout), byte(stdcopy.Stderr)}[i%2]
		w.Write(append(binary.BigEndian.AppendUint32([]byte{stream, 0, 0, 0}, uint32(len(line)+1)), line+"\n"...))
	}
	if c.stop != nil {
		e.mu.Unlock()
		<-c.stop
		e.mu.Lock()
	}
	c.state = container.StateExited
}

func (e *fake) stop(_ http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, c := e.find(r.PathValue("id"))
	c.grace, c.exit = r.URL.Query().Get("t"), 143
	close(c.stop)
}

func (e *fake) remove(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id, c := e.find(r.PathValue("id"))
	switch {
	case c == nil:
		refuse(w, http.StatusNotFound, "No such container")
	case c.removing > 0:
		c.removing--
		refuse(w, http.StatusConflict, "removal of container "+id+" is already in progress")
	default:
		delete(e.containers, id)
	}
}

// put adds a container of the state directory /state.
func (e *fake) put(job string, c held) {
	c.name, c.labels = "kedroctl-"+job, map[string]string{labelOwner: "/state", labelJob: job}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.making, c.name)
	e.containers["id of "+job] = &c
}

func (e *fake) left() (names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.containers {
		names = append(names, c.name)
	}
	return names
}

// eventually waits for what comes soon.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come within 10 s")
		}
	}
}
