// Package run takes a plan and a deployment and gives a finished run: one Batch job per group, submitted in order, followed, cancelled and verified.
//
// Start submits the whole DAG with dependsOn, so that Batch orders the jobs and the driver may leave; Follow watches them, Cancel ends them, and
// Verify compares what the jobs recorded with what is in S3. All that another machine needs to go on lies in the bucket under .kedroctl/runs/<id>/.
// docs/container.md is the contract between this package and the container; the limits named here are AWS Batch's published ones.
package run
