package batch

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/uuid"
)

// mark notes that a job has changed.
func (s *Service) mark(j *job) {
	s.tell(j)
	if !j.unsaved {
		j.unsaved = true
		s.unsaved = append(s.unsaved, j)
	}
}

// tell lets ListJobs know how a job stands, once its lag is over.
func (s *Service) tell(j *job) {
	told := &types.JobSummary{}
	assign(told, &j.JobDetail)
	told.Container = &types.ContainerSummary{ExitCode: j.Container.ExitCode, Reason: j.Container.Reason}
	j.changes++
	change := j.changes
	s.later(s.Lags().List, func() {
		if change > j.toldOf { // what is due at once comes in any order
			j.told, j.toldOf = told, change
		}
	})
}

// admit takes a submitted job in. States: SUBMITTED, then PENDING with unfinished dependencies or RUNNABLE. B13.
func (s *Service) admit(j *job) {
	s.jobs[j.id()] = j
	s.order = append(s.order, j)
	s.mark(j)
	broken := s.depend(j)
	s.later(s.Step, func() { s.place(j, broken) })
}

// place lets a job wait, unless it can't run: what it depends on has failed, or it was to end before it started. B14, B15, B26, B32.
func (s *Service) place(j *job, broken bool) {
	switch {
	case j.finished():
	case broken:
		s.finish(j, types.JobStatusFailed, reasonDependency)
	case j.Stopped == reasonOverrides, j.Stopped == reasonTags, j.Stopped != "" && len(j.need) == 0:
		s.finish(j, types.JobStatusFailed, j.Stopped)
	default:
		s.wait(j)
	}
}

// depend finds what a job waits for, and tells whether any of that has failed already.
func (s *Service) depend(j *job) (broken bool) {
	j.need = map[string]bool{}
	for _, d := range j.DependsOn {
		p := s.jobs[aws.ToString(d.JobId)]
		if p == nil {
			continue // it has been forgotten, so it had ended
		}
		if !p.finished() && !j.need[p.id()] {
			j.need[p.id()] = true
			p.dependents = append(p.dependents, j)
		}
		broken = broken || p.Status == types.JobStatusFailed && !s.off["B14"]
	}
	return broken
}

// wait puts a job where it waits: for other jobs, or for room. Either state follows from what is on disk, so nothing is written.
func (s *Service) wait(j *job) {
	j.Status = types.JobStatusRunnable
	if len(j.need) > 0 {
		j.Status = types.JobStatusPending
	} else {
		q := aws.ToString(j.JobQueue)
		s.runnable[q] = append(s.runnable[q], j)
	}
	s.tell(j)
}

// dispatch starts what there is room for: queues by priority, jobs of a queue by age. The oldest job holds back those behind it.
func (s *Service) dispatch() {
	if !s.ready {
		return
	}
	queues := slices.SortedFunc(maps.Values(s.Queues), func(a, b *types.JobQueueDetail) int {
		return cmp.Or(cmp.Compare(*b.Priority, *a.Priority), cmp.Compare(*a.JobQueueName, *b.JobQueueName))
	})
	for _, q := range queues {
		for waiting := s.runnable[*q.JobQueueArn]; len(waiting) > 0; waiting = s.runnable[*q.JobQueueArn] {
			j := waiting[0]
			if j.Status == types.JobStatusRunnable {
				environment, reason := s.room(q, j)
				if environment == "" {
					if reason != "" && reason != aws.ToString(j.StatusReason) && !s.off["B25"] {
						j.StatusReason = &reason
						s.mark(j)
					}
					break
				}
				s.start(j, environment)
			}
			s.runnable[*q.JobQueueArn] = waiting[1:]
		}
	}
}

// room finds the first environment of a queue that has room for a job now; "" is none, and reason tells why none ever will have. B25.
func (s *Service) room(q *types.JobQueueDetail, j *job) (environment, reason string) {
	if s.Stuck != nil {
		reason = s.Stuck(*j.JobName)
	}
	most := MemoryOf(s.Runner)
	switch {
	case reason != "":
		return "", reason
	case most > 0 && j.size.memory > most:
		return "", reasonNoMemory
	case most > 0 && s.memory+j.size.memory > most:
		return "", ""
	}
	reason = reasonTooBig
	for _, o := range q.ComputeEnvironmentOrder {
		e := s.Envs[lastStep(*o.ComputeEnvironment)]
		if e != nil && j.size.gpus > 0 && !hasGPUs(e.ComputeResources) && !s.off["B30"] {
			reason = reasonNoGPU
			continue
		}
		open := e != nil && e.State == types.CEStateEnabled && (e.Status == types.CEStatusValid || e.Status == types.CEStatusUpdating)
		if open && s.vcpus[*e.ComputeEnvironmentName]+j.size.vcpus <= float64(*e.ComputeResources.MaxvCpus) {
			return *e.ComputeEnvironmentName, ""
		}
		if !open || j.size.vcpus <= float64(*e.ComputeResources.MaxvCpus) {
			reason = "" // not for ever
		}
	}
	return "", reason
}

// hold takes what a job needs from an environment; release gives it back.
func (s *Service) hold(j *job, environment string) {
	j.Environment = environment
	s.vcpus[environment] += j.size.vcpus
	s.memory += j.size.memory
}

func (s *Service) release(j *job) {
	s.vcpus[j.Environment] -= j.size.vcpus
	s.memory -= j.size.memory
	j.Environment, j.stop = "", nil
	if j.stopTimer != nil {
		j.stopTimer()
		j.stopTimer = nil
	}
}

// start begins the next attempt of a job on an environment.
func (s *Service) start(j *job, environment string) {
	s.hold(j, environment)
	j.Status, j.StatusReason, j.StoppedAt = types.JobStatusStarting, nil, nil
	c := *j.Container // those who were told of the last attempt keep what they were told
	c.ExitCode, c.Reason, c.LogStreamName = nil, nil, nil
	ecs := "arn:aws:ecs:" + s.Region + ":" + s.Account
	cluster := lastStep(aws.ToString(s.Envs[environment].EcsClusterArn))
	c.TaskArn, c.ContainerInstanceArn = aws.String(ecs+":task/"+cluster+"/"+newID()), nil
	if !onFargate(s.Envs[environment].ComputeResources) {
		c.ContainerInstanceArn = aws.String(ecs + ":container-instance/" + cluster + "/" + newID())
	}
	j.Container = &c
	s.mark(j)
	r := s.report(j)
	s.later(s.Step, func() {
		if j.Status == types.JobStatusStarting {
			s.after = append(s.after, func() { s.launch(r) })
		}
	})
}

// launch hands an attempt to the runner; not under the lock, as the runner may answer at once.
func (s *Service) launch(r *report) {
	if role := aws.ToString(r.job.Container.JobRoleArn); role != "" && s.Roles != nil && !s.roleExists(role) {
		r.Done(Exit{StatusReason: "ECS was unable to assume the role '" + role + "' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions."})
		return
	}
	if err := s.reveal(r); err != nil {
		r.Done(NotStarted("ResourceInitializationError: unable to pull secrets or registry auth: " + err.Error()))
		return
	}
	s.enter(r)
	stop := s.Runner.Start(r.attempt, r)
	s.note(func() { s.stoppable(r, stop) })
}

// reveal gives an attempt the values of its secrets, which are kept nowhere.
func (s *Service) reveal(r *report) error {
	for _, secret := range r.job.Container.Secrets {
		name, arn := aws.ToString(secret.Name), aws.ToString(secret.ValueFrom)
		if s.Secret == nil {
			return fmt.Errorf("variable %s: ResourceNotFoundException: there is no %s", name, arn)
		}
		value, err := s.Secret(name, arn)
		if err != nil {
			return fmt.Errorf("variable %s: %w", name, err)
		}
		r.attempt.Env[name] = value
	}
	return nil
}

// enter gives an attempt what its host gives; the job's own variables come before those.
func (s *Service) enter(r *report) {
	if s.Enter != nil {
		env, leave := s.Enter(r.attempt.ID(), aws.ToString(r.job.Container.JobRoleArn))
		maps.Copy(env, r.attempt.Env)
		r.attempt.Env, r.leave = env, leave
	}
}

// stoppable notes how to stop an attempt, and does it where that was asked for meanwhile.
func (s *Service) stoppable(r *report, stop func()) {
	if !r.done {
		r.job.stop = stop
	}
	if r.done || r.job.Stopped != "" {
		s.after = append(s.after, stop)
	}
}

func (s *Service) attempt(j *job) Attempt {
	c := j.Container
	a := Attempt{
		JobID: j.id(), JobName: aws.ToString(j.JobName),
		Queue:      s.nameOf("job-queue", aws.ToString(j.JobQueue)),
		Definition: s.nameOf("job-definition", aws.ToString(j.JobDefinition)),
		Number:     len(j.Attempts) + 1,
		Image:      aws.ToString(c.Image), Command: c.Command, Env: map[string]string{},
		VCPUs: j.size.vcpus, MemoryMiB: j.size.memory, GPUs: j.size.gpus,
	}
	if c.LinuxParameters != nil {
		a.SharedMemoryMiB = int64(aws.ToInt32(c.LinuxParameters.SharedMemorySize))
	}
	for _, kv := range c.Environment {
		a.Env[aws.ToString(kv.Name)] = aws.ToString(kv.Value)
	}
	a.Env["AWS_BATCH_JOB_ID"] = a.JobID
	a.Env["AWS_BATCH_JOB_ATTEMPT"] = strconv.Itoa(a.Number)
	a.Env["AWS_BATCH_JQ_NAME"] = a.Queue
	a.Env["AWS_BATCH_CE_NAME"] = j.Environment
	return a
}

// limit starts the timeout, which counts from the attempt's start. B11.
func (s *Service) limit(j *job) {
	if j.Timeout == nil || j.Status != types.JobStatusRunning {
		return
	}
	number, end := len(j.Attempts), time.UnixMilli(*j.StartedAt).Add(time.Duration(*j.Timeout.AttemptDurationSeconds)*time.Second)
	j.stopTimer = s.Clock.AfterFunc(end.Sub(s.Clock.Now()), func() {
		s.note(func() {
			if len(j.Attempts) == number { // the call may come when the attempt is over
				s.end(j, reasonTimeout)
			}
		})
	})
}

// end stops a job in whatever state. A container is asked to stop; when it has, the job is FAILED and not retried. B11.
func (s *Service) end(j *job, reason string) {
	switch {
	case j.finished():
	case j.Status != types.JobStatusStarting && j.Status != types.JobStatusRunning:
		s.finish(j, types.JobStatusFailed, reason)
	case j.Stopped == "":
		j.Stopped = reason
		s.mark(j)
		if j.stop != nil {
			s.after = append(s.after, j.stop)
		}
	}
}

// ended takes the end of an attempt: the job has succeeded, is tried again, or has failed.
func (s *Service) ended(j *job, e Exit) {
	e.StatusReason = cmp.Or(e.StatusReason, reasonExited)
	if s.off["B17"] {
		e.StatusReason, e.Reason = "", ""
	}
	if s.off["B18"] && e.Code == nil {
		e.Code = aws.Int32(1)
	}
	c := *j.Container
	c.ExitCode, c.Reason = e.Code, textOrNil(e.Reason)
	j.Container = &c
	a := types.AttemptDetail{Container: &types.AttemptContainerDetail{}, StatusReason: &e.StatusReason, StoppedAt: s.millis()}
	assign(a.Container, &c)
	fill(a.Container)
	if j.Status == types.JobStatusRunning {
		a.StartedAt = j.StartedAt
	}
	j.Attempts = append(j.Attempts, a)
	s.release(j)
	switch {
	case j.Stopped != "" && !s.off["B11"]: // whatever its exit code
		s.finish(j, types.JobStatusFailed, j.Stopped)
	case e.Code != nil && *e.Code == 0:
		s.finish(j, types.JobStatusSucceeded, e.StatusReason)
	case s.retries(j, e):
		j.StatusReason = &e.StatusReason
		s.wait(j)
		s.mark(j)
	default:
		s.finish(j, types.JobStatusFailed, e.StatusReason)
	}
}

// retries tells whether a failed attempt is to be repeated: while attempts are left, the first rule that matches decides, and where none does it is. B12.
func (s *Service) retries(j *job, e Exit) bool {
	r := j.RetryStrategy
	if r == nil || len(j.Attempts) >= int(aws.ToInt32(r.Attempts)) {
		return false
	}
	for _, exit := range r.EvaluateOnExit {
		if exitMatches(exit, e) && !s.off["B12"] {
			return strings.EqualFold(string(exit.Action), string(types.RetryActionRetry))
		}
	}
	return true
}

// exitMatches needs every condition that there is.
func exitMatches(on types.EvaluateOnExit, e Exit) bool {
	code := ""
	if e.Code != nil {
		code = strconv.Itoa(int(*e.Code))
	}
	matches := func(pattern *string, text string) bool { return pattern == nil || glob(*pattern, text) }
	return matches(on.OnExitCode, code) && matches(on.OnReason, e.Reason) && matches(on.OnStatusReason, e.StatusReason)
}

func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// finish makes a job final, and moves those on that depend on it.
func (s *Service) finish(j *job, status types.JobStatus, reason string) {
	if j.finished() {
		return
	}
	j.Status, j.StatusReason, j.StoppedAt = status, textOrNil(reason), s.millis()
	s.mark(j)
	for _, d := range j.dependents {
		delete(d.need, j.id())
		if broken := status == types.JobStatusFailed && !s.off["B14"]; broken || d.Status == types.JobStatusPending && len(d.need) == 0 {
			s.place(d, broken)
		}
	}
	j.dependents = nil
}

// newID is an id as ECS gives to tasks.
func newID() string { return strings.ReplaceAll(uuid.NewString(), "-", "") }

// report takes the events of one attempt.
type report struct {
	service       *Service
	job           *job
	attempt       Attempt
	group, stream string
	leave         func()
	done          bool // guarded by the service's lock
}

func (s *Service) report(j *job) *report {
	r := &report{service: s, job: j, attempt: s.attempt(j), leave: func() {}}
	r.group, r.stream = s.logDestination(j)
	return r
}

func (r *report) Running() {
	if l := r.service.Logs; l != nil {
		// Without its log group a container does not start.
		if err := l.Open(r.group, r.stream); err != nil {
			r.end(NotStarted("CannotStartContainerError: failed to initialize logging driver: "+err.Error()), true)
			return
		}
	}
	r.service.note(func() {
		j := r.job
		if r.done || j.Status != types.JobStatusStarting { // an attempt that was taken up tells it again
			return
		}
		j.Status, j.StartedAt = types.JobStatusRunning, r.service.millis()
		c := *j.Container
		c.LogStreamName = &r.stream
		j.Container = &c
		r.service.mark(j)
		r.service.limit(j)
	})
}

func (r *report) Line(text string) {
	if l := r.service.Logs; l != nil {
		l.Put(r.group, r.stream, r.service.Clock.Now(), text)
	}
}

func (r *report) Done(e Exit) { r.end(e, false) }

// end ends an attempt once; halt asks the runner to end it too.
func (r *report) end(e Exit, halt bool) {
	r.service.note(func() {
		if r.done {
			return
		}
		r.done = true
		r.service.after = append(r.service.after, r.leave)
		if halt && r.job.stop != nil {
			r.service.after = append(r.service.after, r.job.stop)
		}
		r.service.ended(r.job, e)
	})
}
