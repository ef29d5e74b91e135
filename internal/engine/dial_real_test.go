//go:build real

package engine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bkclient "github.com/moby/buildkit/client"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// TestRealEngineByTCP reaches this machine's engine by TCP with certificates of both sides, the BuildKit inside it too.
func TestRealEngineByTCP(t *testing.T) {
	here, err := Find()
	if err == nil {
		var closing io.Closer
		if closing, err = here.Dial(t.Context()); err == nil {
			closing.Close()
		}
	}
	socket, ok := strings.CutPrefix(here.Host, "unix://")
	if err != nil || !ok {
		realtest.Missing(t, "an engine at a socket of this machine")
	}
	dir := t.TempDir()
	pair := certificates(t, dir)
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go passOn(l, socket)

	settings(t, map[string]string{"DOCKER_HOST": "tcp://" + l.Addr().String(), "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": dir})
	at, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	docker, err := at.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer docker.Close()
	bk, err := bkclient.New(t.Context(), "", bkclient.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return docker.DialHijack(ctx, "/grpc", "h2c", nil)
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer bk.Close()
	if workers, err := bk.ListWorkers(t.Context()); err != nil || len(workers) == 0 {
		t.Errorf("BuildKit: %d workers, %v", len(workers), err)
	}
	if reach, err := Probe(t.Context(), docker); reach != Direct || err != nil {
		t.Errorf("the engine of this machine is %d, %v", reach, err)
	}
}

// passOn joins what comes to a listener to a socket.
func passOn(l net.Listener, socket string) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer in.Close()
			out, err := net.Dial("unix", socket)
			if err != nil {
				return
			}
			defer out.Close()
			go io.Copy(out, in)
			io.Copy(in, out)
		}()
	}
}
