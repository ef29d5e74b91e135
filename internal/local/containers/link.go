package containers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/engine"
)

// link joins the containers of an engine to an embedded AWS on this machine. Where the engine has a loopback of its own they are on its default network,
// and reach the server by an address of this machine.
type link struct {
	docker   *client.Client
	endpoint string // of the embedded AWS; "": there is none

	mu      sync.Mutex
	reach   *engine.Reach // nil until it is known
	address string        // host:port by which containers reach the server; "" until it is known
	open    map[string]net.Listener
}

func newLink(docker *client.Client, endpoint string) *link {
	return &link{docker: docker, endpoint: endpoint, open: map[string]net.Listener{}}
}

// way is how the engine reaches this machine, once it could be asked.
func (l *link) way(ctx context.Context) (engine.Reach, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reach == nil {
		reach, err := engine.Probe(ctx, l.docker)
		if err != nil {
			return reach, err
		}
		l.reach = &reach
	}
	return *l.reach, nil
}

// join gives a container its network, and the way to the embedded AWS. image is one that the engine has.
func (l *link) join(ctx context.Context, image string, c *container.Config, h *container.HostConfig) error {
	reach, err := l.way(ctx)
	if err != nil || reach != engine.Apart {
		h.NetworkMode = "host"
		return err
	}
	address, err := l.find(ctx, image)
	if err != nil {
		return err
	}
	h.NetworkMode = ""
	if address, err = l.forward(address); err != nil {
		return err
	}
	if c.Env, err = withoutLoopback(ctx, c.Env, l.endpoint, "http://"+address); err != nil {
		return err
	}
	c.Labels[labelAddress] = address
	return nil
}

// find is the address by which containers reach the server.
func (l *link) find(ctx context.Context, image string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.address != "" {
		return l.address, nil
	}
	server, err := url.Parse(l.endpoint)
	if err != nil {
		return "", err
	}
	host := server.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		if host, err = lookAround(ctx, l.docker, image); err != nil {
			return "", err
		}
	}
	l.address = net.JoinHostPort(host, server.Port())
	return l.address, nil
}

// forward lets the server be reached at an address as well, until the link is closed, and gives the address: it has another port where somebody has that one,
// as the server has beside a session. One that is not of this machine leads to its loopback already, as the host's address does within Docker Desktop.
func (l *link) forward(address string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	server := strings.TrimPrefix(l.endpoint, "http://")
	if l.open[address] != nil || address == server {
		return address, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	if own, err := ownAddresses(); err != nil || !slices.Contains(own, host) {
		return address, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		listener, err = new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return "", fmt.Errorf("let jobs reach the embedded AWS: %w", err)
	}
	l.address = listener.Addr().String()
	l.open[l.address] = listener
	go relay(listener, server)
	return l.address, nil
}

// relay passes on what comes to a listener, until that is closed.
func relay(listener net.Listener, to string) {
	for {
		in, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer in.Close()
			out, err := new(net.Dialer).DialContext(context.Background(), "tcp", to)
			if err != nil {
				return
			}
			defer out.Close()
			go func() {
				_, _ = io.Copy(out, in)
				_ = out.(*net.TCPConn).CloseWrite()
			}()
			_, _ = io.Copy(in, out)
		}()
	}
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, listener := range l.open {
		_ = listener.Close()
	}
}

const credentialsURI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"

// withoutLoopback has the server's other address in variables, and credentials themselves in place of where they are: SDKs take an address without TLS
// for them from the loopback alone.
func withoutLoopback(ctx context.Context, env []string, before, now string) ([]string, error) {
	var all []string
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case name == credentialsURI:
			credentials, err := fetchCredentials(ctx, value)
			if err != nil {
				return nil, fmt.Errorf("get the job's credentials: %w", err)
			}
			all = append(all, credentials...)
		case value == before || strings.HasPrefix(value, before+"/"):
			all = append(all, name+"="+now+value[len(before):])
		default:
			all = append(all, variable)
		}
	}
	return all, nil
}

// direct asks the server without a proxy, whatever the environment names.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func fetchCredentials(ctx context.Context, address string) ([]string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := direct.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Status)
	}
	var key struct{ AccessKeyID, SecretAccessKey, Token string }
	if err := json.NewDecoder(answer.Body).Decode(&key); err != nil {
		return nil, err
	}
	return []string{"AWS_ACCESS_KEY_ID=" + key.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + key.SecretAccessKey, "AWS_SESSION_TOKEN=" + key.Token}, nil
}
