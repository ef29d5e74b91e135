package batchjob

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// Unfinished lists the jobs of a queue (name or ARN) that have not ended. Batch lists one state at a time, so a job that moves on meanwhile may be listed
// twice. https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
func Unfinished(ctx context.Context, api batch.ListJobsAPIClient, queue string) ([]types.JobSummary, error) {
	var all []types.JobSummary
	for _, status := range []types.JobStatus{
		types.JobStatusSubmitted, types.JobStatusPending, types.JobStatusRunnable, types.JobStatusStarting, types.JobStatusRunning,
	} {
		pages := batch.NewListJobsPaginator(api, &batch.ListJobsInput{JobQueue: &queue, JobStatus: status})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			all = append(all, page.JobSummaryList...)
		}
	}
	return all, nil
}
