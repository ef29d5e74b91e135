package containers

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"
)

// pull fetches an image, as the ECS agent does before each task. An image of another registry that can't be fetched is taken from the engine where it
// has it; one of the server's own registry must be there.
func (r *Runner) pull(ctx context.Context, image string) error {
	var o client.ImagePullOptions
	var err error
	own := strings.HasPrefix("http://"+image, r.server.Endpoint+"/")
	if own {
		api := ecr.New(ecr.Options{
			Region: r.server.Region, BaseEndpoint: &r.server.Endpoint,
			Credentials: credentials.NewStaticCredentialsProvider(r.server.AccessKey, r.server.SecretKey, ""),
		})
		if o.RegistryAuth, err = authorization(ctx, api); err != nil {
			return err
		}
	}
	resp, err := r.docker.ImagePull(ctx, image, o)
	if err == nil {
		err = resp.Wait(ctx)
	}
	if err != nil && !own {
		if _, absent := r.docker.ImageInspect(ctx, image); absent == nil {
			return nil
		}
	}
	return err
}

// Tokens gives rights to a registry of ECR.
type Tokens interface {
	GetAuthorizationToken(context.Context, *ecr.GetAuthorizationTokenInput, ...func(*ecr.Options)) (*ecr.GetAuthorizationTokenOutput, error)
}

// authorization asks for the right to pull, in the form that the engine takes.
func authorization(ctx context.Context, api Tokens) (string, error) {
	out, err := api.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return "", fmt.Errorf("get ECR authorization: %w", err)
	}
	if len(out.AuthorizationData) == 0 {
		return "", errors.New("get ECR authorization: the answer holds no token")
	}
	token, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
	if err != nil {
		return "", fmt.Errorf("get ECR authorization: %w", err)
	}
	user, password, _ := strings.Cut(string(token), ":")
	return authconfig.Encode(registry.AuthConfig{Username: user, Password: password})
}
