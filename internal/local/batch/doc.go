// Package batch takes requests to AWS Batch and gives its answers: compute environments, queues, job definitions and jobs, which a Runner executes.
//
// It refuses what AWS refuses. What stands in AWS's prose and not in the service's model is a Rule, B01 to B30, with its source in Rules; the code
// names the rule where it applies it.
//
// Array and multi-node jobs, several containers of a job, fair-share policies, unmanaged environments and jobs on EKS are refused as not offered.
package batch
