// Package batchjob takes settings or a queue and gives what the stack and the runs have in common with Batch's jobs: resources and rules for retries in
// Batch's words, and the jobs of a queue that have not ended. A submission replaces what its definition says as a whole, so that both must say the same.
package batchjob
