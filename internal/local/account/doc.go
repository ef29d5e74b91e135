// Package account takes the requests of IAM and STS and answers them from one account's roles and instance profiles, kept in a file.
//
// It knows what a deployment to AWS Batch needs: roles with inline and attached policies, instance profiles, service-linked roles, tags, and
// who the caller is. Names, limits and messages are those of the IAM API reference
// (https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html) and of its quotas
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
package account
