package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/fsutil"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// tarBuild builds where the engine has no BuildKit: the whole context travels as one archive. Podman's builder, which is behind this call there, knows the
// Dockerfile's mounts; that of a Docker Engine does not.
func (e *Engine) tarBuild(ctx context.Context, s Spec, l layout, story io.Writer) error {
	platform, err := platforms.Parse(s.Project.Settings.Image.Platform)
	if err != nil {
		return err
	}
	if len(s.Dependencies.secrets) > 0 {
		return ui.WithHint(errors.New("this engine has no BuildKit, which alone hands an index or a password to the steps of a build without leaving it in the image"),
			"use a Docker Engine, or --engine none")
	}
	unkeyed, err := keyMounts(l)
	if err != nil {
		return err
	}
	src, err := l.context()
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	defer r.Close() // ends the writer where the call fails early
	go func() { w.CloseWithError(fsutil.WriteTar(ctx, src, w)) }()
	answer, err := e.docker.ImageBuild(ctx, r, client.ImageBuildOptions{
		Tags: []string{localRef(s.Project, s.InputKey)}, Labels: labels(s), Platforms: []ocispec.Platform{platform}, Remove: true, ForceRemove: true,
		Dockerfile: l.dockerfilePath(), NoCache: unkeyed,
	})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	steps := steps{story: story, stages: map[string]string{}}
	for stream := json.NewDecoder(answer.Body); ; {
		var m jsonstream.Message
		switch err := stream.Decode(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("read what the engine says: %w", err)
		case m.Error != nil:
			w := watcher{base: s.Project.Settings.Image.Base, source: l.source, own: s.Project.Settings.Image.Dockerfile != ""}
			failed := steps.failed(m.Error.Message)
			return w.reason(failed.name(), failed.log.String(), m.Error.Message)
		}
		if err := steps.add(m.Stream); err != nil {
			return err
		}
	}
}

// bindMount is a directory of the context that a step sees.
var bindMount = regexp.MustCompile(`type=bind,source=([^\s,]+)`)

// keyMounts makes the content of what steps see a part of their text: Podman's builder takes a step for done when its text has not changed, whatever the
// directory holds by now. Those of our own Dockerfile get names with a hash; for the project's own one the answer is whether it has any.
func keyMounts(l layout) (unkeyed bool, err error) {
	file := filepath.Join(l.dir, filepath.FromSlash(l.dockerfilePath()))
	text, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	if l.dockerfile != "" {
		return bindMount.Match(text), nil
	}
	for _, m := range bindMount.FindAllSubmatch(text, -1) {
		name := string(m[1])
		key, err := hashDir(filepath.Join(l.dir, name))
		if err != nil {
			return false, err
		}
		if err := os.Rename(filepath.Join(l.dir, name), filepath.Join(l.dir, name+"-"+key)); err != nil {
			return false, err
		}
		text = bytes.ReplaceAll(text, append(m[0], ','), []byte("type=bind,source="+name+"-"+key+","))
	}
	return false, os.WriteFile(file, text, 0o644)
}

// hashDir is a hash of the names and contents of a directory's files.
func hashDir(dir string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(sum, "%q %d\n%s", strings.TrimPrefix(path, dir), len(content), content)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:8]), err
}

// stepLine is how Podman's builder begins a step; the first one of a stage tells the stage's name.
var (
	stepLine  = regexp.MustCompile(`^(\[\d+/\d+\] )?STEP \d+(?:/\d+)?: (.*)`)
	stageName = regexp.MustCompile(`^FROM .* AS (\S+)`)
)

// step is one of a build by Podman, with what it has written.
type step struct {
	stage, text string
	log         strings.Builder
}

// steps follows what Podman's builder writes. Stages take turns.
type steps struct {
	story  io.Writer
	stages map[string]string // names, by the number that stands before their steps
	all    []*step
}

func (s *steps) add(output string) error {
	for line := range strings.Lines(output) {
		m := stepLine.FindStringSubmatch(line)
		if m == nil {
			if len(s.all) > 0 {
				s.all[len(s.all)-1].log.WriteString(line)
			}
			continue
		}
		if name := stageName.FindStringSubmatch(m[2]); name != nil {
			s.stages[m[1]] = name[1]
		}
		s.all = append(s.all, &step{stage: s.stages[m[1]], text: m[2]})
	}
	_, err := io.WriteString(s.story, output)
	return err
}

// failed is the step that an error is about: the one that it names, else the last.
func (s *steps) failed(message string) *step {
	if _, text, ok := strings.Cut(message, `building at STEP "`); ok {
		for _, st := range s.all {
			if strings.HasPrefix(spaced(text), spaced(st.text)) {
				return st
			}
		}
	}
	if len(s.all) == 0 {
		return &step{}
	}
	return s.all[len(s.all)-1]
}

// name is as BuildKit would have it.
func (s *step) name() string {
	switch {
	case strings.HasPrefix(s.text, "FROM "):
		return "load metadata for " + s.text
	case s.stage != "":
		return "[" + s.stage + " ] " + s.text
	}
	return s.text
}

// spaced has one space wherever the text has any.
func spaced(text string) string { return strings.Join(strings.Fields(text), " ") }
