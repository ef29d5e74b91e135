package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// keptFile says what the wheel beside it was made of.
const keptFile = "wheel.json"

type keptWheel struct {
	Key   string `json:"key"`
	Wheel Wheel  `json:"wheel"`
}

// buildVariables begin the names of variables that build backends and installers read.
var buildVariables = []string{"PIP_", "UV_", "SETUPTOOLS_", "HATCH_", "POETRY_", "PDM_", "PYTHON"}

// wheelKey is the hash of all that making the wheel reads here. The build backend is not in it: that a newer one is out makes no wheel old.
func wheelKey(p project.Project, python []string) (string, error) {
	h := project.NewDigest()
	var variables []string
	for _, v := range os.Environ() {
		if slices.ContainsFunc(buildVariables, func(prefix string) bool { return strings.HasPrefix(v, prefix) }) {
			variables = append(variables, v)
		}
	}
	slices.Sort(variables)
	if err := h.Add("wheel", python, variables); err != nil {
		return "", err
	}
	if err := h.AddPyproject(p); err != nil {
		return "", err
	}
	names, err := project.Sources(p)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if name == project.Pyproject {
			continue
		}
		if err := h.AddFile(name, filepath.Join(p.Dir, filepath.FromSlash(name))); err != nil {
			return "", err
		}
	}
	return h.Sum(), nil
}

// FindWheel gives the wheel that [Package] has made before. It is the one that Package would make, if fresh: nothing has changed that it was made of.
func FindWheel(p project.Project, python []string) (w Wheel, fresh bool) {
	text, err := os.ReadFile(filepath.Join(distDir(p), keptFile))
	if err != nil {
		return Wheel{}, false
	}
	var kept keptWheel
	if json.Unmarshal(text, &kept) != nil {
		return Wheel{}, false
	}
	w = kept.Wheel
	w.Path = filepath.Join(distDir(p), filepath.Base(w.Path)) // the project may have been moved
	content, err := os.ReadFile(w.Path)
	if err != nil {
		return Wheel{}, false
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != w.SHA256 {
		return Wheel{}, false
	}
	key, err := wheelKey(p, python)
	return w, err == nil && key == kept.Key
}

// keepWheel notes what a wheel was made of, unless that has changed meanwhile.
func keepWheel(p project.Project, python []string, before string, w Wheel) error {
	after, err := wheelKey(p, python)
	if err != nil {
		return err
	}
	file := filepath.Join(distDir(p), keptFile)
	if before != after {
		return os.RemoveAll(file)
	}
	text, err := json.Marshal(keptWheel{Key: after, Wheel: w})
	if err != nil {
		return err
	}
	return writeAtomically(file, text)
}

// distDir is where the project's wheel is.
func distDir(p project.Project) string { return filepath.Join(p.Dir, ".kedroctl", "dist") }
