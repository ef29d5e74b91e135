package build

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// Archive is the code archive of a development run: what the image would have of the project's own, as it is in the tree.
type Archive struct {
	Body    []byte // tar.gz; docs/container.md has its layout
	SHA256  string // of Body, hexadecimal
	Files   int
	Left    []Left     // sources that stay out; [LeftOut] has the configuration that does
	Exposed []Exposure // modules that look as if they held secrets: they are in it, as imports of them would fail otherwise
}

// Code packs the sources and the configuration of a project, as they are. What keeps secrets out of images keeps them out of it too, and so does a name
// that begins with a dot. The same files give the same bytes.
func Code(p project.Project, s project.Snapshot) (Archive, error) {
	a, err := newCode(p, s)
	if err != nil {
		return a, fmt.Errorf("pack the code: %w", err)
	}
	return a, nil
}

func newCode(p project.Project, s project.Snapshot) (Archive, error) {
	var a Archive
	files, err := a.sources(p, s)
	if err != nil {
		return a, err
	}
	conf, _, err := configContents(p, s)
	if err != nil {
		return a, err
	}
	for name, content := range conf {
		files[path.Join("conf", name)] = content
	}
	a.Files = len(files)
	if files[aboutFile], err = describeDistribution(p); err != nil {
		return a, err
	}
	if a.Body, err = pack(files, []string{"source", path.Join("conf", s.BaseEnv), path.Join("conf", s.Env)}); err != nil {
		return a, err
	}
	sum := sha256.Sum256(a.Body)
	a.SHA256 = hex.EncodeToString(sum[:])
	return a, nil
}

// sources are the files under the source directory, by their names in the archive. Configuration that lies there is judged as such.
func (a *Archive) sources(p project.Project, s project.Snapshot) (map[string][]byte, error) {
	names, err := project.SourceFiles(p)
	if err != nil {
		return nil, fmt.Errorf("read source directory: %w", err)
	}
	source, err := filepath.Rel(p.Dir, p.SourceDir)
	if err != nil {
		return nil, fmt.Errorf("read source directory: %w", err)
	}
	under, conf := filepath.ToSlash(source)+"/", path.Clean(filepath.ToSlash(s.ConfSource))+"/"
	files := map[string][]byte{}
	for _, name := range names {
		file := filepath.Join(p.Dir, filepath.FromSlash(name))
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(name, conf) {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read source directory: %w", err)
		}
		inner := strings.TrimPrefix(name, under)
		reason, hidden := packagedSecret(name, content), strings.HasPrefix(inner, ".") || strings.Contains(inner, "/.")
		switch {
		case reason != "" && (hidden || path.Ext(name) != ".py"):
			a.Left = append(a.Left, Left{name, reason})
			continue
		case hidden:
			continue
		case reason != "":
			a.Exposed = append(a.Exposed, Exposure{name, reason})
		}
		files[path.Join("source", inner)] = content
	}
	return files, nil
}

// pack writes files and directories as a tar.gz that depends on nothing else.
func pack(files map[string][]byte, dirs []string) ([]byte, error) {
	var out bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(compressed)
	for _, dir := range slices.Compact(dirs) {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: epoch, Format: tar.FormatPAX}); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(files[name])), ModTime: epoch, Format: tar.FormatPAX}); err != nil {
			return nil, err
		}
		if _, err := w.Write(files[name]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := compressed.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
