package ui

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newTest(json bool) (*Terminal, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	return New(Options{Out: &out, Err: &err, JSON: json, Getenv: func(string) string { return "" }}), &out, &err
}

func TestTableIsAlignedAndPlainWithoutATerminal(t *testing.T) {
	tm, out, _ := newTest(false)
	tm.Table(out, []string{"JOB", "STATUS"}, [][]string{{"data_processing", "SUCCEEDED"}, {"b", "FAILED"}})
	want := "JOB              STATUS\ndata_processing  SUCCEEDED\nb                FAILED\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestAnswerGoesToStdoutOnly(t *testing.T) {
	for _, json := range []bool{false, true} {
		tm, out, err := newTest(json)
		tm.Line("story")
		if e := tm.Answer(map[string]string{"image": "a<b"}, func(w io.Writer) { fmt.Fprintln(w, "a<b") }); e != nil {
			t.Fatal(e)
		}
		want := "a<b\n"
		if json {
			want = "{\n  \"image\": \"a<b\"\n}\n"
		}
		if out.String() != want || err.String() != "story\n" {
			t.Errorf("json %v: stdout %q, stderr %q", json, out, err)
		}
	}
}

func TestFatal(t *testing.T) {
	err := fmt.Errorf("deploy: %w", WithHint(errors.New("no region"), "set region"))
	tm, _, stderr := newTest(false)
	tm.Fatal(err, 2)
	if want := "kedroctl: error: deploy: no region\nkedroctl: hint: set region\n"; stderr.String() != want {
		t.Errorf("got %q, want %q", stderr, want)
	}
	tm, _, stderr = newTest(true)
	tm.Fatal(err, 2)
	if want := `{"error":"deploy: no region","hint":"set region","exit_code":2}` + "\n"; stderr.String() != want {
		t.Errorf("got %q, want %q", stderr, want)
	}
}

func TestTasksWithoutATerminal(t *testing.T) {
	tm, _, stderr := newTest(false)
	g := tm.Tasks()
	now := time.Unix(0, 0)
	g.now = func() time.Time { return now }
	k := g.Start("push")
	k.Update("1 MB")
	now = now.Add(11 * time.Second)
	k.Update("2 MB")
	k.Done("3 MB sent")
	k.Done("twice")
	want := "push       2 MB\npush       done         11s  3 MB sent\n"
	if diff := cmp.Diff(want, stderr.String()); diff != "" {
		t.Errorf("story (-want +got):\n%s", diff)
	}
}

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{"a_b-c.d": "a_b-c.d", "a b": "'a b'", "it's": `'it'\''s'`, "<lambda>": "'<lambda>'", "": "''"} {
		if got := Quote(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
