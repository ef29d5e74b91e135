package batch

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
)

// resources are what changes seldom: one document. Jobs have a file of lines, one for each change, so that its cost does not grow with their number.
type resources struct {
	Envs   map[string]*types.ComputeEnvironmentDetail // by name
	Queues map[string]*types.JobQueueDetail           // by name
	Defs   map[string][]*types.JobDefinition          // by name; revision n stands at n-1
}

func (s *Service) resourcesFile() string { return disk.Path(s.Dir, "batch.json") }

// save writes what has changed, jobs in the order of their changes: what a job depends on is on disk before what became of the job.
func (s *Service) save() error {
	if s.changed {
		if err := disk.WriteJSON(s.resourcesFile(), s.resources); err != nil {
			return err
		}
	}
	if err := s.log.Append(s.unsaved...); err != nil {
		return err
	}
	s.log.Compact(func() []*job { return s.order })
	for _, j := range s.unsaved {
		j.unsaved = false
	}
	s.changed, s.unsaved = false, nil
	return nil
}

// load reads the state that an earlier process left, and goes on from there.
func (s *Service) load() error {
	if err := errors.Join(disk.ReadJSON(s.resourcesFile(), &s.resources), s.loadJobs()); err != nil {
		return err
	}
	attempts, stops := s.recover()
	return s.update(func() error {
		s.ready = true
		s.resumeResources()
		for _, j := range s.order {
			if j.need == nil { // else it is one of those attempts
				s.place(j, s.depend(j))
			}
		}
		for i, r := range attempts {
			s.resumeAttempt(r, stops[i])
		}
		return nil
	})
}

// loadJobs reads the last line of each job, and keeps only those.
func (s *Service) loadJobs() error {
	log, changes, err := disk.OpenLog[*job](disk.Path(s.Dir, "jobs.jsonl"))
	if err != nil {
		return err
	}
	s.log = log
	for _, j := range changes {
		j.measure()
		s.tell(j)
		s.jobs[j.id()] = j
	}
	maps.DeleteFunc(s.jobs, func(_ string, j *job) bool { return s.forgotten(j, s.Clock.Now()) })
	s.order = slices.SortedFunc(maps.Values(s.jobs), func(a, b *job) int { return cmp.Compare(a.Seq, b.Seq) })
	return s.log.Rewrite(s.order)
}

// recover asks the runner what it takes up of the attempts that the earlier process left. Nothing starts before it has answered.
func (s *Service) recover() (attempts []*report, stops []func()) {
	var list []Recovered
	for _, j := range s.order {
		if j.Status != types.JobStatusStarting && j.Status != types.JobStatusRunning {
			continue
		}
		s.hold(j, j.Environment)
		j.need = map[string]bool{}
		r := s.report(j)
		_ = s.reveal(r) // what lacks a secret by now fails by itself, if it begins anew
		s.enter(r)
		found := Recovered{Attempt: r.attempt, Events: r, Running: j.Status == types.JobStatusRunning}
		if s.Logs != nil {
			found.Lines = s.Logs.Count(r.group, r.stream)
		}
		attempts, list = append(attempts, r), append(list, found)
	}
	return attempts, TakeUp(s.Runner, list)
}

// resumeAttempt lets an attempt go on that was taken up. Every other has lost its host.
func (s *Service) resumeAttempt(r *report, stop func()) {
	switch {
	case r.done:
	case stop != nil:
		s.stoppable(r, stop)
		s.limit(r.job)
	default:
		r.done = true
		s.after = append(s.after, r.leave)
		s.ended(r.job, HostLost("i-"+newID()[:17]))
	}
}

// resumeResources lets what was passing pass anew; what was DELETING is gone.
func (s *Service) resumeResources() {
	maps.DeleteFunc(s.Envs, func(_ string, e *types.ComputeEnvironmentDetail) bool { return e.Status == types.CEStatusDeleting })
	maps.DeleteFunc(s.Queues, func(_ string, q *types.JobQueueDetail) bool { return q.Status == types.JQStatusDeleting })
	for _, e := range s.Envs {
		if changing(string(e.Status)) {
			s.settleEnvironment(e, e.Status)
		}
	}
	for _, q := range s.Queues {
		if changing(string(q.Status)) {
			s.settleQueue(q, q.Status)
		}
	}
}
