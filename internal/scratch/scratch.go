package scratch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

const prefix = "kedroctl-"

// New makes an empty directory of this user alone in parent, which is made where it is not there; "" is the system's place for temporary files. remove
// removes it and must be called. Those of processes that are no more go first, as far as they can be removed.
func New(parent, name string) (dir string, remove func(), err error) {
	if parent == "" {
		parent = os.TempDir()
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", nil, err
	}
	sweep(parent)
	for {
		all, err := os.MkdirTemp(parent, prefix+name+"-")
		if err != nil {
			return "", nil, err
		}
		lock, err := hold(all)
		if errors.Is(err, fs.ErrNotExist) { // somebody's sweep came before the lock
			continue
		}
		remove := func() { end(all, lock) }
		dir := filepath.Join(all, "work")
		if err == nil {
			err = os.Mkdir(dir, 0o700)
		}
		if err != nil {
			remove()
			return "", nil, err
		}
		return dir, remove, nil
	}
}

// end removes a directory while it is locked, so that nobody takes it meanwhile; what is left, as Windows removes no open files, goes after that.
func end(all string, lock *flock.Flock) {
	_, _, _ = os.RemoveAll(all), lock.Unlock(), os.RemoveAll(all)
}

func lockOf(all string) *flock.Flock { return flock.New(filepath.Join(all, "lock")) }

// hold locks a directory, and sees that it is still there.
func hold(all string) (*flock.Flock, error) {
	lock := lockOf(all)
	if err := lock.Lock(); err != nil {
		return lock, err
	}
	_, err := os.Stat(lock.Path())
	return lock, err
}

// sweep removes the directories that nobody holds.
func sweep(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, entry := range entries {
		all := filepath.Join(parent, entry.Name())
		if !entry.IsDir() || !strings.HasPrefix(entry.Name(), prefix) {
			continue
		}
		lock := lockOf(all)
		if _, err := os.Lstat(lock.Path()); err != nil { // not one of these, or its process has not come so far
			continue
		}
		if free, err := lock.TryLock(); err == nil && free {
			end(all, lock)
		}
	}
}
