package local

import (
	"context"
	"io"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Config is for the SDK's clients in this process: the server's keys and region, and connections that stay in memory. So it works inside
// testing/synctest and needs no Listen.
func (s *Server) Config() aws.Config {
	return aws.Config{
		Region:       s.opt.Region,
		BaseEndpoint: aws.String(s.opt.Endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(s.opt.AccessKey, s.opt.SecretKey, ""),
		HTTPClient:   &http.Client{Transport: plainBodies{&http.Transport{DialContext: s.dial, DialTLSContext: s.dial, DisableKeepAlives: true}}},
	}
}

// plainBodies hides how the SDK's bodies write themselves. The SDK closes a body when the answer begins; what writes itself then fails, and with it the
// connection that the rest of the answer is on, where what is read just ends (smithy-go, transport/http/internal/io). In memory answers are that fast.
type plainBodies struct{ http.RoundTripper }

func (p plainBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context()) // a copy
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.RoundTripper.RoundTrip(r)
}

// dial connects to the server within the process; https as an Endpoint makes clients sign as they do for AWS, with nothing to encrypt.
func (s *Server) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() { _ = http.Serve(&single{Conn: there}, s) }() // ends with the connection
	return here, nil
}

// single is a listener that accepts one connection.
type single struct {
	net.Conn
	accepted bool
}

func (l *single) Accept() (net.Conn, error) {
	if l.accepted {
		return nil, net.ErrClosed
	}
	l.accepted = true
	return l.Conn, nil
}

// Close leaves the connection to whoever accepted it.
func (l *single) Close() error { return nil }

func (l *single) Addr() net.Addr { return l.LocalAddr() }
