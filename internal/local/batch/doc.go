// Package batch takes requests to AWS Batch and gives its answers: compute environments, queues, job definitions and jobs, which a Runner executes.
//
// It refuses what AWS refuses. A rule that stands in AWS's prose and not in the service's model has a number, B01 to B27, beside the code that
// enforces it, with its source:
//
//	API      reference of the operation's or the structure's member in the Batch API Reference
//	limits   https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
//	states   https://docs.aws.amazon.com/batch/latest/userguide/job_states.html
//	retries  https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html
//	timeouts https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
//	a GitHub repository and number: an issue there that quotes AWS's answer
//
// Array and multi-node jobs, fair-share policies and jobs on EKS are refused as not offered.
package batch
