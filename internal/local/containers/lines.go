package containers

import (
	"bytes"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// maxLine is where AWS's log driver cuts lines: the largest event of CloudWatch Logs was 256 KiB when it was written.
const maxLine = 256 << 10

// lines passes on what a container writes, until it ends, but for what was passed on before: the engine tells them again in the same order.
func (r *Runner) lines(a *attempt) {
	stream, err := r.docker.ContainerLogs(r.life, a.id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
	if err != nil {
		return // the engine has gone, and the container with it
	}
	defer stream.Close()
	out, errs := &lineWriter{line: a.line}, &lineWriter{line: a.line}
	_, _ = stdcopy.StdCopy(out, errs, stream) // a stream that breaks ends with its container, whose end is told
	out.flush()
	errs.flush()
}

func (a *attempt) line(text string) {
	if a.skip > 0 {
		a.skip--
		return
	}
	a.events.Line(text)
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

// emit leaves out lines without a character, which are no events of a log.
func (w *lineWriter) emit(line []byte) {
	if text := strings.TrimSuffix(strings.ToValidUTF8(string(line), "\uFFFD"), "\r"); text != "" {
		w.line(text)
	}
}

// flush passes on a last line without its end.
func (w *lineWriter) flush() {
	if len(w.rest) > 0 {
		w.emit(w.rest)
		w.rest = nil
	}
}
