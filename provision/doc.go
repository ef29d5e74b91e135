// Package provision takes a project's settings, its plan and its image, and gives the AWS resources that runs need: the stack, the raw data in its
// bucket, a revision of the job definition, and the record of the deployment.
//
// A stack has no state file. Names are derived from project and environment, each resource is read, compared with the Spec and brought to it, and a
// second Apply makes no mutating call. Everything that is made carries three tags (see Spec.Tags); what lacks one of them is never changed or removed.
package provision
