package disk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// smallLog is the size in bytes up to which a log is not worth writing anew.
const smallLog = 1 << 20

// Log is a file of changes, a line of JSON each: to append one is to keep it. It has one writer.
type Log[T any] struct {
	path        string
	size, limit int64 // bytes: as it is, and as it may become before it is written anew
}

// OpenLog reads the changes that a log has, without what was cut short; one with an empty path keeps nothing. The directory is made.
func OpenLog[T any](path string) (*Log[T], []T, error) {
	l := &Log[T]{path: path, limit: smallLog}
	if path == "" {
		return l, nil, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	l.size = int64(len(data))
	var changes []T
	for line := range bytes.Lines(data) {
		if !json.Valid(line) {
			continue
		}
		var c T
		if err := json.Unmarshal(line, &c); err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", path, err)
		}
		changes = append(changes, c)
	}
	return l, changes, nil
}

// Append adds changes in one write. After an error none of them is kept.
func (l *Log[T]) Append(changes ...T) error {
	if l.path == "" || len(changes) == 0 {
		return nil
	}
	data, err := lines(changes)
	if err != nil {
		return fmt.Errorf("append to %s: %w", l.path, err)
	}
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Truncate(l.path, l.size))
	}
	l.size += int64(len(data))
	return nil
}

// Compact rewrites a log that has grown to twice what it was with those changes that count. It is called after what was appended has come to
// count.
func (l *Log[T]) Compact(counting func() []T) {
	if l.path == "" || l.size <= l.limit {
		return
	}
	if err := l.Rewrite(counting()); err != nil { // it stays as it is, which says the same at greater length
		l.limit = 2 * l.size
	}
}

// Rewrite replaces all changes of a log, in one step.
func (l *Log[T]) Rewrite(changes []T) error {
	if l.path == "" {
		return nil
	}
	data, err := lines(changes)
	if err != nil {
		return fmt.Errorf("write %s: %w", l.path, err)
	}
	if err := Write(l.path, data); err != nil {
		return err
	}
	l.size = int64(len(data))
	l.limit = max(smallLog, 2*l.size)
	return nil
}

// Remove ends a log.
func (l *Log[T]) Remove() error {
	if l.path == "" {
		return nil
	}
	if err := os.Remove(l.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// lines begin with their line break, which ends one before that was cut short.
func lines[T any](changes []T) ([]byte, error) {
	var b bytes.Buffer
	for _, c := range changes {
		line, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		b.WriteByte('\n')
		b.Write(line)
	}
	return b.Bytes(), nil
}
