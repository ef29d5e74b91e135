package provision

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

// inIAM are the changes of tags of a role or an instance profile, with their commands.
func (r retagging) inIAM(entity, name string, put func(context.Context, map[string]string) error, remove func(context.Context, []string) error) []change {
	changes := r.changes(put, remove)
	for i, c := range changes {
		if c.what == putTags {
			changes[i].command = append([]string{"tag-" + entity, "--" + entity + "-name", name}, cliTags(r.put)...)
		} else {
			changes[i].command = append([]string{"untag-" + entity, "--" + entity + "-name", name, "--tag-keys"}, r.remove...)
		}
	}
	return changes
}

// cliTags are tags as the AWS CLI takes them, in its shorthand: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-shorthand.html
func cliTags(tags map[string]string) []string {
	words := []string{"--tags"}
	for _, t := range sorted(tags) {
		words = append(words, fmt.Sprintf("Key=%s,Value=%s", shorthand(t.key), shorthand(t.value)))
	}
	return words
}

// shorthand quotes what would not be taken for a text. None has a quote or a comma.
func shorthand(text string) string {
	if strings.HasPrefix(text, "=") {
		return `"` + text + `"`
	}
	return text
}
