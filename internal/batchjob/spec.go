package batchjob

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/project"
)

// Requirements are the resources of a container. What is 0 is left out.
func Requirements(r project.Resources) []types.ResourceRequirement {
	var all []types.ResourceRequirement
	add := func(kind types.ResourceType, value string) {
		if value != "0" {
			all = append(all, types.ResourceRequirement{Type: kind, Value: &value})
		}
	}
	add(types.ResourceTypeVcpu, strconv.FormatFloat(r.VCPUs, 'f', -1, 64))
	add(types.ResourceTypeMemory, strconv.Itoa(r.Memory))
	add(types.ResourceTypeGpu, strconv.Itoa(r.GPUs))
	return all
}

// Retries let Batch repeat what was not the program's fault: a lost host, a spot interruption, an image that could not be had at that moment. Batch
// retries what no rule matches, therefore the last rule matches everything. No attempts give no strategy.
// https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html
func Retries(attempts int) *types.RetryStrategy {
	if attempts == 0 {
		return nil
	}
	return &types.RetryStrategy{Attempts: aws.Int32(int32(attempts)), EvaluateOnExit: []types.EvaluateOnExit{
		{OnStatusReason: aws.String("Host EC2*"), Action: types.RetryActionRetry},
		{OnStatusReason: aws.String("Your Spot Task was interrupted*"), Action: types.RetryActionRetry},
		{OnReason: aws.String("CannotPullContainer*"), Action: types.RetryActionRetry},
		{OnStatusReason: aws.String("Task failed to start*"), Action: types.RetryActionRetry},
		{OnReason: aws.String("*"), Action: types.RetryActionExit},
	}}
}
