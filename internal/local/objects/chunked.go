package objects

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// minChunk is the least size in bytes of any chunk but the last.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
const minChunk = 8192

// chunked decodes a body in aws-chunked encoding, with or without signatures and trailers:
//
//	<hex size>[;chunk-signature=…]CRLF <data> CRLF … 0[;…]CRLF [<trailer>: <value>CRLF …] CRLF
//
// Signatures of chunks are not checked: who may call is the router's matter, and the checksums tell whether the content is whole.
type chunked struct {
	r       *bufio.Reader
	left    int64 // of the current chunk
	small   bool  // the current chunk may only be the last
	started bool
	done    bool
	trailer textproto.MIMEHeader
}

func newChunked(r io.Reader) *chunked { return &chunked{r: bufio.NewReaderSize(r, 64<<10)} }

func (c *chunked) value(trailer string) string {
	if c == nil {
		return ""
	}
	return strings.TrimSpace(c.trailer.Get(trailer))
}

func (c *chunked) Read(p []byte) (int, error) {
	if c.left == 0 && !c.done {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if c.done {
		return 0, io.EOF
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads the head of a chunk, after the end of the one before.
func (c *chunked) next() error {
	if c.started {
		if line, err := c.line(); err != nil || line != "" {
			return errIncomplete
		}
	}
	c.started = true
	head, err := c.line()
	if err != nil {
		return errIncomplete
	}
	size, _, _ := strings.Cut(head, ";")
	if c.left, err = strconv.ParseInt(size, 16, 64); err != nil || c.left < 0 {
		return invalidRequest("The chunk size %q is not valid", size)
	}
	if c.left == 0 {
		return c.end()
	}
	if c.small {
		return wire.NewFault(http.StatusForbidden, "InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than %d bytes", minChunk)
	}
	c.small = c.left < minChunk
	return nil
}

// end reads the trailers, which a blank line or the body's end closes.
func (c *chunked) end() error {
	c.done, c.trailer = true, textproto.MIMEHeader{}
	for {
		line, err := c.line()
		if err != nil || line == "" {
			return nil
		}
		name, value, _ := strings.Cut(line, ":")
		c.trailer.Set(name, value)
	}
}

func (c *chunked) line() (string, error) {
	line, err := c.r.ReadString('\n')
	if line == "" {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
