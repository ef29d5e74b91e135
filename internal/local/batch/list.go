package batch

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// listJobs. B16 (API: ListJobs): of exactly one queue; RUNNING ones where no status is given; with a filter the status does not count.
func (s *Service) listJobs(in *batch.ListJobsInput) (*batch.ListJobsOutput, error) {
	given := 0
	for _, of := range []*string{in.JobQueue, in.ArrayJobId, in.MultiNodeJobId} {
		if of != nil {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, refuse("exactly one of jobQueue, arrayJobId and multiNodeJobId must be given")
	case in.JobQueue == nil:
		return nil, refuse("array and multi-node jobs are not offered by the embedded Batch")
	case len(in.Filters) > 1:
		return nil, refuse("filters: one at a time")
	}
	q, err := s.queue(*in.JobQueue)
	if err != nil {
		return nil, err
	}
	matches, most, err := selection(in, s.nameOf)
	if err != nil {
		return nil, err
	}
	return s.listPage(in, q, matches, pageLength(in.MaxResults, most))
}

// listPage walks from the newest job to the oldest. The token is the place by age of the page's last job, so that jobs submitted meanwhile shift nothing.
func (s *Service) listPage(in *batch.ListJobsInput, q *queue, matches func(*job) bool, length int) (*batch.ListJobsOutput, error) {
	before := s.nextSeq()
	if in.NextToken != nil {
		n, err := strconv.Atoi(*in.NextToken)
		if err != nil {
			return nil, refuse("nextToken %q is not one of a page before", *in.NextToken)
		}
		before = n
	}
	out := &batch.ListJobsOutput{JobSummaryList: []types.JobSummary{}}
	last := 0
	for _, j := range slices.Backward(s.order) {
		if j.Seq >= before || aws.ToString(j.JobQueue) != aws.ToString(q.JobQueueArn) || s.forgotten(j) || !matches(j) {
			continue
		}
		if len(out.JobSummaryList) == length {
			out.NextToken = aws.String(strconv.Itoa(last))
			break
		}
		out.JobSummaryList = append(out.JobSummaryList, summary(j))
		last = j.Seq
	}
	return out, nil
}

func selection(in *batch.ListJobsInput, nameOf func(kind, ref string) string) (matches func(*job) bool, most int, err error) {
	if len(in.Filters) == 0 {
		status := in.JobStatus
		if status == "" {
			status = types.JobStatusRunning
		}
		return func(j *job) bool { return j.Status == status }, pageSize, nil
	}
	f := in.Filters[0]
	if len(f.Values) != 1 {
		return nil, 0, refuse("filter %s: one value must be given", aws.ToString(f.Name))
	}
	value := f.Values[0]
	switch aws.ToString(f.Name) {
	case "JOB_NAME": // case does not count
		return func(j *job) bool {
			return globMatches(strings.ToLower(value), strings.ToLower(aws.ToString(j.JobName)))
		}, filteredPageSize, nil
	case "JOB_DEFINITION":
		if strings.HasPrefix(value, "arn:") {
			return func(j *job) bool { return aws.ToString(j.JobDefinition) == value }, filteredPageSize, nil
		}
		return func(j *job) bool { return globMatches(value, definitionName(j)) }, filteredPageSize, nil
	case "BEFORE_CREATED_AT", "AFTER_CREATED_AT":
		at, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, 0, refuse("filter %s: %q is not a number of milliseconds", aws.ToString(f.Name), value)
		}
		before := *f.Name == "BEFORE_CREATED_AT"
		return func(j *job) bool { return before == (*j.CreatedAt < at) && *j.CreatedAt != at }, filteredPageSize, nil
	case "SHARE_IDENTIFIER":
		return func(*job) bool { return false }, filteredPageSize, nil // no queue here has shares
	}
	return nil, 0, refuse("filter %q is none of JOB_NAME, JOB_DEFINITION, BEFORE_CREATED_AT, AFTER_CREATED_AT, SHARE_IDENTIFIER", aws.ToString(f.Name))
}

func globMatches(pattern, text string) bool {
	if prefix, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(text, prefix)
	}
	return pattern == text
}

func summary(j *job) types.JobSummary {
	return types.JobSummary{
		JobId: j.JobId, JobArn: j.JobArn, JobName: j.JobName, JobDefinition: j.JobDefinition,
		CreatedAt: j.CreatedAt, StartedAt: j.StartedAt, StoppedAt: j.StoppedAt,
		Status: j.Status, StatusReason: j.StatusReason,
		Container: &types.ContainerSummary{ExitCode: j.Container.ExitCode, Reason: j.Container.Reason},
	}
}
