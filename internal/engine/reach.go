package engine

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/moby/moby/client"
)

// Reach is how an engine gets to a registry on this machine's loopback.
type Reach int

const (
	// Apart is an engine with a loopback of its own: on another machine, in a virtual machine as Docker Desktop's, or in another network namespace.
	Apart Reach = iota
	// Guarded is one here that speaks only TLS to registries, as Podman does.
	Guarded
	// Direct is one here that speaks plain HTTP to registries on the loopback.
	Direct
)

// probeTime is how long an engine may take to say that it could not pull.
const probeTime = 15 * time.Second

// Probe has an engine look for an image in a registry that is none, on a port of this machine's loopback, and watches how it comes there, if it does.
func Probe(ctx context.Context, docker *client.Client) (Reach, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return Apart, err
	}
	defer l.Close()
	var seen atomic.Int32
	go watch(l, &seen)
	asked, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	answer, err := docker.ImagePull(asked, l.Addr().String()+"/kedroctl/probe:none", client.ImagePullOptions{})
	if err == nil {
		_ = answer.Wait(asked) // it has no such image
	}
	if ctx.Err() != nil {
		return Apart, ctx.Err()
	}
	if client.IsErrConnectionFailed(err) {
		return Apart, err
	}
	return Reach(seen.Load()), nil
}

// tlsHandshake is the first byte of a connection with TLS.
const tlsHandshake = 0x16

// watch answers all that comes to a listener with "not found", and notes the best of it.
func watch(l net.Listener, seen *atomic.Int32) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(probeTime))
			in := bufio.NewReader(conn)
			first, err := in.Peek(1)
			if err == nil && first[0] != tlsHandshake {
				_, err = http.ReadRequest(in)
			}
			if err != nil || first[0] == tlsHandshake {
				seen.CompareAndSwap(int32(Apart), int32(Guarded))
				return
			}
			seen.Store(int32(Direct))
			_, _ = conn.Write([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
		}()
	}
}
