package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/kedroctl/kedroctl/internal/project"
)

// ownContext is the project's directory as the build of its own Dockerfile may see it: without what its .dockerignore names, and without what never
// leaves this machine, whatever that says.
type ownContext struct {
	fs    fsutil.FS
	files []configFile // all that may be sent, sorted
	left  []Left       // what only kedroctl keeps back
}

func newOwnContext(p project.Project, s project.Snapshot) (*ownContext, error) {
	ignored, err := ignorePatterns(p)
	if err != nil {
		return nil, err
	}
	root, err := fsutil.NewFS(p.Dir)
	if err != nil {
		return nil, err
	}
	c := &ownContext{}
	guard := guard{dir: p.Dir, conf: filepath.ToSlash(filepath.Clean(s.ConfSource)), known: map[string]string{}}
	c.fs, err = fsutil.NewFilterFS(root, &fsutil.FilterOpt{ExcludePatterns: ignored, Map: guard.admit})
	if err != nil {
		return nil, fmt.Errorf("read .dockerignore: %w", err)
	}
	err = c.fs.Walk(context.Background(), "", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			c.files = append(c.files, configFile{name: filepath.ToSlash(name), path: filepath.Join(p.Dir, name)})
		}
		return err
	})
	c.left = guard.left
	return c, errors.Join(err, guard.err)
}

// ignorePatterns are those of the file beside the Dockerfile that has its name, else of the project's .dockerignore, as Docker takes them.
func ignorePatterns(p project.Project) ([]string, error) {
	for _, name := range []string{p.Settings.Image.Dockerfile + ".dockerignore", ".dockerignore"} {
		content, err := os.ReadFile(filepath.Join(p.Dir, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return ignorefile.ReadAll(bytes.NewReader(content))
	}
	return nil, nil
}

// guard keeps back what never leaves this machine.
type guard struct {
	dir, conf string // of the project; of the configuration, relative to it

	mu    sync.Mutex
	known map[string]string // reasons, by name: a build walks through the files again
	left  []Left
	err   error
}

// admit also gives everything to root: who builds is no part of the image.
func (g *guard) admit(name string, stat *fstypes.Stat) fsutil.MapResult {
	stat.Uid, stat.Gid = 0, 0
	name = filepath.ToSlash(name)
	if unwanted(name) {
		return skipped(stat)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	reason, ok := g.known[name]
	if !ok {
		reason = g.objection(name, stat)
		g.known[name] = reason
		if reason != "" {
			g.left = append(g.left, Left{Path: name, Reason: reason})
		}
	}
	if reason != "" {
		return skipped(stat)
	}
	return fsutil.MapResultKeep
}

func skipped(stat *fstypes.Stat) fsutil.MapResult {
	if stat.IsDir() {
		return fsutil.MapResultSkipDir
	}
	return fsutil.MapResultExclude
}

// unwanted says whether a file or directory is of this machine alone, or is laid out anew for each build.
func unwanted(name string) bool {
	switch path.Base(name) {
	case ".git", ".kedroctl", "__pycache__":
		return true
	}
	wheel, err := path.Match("dist/*.whl", name)
	return err == nil && wheel || path.Ext(name) == ".pyc"
}

// objection says why a file or directory is kept back, "" where it is not.
func (g *guard) objection(name string, stat *fstypes.Stat) string {
	base := path.Base(name)
	ofConf := strings.HasPrefix(name, g.conf+"/")
	switch {
	case stat.IsDir():
		if ofConf && base == "local" {
			return "a directory called local is never copied"
		}
		return ""
	case base == ".env" || strings.HasPrefix(base, ".env."):
		return "it is a file of environment variables"
	case base == ".netrc" || base == ".pypirc":
		return "it is a file of passwords"
	case !os.FileMode(stat.Mode).IsRegular():
		return ""
	case !ofConf && (!strings.Contains(strings.ToLower(base), "credentials") || strings.HasSuffix(base, ".py")): // a module may be called credentials
		return ""
	}
	content, err := os.ReadFile(filepath.Join(g.dir, filepath.FromSlash(name)))
	if err != nil {
		g.err = errors.Join(g.err, err)
		return "it cannot be read"
	}
	return secretIn(strings.TrimPrefix(name, g.conf+"/"), content)
}

// maxScanned is the size of a file, in bytes, above which it is not searched for secrets: it is data.
const maxScanned = 1 << 20

// written are kinds of files that people write passwords into, besides those of the configuration.
var written = []string{".yml", ".yaml", ".json", ".toml", ".cfg", ".ini", ".conf", ".txt", ".in", ".sh"}

// instruction is one of a Dockerfile that gives a variable a value, which the image's history shows.
var instruction = regexp.MustCompile(`(?i)(?:^|\s)(\w+)=["']?([^\s"'$]+)`)

// exposed lists what looks like a secret in the files that may be sent, and in the Dockerfile.
func (c *ownContext) exposed(dockerfile string) ([]Exposure, error) {
	var all []Exposure
	for _, f := range c.files {
		info, err := os.Lstat(f.path)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxScanned {
			continue
		}
		content, err := os.ReadFile(f.path)
		if err != nil {
			return all, fmt.Errorf("search %s for secrets: %w", f.name, err)
		}
		reason := packagedSecret(f.name, content)
		if reason == "" && slices.Contains(written, strings.ToLower(path.Ext(f.name))) {
			reason = exposedIn(f.name, content)
		}
		if f.name == path.Clean(dockerfile) && reason == "" {
			reason = setsSecret(content)
		}
		if reason != "" {
			all = append(all, Exposure{f.name, reason})
		}
	}
	return all, nil
}

// setsSecret finds a variable of a Dockerfile that is called as secrets are and has a value.
func setsSecret(content []byte) string {
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word = strings.ToUpper(word); word != "ENV" && word != "ARG" {
			if urlSecret.MatchString(line) {
				return fmt.Sprintf("line %d has an address with a password or token", number)
			}
			continue
		}
		for _, m := range instruction.FindAllStringSubmatch(rest, -1) {
			if secretName.MatchString(m[1]) {
				return fmt.Sprintf("line %d gives %s a value, which the image's history shows", number, m[1])
			}
		}
	}
	return ""
}
