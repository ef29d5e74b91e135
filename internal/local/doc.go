// Package local takes requests of any AWS client and answers them as AWS would, from one process on this machine: the server behind --local, and what
// the tests of other packages run against.
//
// All services share one port: Batch, CloudWatch Logs, ECR with its registry, S3, IAM, STS, and EC2's look-ups and launch templates. A request goes to
// the service that its signature names (Signature Version 4, checked), to the registry by the path /v2/, or to the credentials of jobs by /credentials/.
// Jobs are executed by a JobRunner: package containers has Docker's, package scripted one for tests.
//
// New makes the server as a handler, Listen puts it on a port, Serve is the process behind --local, which Ensure finds or starts.
package local
