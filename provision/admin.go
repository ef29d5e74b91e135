package provision

import (
	"context"
	"fmt"
	"slices"
)

// AdminStep is a call of IAM that somebody else has to make, as a command of the AWS CLI.
type AdminStep struct {
	Kind    string   `json:"kind"`
	Name    string   `json:"name"`
	What    string   `json:"what"`              // "create", "put policy"
	Setting string   `json:"setting,omitempty"` // that names another one instead
	Command []string `json:"command"`           // word by word
}

// ForAdministrator gives what Apply would change in IAM, in an order that works, and changes nothing. After that Apply needs no right to change
// anything in IAM.
func ForAdministrator(ctx context.Context, c Clients, s Spec) ([]AdminStep, error) {
	acc, err := identify(ctx, c.STS)
	if err != nil {
		return nil, err
	}
	withKey, err := bucket{c, s, acc}.withKey(ctx)
	if err != nil {
		return nil, err
	}
	type part struct {
		resource
		setting, named string
	}
	parts := []part{{withKey.jobRole(c, acc), "aws.job_role", s.Existing.JobRole}}
	if s.needsExecutionRole() {
		parts = append(parts, part{s.executionRole(c, acc), "aws.execution_role", s.Existing.ExecutionRole})
	}
	if s.ownQueue() && !s.onFargate() {
		parts = append(parts, part{s.instanceRole(c, acc), "aws.instance_profile", s.Existing.InstanceProfile},
			part{profile{c, s}, "aws.instance_profile", s.Existing.InstanceProfile})
	}
	if s.ownQueue() {
		parts = append(parts, part{serviceRole{c}, "aws.service_role", s.Existing.ServiceRole})
	}
	var steps []AdminStep
	for _, p := range parts {
		if p.named != "" {
			continue
		}
		is, changes, err := p.diff(ctx)
		if err != nil {
			return nil, explain(is.String(), err)
		}
		for _, change := range changes {
			steps = append(steps, AdminStep{is.Kind, is.Name, change.what, p.setting, slices.Concat([]string{"aws", "iam"}, change.command)})
		}
	}
	return steps, nil
}

// cliTags are the stack's tags as the AWS CLI takes them.
func (s Spec) cliTags() []string {
	words := []string{"--tags"}
	for _, t := range sortedTags(s) {
		words = append(words, fmt.Sprintf("Key=%s,Value=%s", t.key, t.value))
	}
	return words
}
