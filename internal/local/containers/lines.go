package containers

import (
	"bytes"
	"context"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// maxLine is where AWS's log driver cuts lines: the largest event of CloudWatch Logs was 256 KiB when it was written.
const maxLine = 256 << 10

// lines passes on what the container writes, until it ends.
func (a *attempt) lines(ctx context.Context, id string) {
	stream, err := a.runner.docker.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
	if err != nil {
		a.events.Line("the log of the container can't be read: " + err.Error())
		return
	}
	defer stream.Close()
	out, errs := &lineWriter{line: a.events.Line}, &lineWriter{line: a.events.Line}
	_, _ = stdcopy.StdCopy(out, errs, stream) // a stream that breaks ends with its container, whose end is told
	out.flush()
	errs.flush()
}

// lineWriter cuts what is written to it into lines.
type lineWriter struct {
	line func(string)
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		switch {
		case i >= 0:
			w.emit(w.rest[:i])
			w.rest = w.rest[i+1:]
		case len(w.rest) >= maxLine:
			w.emit(w.rest[:maxLine])
			w.rest = w.rest[maxLine:]
		default:
			return len(p), nil
		}
	}
}

func (w *lineWriter) emit(line []byte) {
	w.line(strings.TrimSuffix(strings.ToValidUTF8(string(line), "\uFFFD"), "\r"))
}

// flush passes on a last line without its end.
func (w *lineWriter) flush() {
	if len(w.rest) > 0 {
		w.emit(w.rest)
		w.rest = nil
	}
}
