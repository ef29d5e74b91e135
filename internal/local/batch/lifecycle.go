package batch

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// admit takes a submitted job in. States: SUBMITTED, then PENDING with unfinished dependencies or RUNNABLE. B13 (states).
func (s *Service) admit(j *job, parents []*job, tooLong bool) {
	s.jobs[j.id()] = j
	s.order = append(s.order, j)
	s.dirty.jobs[j] = true
	j.Need = map[string]bool{}
	broken := false
	for _, p := range parents {
		if !p.finished() && !j.Need[p.id()] {
			j.Need[p.id()] = true
			p.dependents = append(p.dependents, j)
		}
		broken = broken || p.Status == types.JobStatusFailed
	}
	s.later(s.Step, func() {
		switch {
		case j.finished():
		case tooLong: // B26
			s.finish(j, types.JobStatusFailed, reasonOverrides)
		case broken: // B14
			s.finish(j, types.JobStatusFailed, reasonDependency)
		default:
			s.wait(j)
		}
	})
}

// wait puts a job where it waits: for other jobs, or for room.
func (s *Service) wait(j *job) {
	s.dirty.jobs[j] = true
	if len(j.Need) > 0 {
		j.Status = types.JobStatusPending
		return
	}
	j.Status = types.JobStatusRunnable
	if q := s.queues[s.nameOf("job-queue", aws.ToString(j.JobQueue))]; q != nil {
		q.runnable = append(q.runnable, j)
	}
}

// dispatch starts what there is room for: queues by priority, jobs of a queue by age. The oldest job holds back those behind it.
func (s *Service) dispatch() {
	queues := slices.SortedFunc(maps.Values(s.queues), func(a, b *queue) int {
		return cmp.Or(cmp.Compare(*b.Priority, *a.Priority), cmp.Compare(*a.JobQueueName, *b.JobQueueName))
	})
	for _, q := range queues {
		for len(q.runnable) > 0 {
			j := q.runnable[0]
			if j.Status == types.JobStatusRunnable {
				e := s.room(q, j)
				if e == nil {
					break
				}
				s.start(j, e)
			}
			q.runnable = q.runnable[1:]
		}
	}
}

// room finds the first environment of a queue that has the vCPUs for a job now, and notes a job that none will ever have. B25 (API: JobDetail.statusReason).
func (s *Service) room(q *queue, j *job) *types.ComputeEnvironmentDetail {
	fits := false
	for _, o := range q.ComputeEnvironmentOrder {
		e, err := s.environment(aws.ToString(o.ComputeEnvironment))
		if err != nil || e.State != types.CEStateEnabled || e.Status != types.CEStatusValid && e.Status != types.CEStatusUpdating {
			fits = true // not for ever
			continue
		}
		if e.ComputeResources == nil || s.used[*e.ComputeEnvironmentName]+j.size().vcpus <= float64(*e.ComputeResources.MaxvCpus) {
			return e
		}
		fits = fits || j.size().vcpus <= float64(*e.ComputeResources.MaxvCpus)
	}
	if !fits && j.StatusReason == nil {
		j.StatusReason = aws.String(reasonTooBig)
		s.dirty.jobs[j] = true
	}
	return nil
}

// start begins the next attempt of a job on an environment.
func (s *Service) start(j *job, e *types.ComputeEnvironmentDetail) {
	j.environment = aws.ToString(e.ComputeEnvironmentName)
	s.used[j.environment] += j.size().vcpus
	j.Status, j.StatusReason, j.StoppedAt = types.JobStatusStarting, nil, nil
	c := *j.Container // those who were told of the last attempt keep what they were told
	c.ExitCode, c.Reason, c.LogStreamName = nil, nil, nil
	c.TaskArn = aws.String("arn:aws:ecs:" + s.Region + ":" + s.Account + ":task/AWSBatch-" + j.environment + "/" + randomHex(16))
	c.ContainerInstanceArn = aws.String("arn:aws:ecs:" + s.Region + ":" + s.Account + ":container-instance/AWSBatch-" + j.environment + "/" + randomHex(16))
	j.Container = &c
	s.dirty.jobs[j] = true
	r := &report{service: s, job: j, attempt: s.attempt(j)}
	r.group, r.stream = logDestination(j)
	s.later(s.Step, func() {
		if j.Status == types.JobStatusStarting {
			s.after = append(s.after, func() { s.launch(j, r) })
		}
	})
}

// launch hands an attempt to the runner; not under the lock, as the runner may answer at once.
func (s *Service) launch(j *job, r *report) {
	if role := aws.ToString(j.Container.JobRoleArn); role != "" && s.Roles != nil && !s.roleExists(role) {
		r.Done(Exit{StatusReason: "ECS was unable to assume the role '" + role + "' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions."})
		return
	}
	leave := func() {}
	if s.Enter != nil {
		var env map[string]string
		env, leave = s.Enter(r.attempt.id(), aws.ToString(j.Container.JobRoleArn))
		maps.Copy(env, r.attempt.Env)
		r.attempt.Env = env
	}
	r.leave = leave
	stop := s.Runner.Start(r.attempt, r)
	_ = s.update(func() error {
		if !r.done {
			j.stop = stop
		}
		if r.done || j.Stopped != "" { // asked for meanwhile
			s.after = append(s.after, stop)
		}
		return nil
	})
}

// id names an attempt among all.
func (a Attempt) id() string { return a.JobID + "-" + strconv.Itoa(a.Number) }

func (s *Service) attempt(j *job) Attempt {
	z, c := j.size(), j.Container
	a := Attempt{
		JobID: j.id(), JobName: aws.ToString(j.JobName),
		Queue:      s.nameOf("job-queue", aws.ToString(j.JobQueue)),
		Definition: s.nameOf("job-definition", aws.ToString(j.JobDefinition)),
		Number:     len(j.Attempts) + 1,
		Image:      aws.ToString(c.Image), Command: c.Command, Env: map[string]string{},
		VCPUs: z.vcpus, MemoryMiB: z.memory, GPUs: z.gpus,
		User: aws.ToString(c.User), Privileged: aws.ToBool(c.Privileged), ReadOnly: aws.ToBool(c.ReadonlyRootFilesystem),
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
	a.Env["AWS_BATCH_CE_NAME"] = j.environment
	return a
}

// running notes that the container runs, and starts the timeout. B11 (timeouts): each attempt's time counts from its start.
func (s *Service) running(j *job, stream string) {
	j.Status, j.StartedAt = types.JobStatusRunning, s.millis()
	c := *j.Container
	c.LogStreamName = &stream
	j.Container = &c
	s.dirty.jobs[j] = true
	if t := j.Timeout; t != nil {
		number := len(j.Attempts)
		j.cancelTimer = s.Clock.AfterFunc(time.Duration(aws.ToInt32(t.AttemptDurationSeconds))*time.Second, func() {
			// A change that fails to be kept is kept with the next one.
			_ = s.update(func() error {
				if len(j.Attempts) == number { // the call may come when the attempt is over
					s.end(j, reasonTimeout)
				}
				return nil
			})
		})
	}
}

// end stops a job in whatever state. A container is asked to stop; when it has, the job is FAILED and not retried. B11 (retries).
func (s *Service) end(j *job, reason string) {
	switch {
	case j.finished():
	case j.Status != types.JobStatusStarting && j.Status != types.JobStatusRunning:
		s.finish(j, types.JobStatusFailed, reason)
	case j.Stopped == "":
		j.Stopped = reason
		s.dirty.jobs[j] = true
		if j.stop != nil {
			s.after = append(s.after, j.stop)
		}
	}
}

// ended takes the end of an attempt: the job has succeeded, is tried again, or has failed.
func (s *Service) ended(j *job, e Exit) {
	e.StatusReason = cmp.Or(e.StatusReason, reasonExited)
	s.release(j)
	j.Attempts = append(j.Attempts, s.attemptDetail(j, e))
	c := *j.Container
	c.ExitCode, c.Reason = e.Code, textOrNil(e.Reason)
	j.Container = &c
	s.dirty.jobs[j] = true
	switch {
	case j.Stopped != "": // B11: whoever was stopped is not retried, whatever its exit code
		s.finish(j, types.JobStatusFailed, j.Stopped)
	case e.Code != nil && *e.Code == 0:
		s.finish(j, types.JobStatusSucceeded, e.StatusReason)
	case j.RetryStrategy != nil && len(j.Attempts) < int(aws.ToInt32(j.RetryStrategy.Attempts)) && retries(j.RetryStrategy, e):
		j.StatusReason = &e.StatusReason
		s.wait(j)
	default:
		s.finish(j, types.JobStatusFailed, e.StatusReason)
	}
}

func (s *Service) attemptDetail(j *job, e Exit) types.AttemptDetail {
	a := types.AttemptDetail{
		Container: &types.AttemptContainerDetail{
			ContainerInstanceArn: j.Container.ContainerInstanceArn,
			TaskArn:              j.Container.TaskArn,
			LogStreamName:        j.Container.LogStreamName,
			ExitCode:             e.Code,
			Reason:               textOrNil(e.Reason),
			NetworkInterfaces:    []types.NetworkInterface{},
		},
		StatusReason: &e.StatusReason,
		StoppedAt:    s.millis(),
	}
	if j.Status == types.JobStatusRunning {
		a.StartedAt = j.StartedAt
	}
	return a
}

func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// release gives back what an attempt held.
func (s *Service) release(j *job) {
	if s.used[j.environment] -= j.size().vcpus; s.used[j.environment] <= 0 {
		delete(s.used, j.environment)
	}
	j.environment, j.stop = "", nil
	if j.cancelTimer != nil {
		j.cancelTimer()
		j.cancelTimer = nil
	}
}

// finish makes a job final, and with it those that depend on it: released by success, failed by failure. B14 (job_dependencies page of the user guide).
func (s *Service) finish(j *job, status types.JobStatus, reason string) {
	for done := []*job{j}; len(done) > 0; done = done[1:] {
		j := done[0]
		if j.finished() {
			continue
		}
		j.Status, j.StatusReason, j.StoppedAt, j.Need = status, aws.String(reason), s.millis(), nil
		s.dirty.jobs[j] = true
		for _, d := range j.dependents {
			delete(d.Need, j.id())
			s.dirty.jobs[d] = true
			if status == types.JobStatusFailed {
				done = append(done, d)
			} else if d.Status == types.JobStatusPending && len(d.Need) == 0 {
				s.unblock(d)
			}
		}
		j.dependents = nil
		if status == types.JobStatusFailed {
			reason = reasonDependency
		}
	}
}

// unblock moves a job on whose dependencies have succeeded; one that was cancelled meanwhile ends now. B15.
func (s *Service) unblock(j *job) {
	if j.Stopped != "" {
		s.finish(j, types.JobStatusFailed, j.Stopped)
		return
	}
	s.wait(j)
}

// logDestination is the group that the definition names and the stream of the attempt. B23 (states): clients read the stream's name, they can't build it.
func logDestination(j *job) (group, stream string) {
	group, prefix := "/aws/batch/job", definitionName(j)
	if l := j.Container.LogConfiguration; l != nil && l.LogDriver == types.LogDriverAwslogs {
		group = cmp.Or(l.Options["awslogs-group"], group)
		prefix = cmp.Or(l.Options["awslogs-stream-prefix"], prefix)
	}
	return group, prefix[:min(len(prefix), 200)] + "/default/" + lastStep(aws.ToString(j.Container.TaskArn))
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
