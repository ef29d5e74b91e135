package batch

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// report takes the events of one attempt.
type report struct {
	service       *Service
	job           *job
	attempt       Attempt
	group, stream string
	leave         func()
	done          bool // guarded by the service's lock
}

func (r *report) Running() {
	if l := r.service.Logs; l != nil {
		// Without its log group a container does not start.
		if err := l.Open(r.group, r.stream); err != nil {
			r.service.endReport(r, NotStarted("CannotStartContainerError: failed to initialize logging driver: "+err.Error()), true)
			return
		}
	}
	_ = r.service.update(func() error {
		if !r.done {
			r.service.running(r.job, r.stream)
		}
		return nil
	})
}

func (r *report) Line(text string) {
	if l := r.service.Logs; l != nil {
		l.Put(r.group, r.stream, r.service.Clock.Now(), text)
	}
}

func (r *report) Done(e Exit) { r.service.endReport(r, e, false) }

// endReport ends an attempt once; halt asks the runner to end it too.
func (s *Service) endReport(r *report, e Exit, halt bool) {
	_ = s.update(func() error {
		if r.done {
			return nil
		}
		r.done = true
		if r.leave != nil {
			s.after = append(s.after, r.leave)
		}
		if halt && r.job.stop != nil {
			s.after = append(s.after, r.job.stop)
		}
		s.ended(r.job, e)
		return nil
	})
}

func definitionName(j *job) string {
	name, _, _ := strings.Cut(lastStep(aws.ToString(j.JobDefinition)), ":")
	return name
}

func lastStep(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
