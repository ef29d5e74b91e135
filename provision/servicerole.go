package provision

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// serviceRole is Batch's service-linked role: one for the account, made where it is absent, never removed.
type serviceRole struct {
	Clients
}

const servicePath = "/aws-service-role/batch.amazonaws.com/"

// diff lists by path and takes the ARN from the answer: the role's name is AWS's affair.
func (s serviceRole) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindServiceRole, Name: "batch.amazonaws.com"}
	pages := iam.NewListRolesPaginator(s.IAM, &iam.ListRolesInput{PathPrefix: aws.String(servicePath)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return is, nil, err
		}
		if len(page.Roles) > 0 {
			is.ARN = aws.ToString(page.Roles[0].Arn)
			return is, nil, nil
		}
	}
	return is, []change{{what: "create", create: true, do: func(ctx context.Context) error { return s.create(ctx, is) },
		command: []string{"create-service-linked-role", "--aws-service-name", "batch.amazonaws.com"}}}, nil
}

func (s serviceRole) create(ctx context.Context, is *Resource) error {
	out, err := s.IAM.CreateServiceLinkedRole(ctx, &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("batch.amazonaws.com")})
	if err == nil {
		is.ARN = aws.ToString(out.Role.Arn)
	}
	return err
}
