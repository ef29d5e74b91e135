package project

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// ConfFiles lists the files of a configuration environment that are not hidden from Kedro, by their paths in its directory, with slashes. An
// environment without a directory has none.
func ConfFiles(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		hidden := file != dir && err == nil && strings.HasPrefix(entry.Name(), ".")
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case hidden && entry.IsDir():
			return fs.SkipDir
		case hidden || entry.IsDir():
			return nil
		}
		name, err := filepath.Rel(dir, file)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	return names, err
}
