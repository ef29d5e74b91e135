package build

import (
	"archive/zip"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// forPeople are kinds of files in a package that no code reads.
var forPeople = []string{".md", ".rst", ".ipynb", ".pyi"}

// Lacks lists the files of the project's package that the wheel has not, relative to the project. Code that reads them works in the tree and fails in the
// image; a module that is imported at once is found when the image is tried, one that a node imports is not.
func (w Wheel) Lacks(p project.Project) ([]string, error) {
	archive, err := zip.OpenReader(w.Path)
	if err != nil {
		return nil, fmt.Errorf("read wheel: %w", err)
	}
	defer archive.Close()
	packed := map[string]bool{}
	for _, f := range archive.File {
		packed[f.Name] = true
	}
	files, err := project.SourceFiles(p)
	if err != nil {
		return nil, fmt.Errorf("read source directory: %w", err)
	}
	source, err := filepath.Rel(p.Dir, p.SourceDir)
	if err != nil {
		return nil, fmt.Errorf("read source directory: %w", err)
	}
	var lacking []string
	for _, file := range files {
		name := strings.TrimPrefix(file, filepath.ToSlash(source)+"/")
		base := path.Base(name)
		if strings.HasPrefix(name, p.Package+"/") && !packed[name] && !strings.HasPrefix(base, ".") && !slices.Contains(forPeople, path.Ext(base)) {
			lacking = append(lacking, file)
		}
	}
	return lacking, nil
}
