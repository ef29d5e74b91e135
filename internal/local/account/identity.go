package account

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// STS tells callers who they are in an account, for which nobody needs a permission.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func STS(account string) wire.Queries {
	return wire.Queries{Dialect: wire.STS, Actions: map[string]wire.Action{"GetCallerIdentity": wire.QueryFunc(
		func(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
			c := wire.CallerOf(ctx)
			return &sts.GetCallerIdentityOutput{Account: &account, Arn: &c.ARN, UserId: &c.UserID}, nil
		})}}
}
