package local

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Config is for the SDK's clients in this process: the server's keys and region, and a transport that opens no connection. So it works inside
// testing/synctest and needs no Listen.
func (s *Server) Config() aws.Config {
	return aws.Config{
		Region:       s.opt.Region,
		BaseEndpoint: aws.String(s.opt.Endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(s.opt.AccessKey, s.opt.SecretKey, ""),
		HTTPClient:   &http.Client{Transport: transport{s}},
	}
}

// transport hands requests to a handler.
type transport struct{ http.Handler }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:0"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	a := newAnswer()
	t.ServeHTTP(a, in)
	_ = in.Body.Close() // was read
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if a.cut {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(&a.body), ContentLength: int64(a.body.Len()), Request: r,
	}, nil
}

// answer collects what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
	begun  bool
	cut    bool
}

func newAnswer() *answer { return &answer{header: http.Header{}, status: http.StatusOK} }

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if !a.begun {
		a.begun, a.status = true, status
	}
}

// Hijack is what cuts a connection.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	a.cut = true
	conn, _ := net.Pipe()
	return conn, nil, nil
}

func (a *answer) Write(b []byte) (int, error) {
	a.begun = true
	return a.body.Write(b)
}
