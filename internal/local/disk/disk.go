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

// Write puts data at path in one step: readers see the old file or the new one. Directories on the way are made.
func Write(path string, data []byte) error {
	f, err := inDir(path, func() (*os.File, error) { return os.CreateTemp(filepath.Dir(path), ".tmp-*") })
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

// inDir opens a file at path once more where its directory was absent.
func inDir(path string, open func() (*os.File, error)) (*os.File, error) {
	f, err := open()
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return open()
}

// WriteJSON writes v as JSON; an empty path keeps nothing.
func WriteJSON(path string, v any) error {
	if path == "" {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return Write(path, data)
}

// AppendJSON adds values to a file of JSON lines, all in one write.
func AppendJSON[T any](path string, values ...T) error {
	data, err := lines(values)
	if err != nil {
		return fmt.Errorf("append to %s: %w", path, err)
	}
	f, err := inDir(path, func() (*os.File, error) { return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) })
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// WriteLines makes a file of JSON lines anew.
func WriteLines[T any](path string, values []T) error {
	data, err := lines(values)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return Write(path, data)
}

// lines begin with their line break, which ends one before that was cut short.
func lines[T any](values []T) ([]byte, error) {
	var b bytes.Buffer
	for _, v := range values {
		line, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		b.WriteByte('\n')
		b.Write(line)
	}
	return b.Bytes(), nil
}

// ReadLines reads a file of JSON lines, without what was cut short; an absent file has no values.
func ReadLines[T any](path string) (values []T, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for line := range bytes.Lines(data) {
		var v T
		if json.Unmarshal(line, &v) == nil {
			values = append(values, v)
		}
	}
	return values, err
}

// ReadJSON reads what WriteJSON wrote; an absent file or an empty path leaves v as it is.
func ReadJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if path == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}
