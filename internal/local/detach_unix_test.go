//go:build unix

package local_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/kedroctl/kedroctl/internal/local"
)

// A shell's pipe, or the lock of flock(1), is open in what it starts: the server does not keep it.
func TestServerHoldsNothingOfItsStarters(t *testing.T) {
	dir, start := serving(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	inherited, err := syscall.Dup(int(w.Fd())) // which programs that are started get, unlike what Go opens
	if err != nil {
		t.Fatal(err)
	}
	if _, err := local.Ensure(t.Context(), dir, start); err != nil {
		t.Fatal(err)
	}
	syscall.Close(inherited)
	w.Close()
	if err := r.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); os.IsTimeout(err) {
		t.Error("the server holds a pipe of the process that started it")
	}
}
