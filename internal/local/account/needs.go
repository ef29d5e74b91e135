package account

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// needs are the permissions that a query takes: its action on the role or instance profile that it names, and those on what comes with it, tags and
// the role that is passed on.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
func (s *Service) needs(q wire.Query) []wire.Permission {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := wire.Permission{Action: "iam:" + q.Action, Resource: "*"}
	role, profile, source := q.Get("RoleName"), q.Get("InstanceProfileName"), q.Get("PolicySourceArn")
	switch {
	case profile != "":
		first.Resource = s.profileARN(profile, q.Get("Path"))
	case source != "":
		first.Resource = source
	case role != "":
		first.Resource = s.roleARN(role, q.Get("Path"))
	case q.Action == "CreateServiceLinkedRole":
		first.Resource = s.arn("role", servicePath+q.Get("AWSServiceName")+"/", batchRole)
		first.Conditions = map[string]string{"iam:awsservicename": q.Get("AWSServiceName")}
	}
	boundary := q.Get("PermissionsBoundary")
	if now := s.state.Roles[role].PermissionsBoundary; boundary == "" && now != nil && slices.Contains(bounded, q.Action) {
		boundary = aws.ToString(now.PermissionsBoundaryArn)
	}
	if boundary != "" {
		first.Conditions = map[string]string{"iam:permissionsboundary": boundary}
	}
	all := []wire.Permission{first}
	if q.Get("Tags.member.1.Key") != "" {
		tag := strings.Replace(first.Action, ":Create", ":Tag", 1)
		all = append(all, wire.Permission{Action: tag, Resource: first.Resource})
	}
	if q.Action == "AddRoleToInstanceProfile" {
		all = append(all, Pass(s.roleARN(role, ""), "ec2.amazonaws.com"))
	}
	return all
}

// bounded are the actions on a role that can be allowed by the boundary that it has.
var bounded = []string{"PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "DetachRolePolicy", "DeleteRolePermissionsBoundary"}

// Pass is the permission to hand a role, by ARN, to a service.
func Pass(roleARN, service string) wire.Permission {
	return wire.Permission{Action: "iam:PassRole", Resource: roleARN, Conditions: map[string]string{"iam:passedtoservice": service}}
}

// roleARN is that of the role with a name; of one that is to be made with a path, what it will be.
func (s *Service) roleARN(name, path string) string {
	if r, ok := s.state.Roles[name]; ok {
		return aws.ToString(r.Arn)
	}
	return s.arn("role", cmp.Or(path, "/"), name)
}

func (s *Service) profileARN(name, path string) string {
	if p, ok := s.state.Profiles[name]; ok {
		return aws.ToString(p.Arn)
	}
	return s.arn("instance-profile", cmp.Or(path, "/"), name)
}

// ProfileRole is the ARN of the role that an instance profile holds, by its name or ARN; "" where there is none.
func (s *Service) ProfileRole(nameOrARN string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return aws.ToString(s.state.Roles[s.state.Profiles[lastStep(nameOrARN)].Holds].Arn)
}
