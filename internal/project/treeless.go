package project

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Treeless is a project of which nothing is here but what variables and flags say: enough to find the records in its bucket. Dir is a directory
// for what kedroctl itself keeps on this machine.
func Treeless(dir string, o LoadOptions) (Project, error) {
	p := Project{Env: o.env()}
	return p.settled(dir, defaults(p), o)
}

// Recorded is a project as its bucket records it, Settings being those of the record: variables and flags are laid over them. Nothing of the tree is known.
func (p Project) Recorded(dir string, o LoadOptions) (Project, error) {
	return p.settled(dir, p.Settings, o)
}

func (p Project) settled(dir string, s Settings, o LoadOptions) (_ Project, err error) {
	if p.Dir, err = filepath.Abs(dir); err != nil {
		return Project{}, fmt.Errorf("find directory: %w", err)
	}
	if s.Origins == nil {
		s.Origins = map[string]Origin{}
	}
	s.Engine = EngineAuto // a record has none
	r := resolver{s}
	p.Settings, err = r.finish(p, o)
	return p, err
}

// IsHere says whether dir, or a directory above it, has a Kedro project, or one that is broken.
func IsHere(dir string) bool {
	_, _, err := find(dir)
	none, ok := errors.AsType[*SettingsError](err)
	return !ok || none.Reason != noProject
}
