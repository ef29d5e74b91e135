package provision

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// marks remember of each object what its file was when both were the same, so that a file that nobody has touched is not read again. They are kept in the
// project's .kedroctl directory; without them files are read once more.
type marks struct {
	file string

	mu    sync.Mutex
	known map[string]mark // by s3://bucket/key
	fresh bool            // whether anything is to be written
}

// mark is a file and its object.
type mark struct {
	stamp
	Sum  string `json:"sum"`  // S3's SHA-256 checksum
	ETag string `json:"etag"` // of the object
}

// stamp tells a file from the same one before a change.
type stamp struct {
	Size  int64  `json:"size"`  // bytes
	Time  int64  `json:"time"`  // of the last change, nanoseconds
	Inode uint64 `json:"inode"` // 0 where the system has none
}

// changed is the time of the last change.
func (s stamp) changed() time.Time { return time.Unix(0, s.Time) }

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{Size: info.Size(), Time: info.ModTime().UnixNano(), Inode: inode(info)}, nil
}

// settled says whether a change of the file after now must show in its time: clocks of file systems are coarse.
func (s stamp) settled(now time.Time) bool { return now.UnixNano()-s.Time > int64(2*time.Second) }

// openMarks reads them; what cannot be read is as good as none.
func openMarks(in Inputs) *marks {
	m := &marks{file: filepath.Join(in.Dir, ".kedroctl", "uploads.json"), known: map[string]mark{}}
	content, err := os.ReadFile(m.file)
	if err == nil && json.Unmarshal(content, &m.known) != nil {
		m.known = map[string]mark{}
	}
	return m
}

func markName(in Inputs, o Object) string { return "s3://" + in.Bucket + "/" + o.Key }

// of is the mark of an object whose file is as it was, false where there is none.
func (m *marks) of(in Inputs, o Object, now stamp) (mark, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.known[markName(in, o)]
	return found, ok && found.stamp == now
}

// note remembers that a file and its object are the same.
func (m *marks) note(in Inputs, o Object, s stamp, sum, etag string) {
	if !s.settled(time.Now()) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[markName(in, o)] = mark{s, sum, etag}
	m.fresh = true
}

// sent remembers a file that was sent, unless it has changed meanwhile.
func (m *marks) sent(in Inputs, o Object, before stamp, sum, etag string) error {
	after, err := stampOf(in.path(o))
	if err != nil || after != before {
		return errors.Join(err, errChanged)
	}
	m.note(in, o, before, sum, etag)
	return nil
}

// save writes what is new, also after an upload that failed. Where it cannot, the next upload reads the files once more.
func (m *marks) save() {
	content, err := json.Marshal(m.known)
	if err != nil || !m.fresh || os.MkdirAll(filepath.Dir(m.file), 0o755) != nil {
		return
	}
	temp, err := os.CreateTemp(filepath.Dir(m.file), ".uploads-*")
	if err != nil {
		return
	}
	_, err = temp.Write(content)
	if errors.Join(err, temp.Close()) != nil || os.Rename(temp.Name(), m.file) != nil {
		os.Remove(temp.Name())
	}
}
