package batch

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
)

// changes are what is not on disk yet.
type changes struct {
	resources bool
	jobs      map[*job]bool
}

// resources is the document of what changes seldom; each job has a file of its own, so that the cost of a change does not grow with their number.
type resources struct {
	Environments map[string]*types.ComputeEnvironmentDetail
	Queues       map[string]types.JobQueueDetail
	Definitions  map[string][]*types.JobDefinition
}

func (s *Service) resourcesFile() string { return filepath.Join(s.Dir, "batch.json") }
func (s *Service) jobFile(id string) string {
	return filepath.Join(s.Dir, "jobs", id+".json")
}

// save writes what has changed.
func (s *Service) save() error {
	if s.Dir == "" {
		s.dirty = changes{jobs: map[*job]bool{}}
		return nil
	}
	if s.dirty.resources {
		r := resources{s.envs, map[string]types.JobQueueDetail{}, s.defs}
		for name, q := range s.queues {
			r.Queues[name] = q.JobQueueDetail
		}
		if err := disk.WriteJSON(s.resourcesFile(), r); err != nil {
			return err
		}
		s.dirty.resources = false
	}
	for j := range s.dirty.jobs {
		if err := disk.WriteJSON(s.jobFile(j.id()), j); err != nil {
			return err
		}
		delete(s.dirty.jobs, j)
	}
	return nil
}

// load reads the state that an earlier process left, and takes up from there.
func (s *Service) load() error {
	if s.Dir == "" {
		return nil
	}
	var r resources
	if err := disk.ReadJSON(s.resourcesFile(), &r); err != nil {
		return err
	}
	if r.Environments != nil {
		s.envs = r.Environments
	}
	if r.Definitions != nil {
		s.defs = r.Definitions
	}
	for name, q := range r.Queues {
		s.queues[name] = &queue{JobQueueDetail: q}
	}
	if err := s.loadJobs(); err != nil {
		return err
	}
	return s.update(s.resume)
}

func (s *Service) loadJobs() error {
	entries, err := os.ReadDir(filepath.Join(s.Dir, "jobs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
			continue // what a write that was cut short has left
		}
		path := filepath.Join(s.Dir, "jobs", entry.Name())
		j := &job{}
		if err := disk.ReadJSON(path, j); err != nil {
			return err
		}
		if s.forgotten(j) {
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		s.jobs[j.id()] = j
		s.order = append(s.order, j)
	}
	slices.SortFunc(s.order, func(a, b *job) int { return cmp.Compare(a.Seq, b.Seq) })
	return nil
}

// resume moves on what stood still: jobs wait as before; those that had a container have lost their host.
func (s *Service) resume() error {
	for _, j := range s.order {
		for id := range j.Need {
			if p := s.jobs[id]; p != nil {
				p.dependents = append(p.dependents, j)
			}
		}
	}
	for _, e := range s.envs {
		s.resumeEnvironment(e)
	}
	for name, q := range s.queues {
		if q.Status == types.JQStatusDeleting {
			delete(s.queues, name)
			s.dirty.resources = true
		} else if q.Status != types.JQStatusValid {
			s.settleQueue(q, q.Status)
		}
	}
	for _, j := range s.order {
		switch j.Status {
		case types.JobStatusSubmitted, types.JobStatusPending, types.JobStatusRunnable:
			s.wait(j)
		case types.JobStatusStarting, types.JobStatusRunning:
			s.ended(j, HostLost("i-"+randomHex(9)[:17]))
		}
	}
	return nil
}

func (s *Service) resumeEnvironment(e *types.ComputeEnvironmentDetail) {
	switch e.Status {
	case types.CEStatusDeleting:
		delete(s.envs, aws.ToString(e.ComputeEnvironmentName))
		s.dirty.resources = true
	case types.CEStatusCreating, types.CEStatusUpdating:
		s.settle(e, e.Status)
	}
}
