// Package jobspec takes the settings of a job and gives Batch's words for them, as the job definition and each submission have them: resources and
// rules for retries. A submission replaces those of its definition as a whole, so that both must say the same.
package jobspec
