package containers

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

// serveAWS is a server that gives credentials, and says hello otherwise.
func serveAWS(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/credentials/x" {
			io.WriteString(w, `{"AccessKeyId":"ASIA1","SecretAccessKey":"s=1","Token":"t","RoleArn":"arn","Expiration":"2030-01-01T00:00:00Z"}`)
			return
		}
		io.WriteString(w, "hello "+r.Host)
	}))
	t.Cleanup(s.Close)
	return s
}

// apartRunner is a runner on an engine that is not on this machine.
func apartRunner(t *testing.T, endpoint string) (*fake, *Runner, string) {
	t.Helper()
	own, err := ownAddresses()
	if err != nil || len(own) == 0 {
		t.Skipf("SKIPPED: this machine has no address but its loopback (%v)", err)
	}
	e, r := newEngine(t)
	e.apart = true
	r.server.Endpoint, r.link.endpoint = endpoint, endpoint
	return e, r, own[0]
}

func TestJoin(t *testing.T) {
	s := serveAWS(t)
	env := []string{"AWS_ENDPOINT_URL=" + s.URL, "AWS_CONTAINER_CREDENTIALS_FULL_URI=" + s.URL + "/credentials/x", "OTHER=" + s.URL + "0"}

	t.Run("an engine of this machine", func(t *testing.T) {
		_, r := newEngine(t)
		c, h := &container.Config{Env: slices.Clone(env), Labels: map[string]string{}}, &container.HostConfig{}
		if err := r.link.join(t.Context(), "image", c, h); err != nil {
			t.Fatal(err)
		}
		if h.NetworkMode != "host" || !slices.Equal(c.Env, env) || len(c.Labels) > 0 {
			t.Errorf("network %s, variables %q, labels %v", h.NetworkMode, c.Env, c.Labels)
		}
	})
	t.Run("an engine elsewhere", func(t *testing.T) {
		_, r, own := apartRunner(t, s.URL)
		c, h := &container.Config{Env: slices.Clone(env), Labels: map[string]string{}}, &container.HostConfig{}
		if err := r.link.join(t.Context(), "image", c, h); err != nil {
			t.Fatal(err)
		}
		address := own + s.URL[strings.LastIndex(s.URL, ":"):]
		want := []string{"AWS_ENDPOINT_URL=http://" + address, "AWS_ACCESS_KEY_ID=ASIA1", "AWS_SECRET_ACCESS_KEY=s=1", "AWS_SESSION_TOKEN=t", "OTHER=" + s.URL + "0"}
		if diff := cmp.Diff(want, c.Env); diff != "" || h.NetworkMode != "" || c.Labels[labelAddress] != address {
			t.Errorf("network %q, labels %v, variables (-want +got):\n%s", h.NetworkMode, c.Labels, diff)
		}
		if said, err := get("http://" + address); said != "hello "+address {
			t.Errorf("at the address: %q, %v", said, err)
		}
		beside := newLink(r.docker, s.URL) // of a session, while the server has the address
		other, err := beside.forward(address)
		if said, _ := get("http://" + other); err != nil || other == address || said != "hello "+other {
			t.Errorf("beside the server at %s: %q, %v", other, said, err)
		}
		beside.close()
		r.Close()
		if said, err := get("http://" + address); err == nil {
			t.Errorf("after the end: %q", said)
		}
	})
}

func get(address string) (string, error) {
	answer, err := direct.Get(address)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	return string(said), err
}

func TestNoWayToThisMachine(t *testing.T) {
	e, r, _ := apartRunner(t, serveAWS(t).URL)
	e.deaf = true
	err := r.link.join(t.Context(), "image", &container.Config{Labels: map[string]string{}}, &container.HostConfig{})
	if err == nil || !strings.Contains(err.Error(), "kedroctl local --host ADDRESS") || !strings.Contains(err.Error(), "nobody answers") {
		t.Errorf("error: %v", err)
	}
	if left := e.left(); len(left) > 0 {
		t.Errorf("containers left: %v", left)
	}
}

// TestRecoveredJobsReachTheNextServer has a job that outlives its server, on an engine elsewhere: it goes on at the address that it was given.
func TestRecoveredJobsReachTheNextServer(t *testing.T) {
	s := serveAWS(t)
	e, r, own := apartRunner(t, s.URL)
	address := fmt.Sprint(own, s.URL[strings.LastIndex(s.URL, ":"):])
	stop := make(chan struct{})
	e.put("id-1", held{state: container.StateRunning, stop: stop})
	_, c := e.find("kedroctl-id-1")
	c.labels[labelAddress] = address
	told := &story{}
	r.Recover([]batch.Recovered{{Attempt: batch.Attempt{JobID: "id", Number: 1}, Running: true, Events: told}})
	eventually(t, func() bool { said, _ := get("http://" + address); return said == "hello "+address })
	close(stop)
	eventually(t, func() bool {
		told.mu.Lock()
		defer told.mu.Unlock()
		return told.End != nil && told.End.Code != nil && *told.End.Code == 0
	})
}
