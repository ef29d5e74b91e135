package containers

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/engine"
)

// pull fetches an image, as the ECS agent does before each task, and gives its name in the engine. An image of another registry that can't be fetched is
// taken from the engine where it has it; one of the server's own registry must be there.
func (r *Runner) pull(ctx context.Context, image string) (string, error) {
	if strings.HasPrefix("http://"+image, r.server.Endpoint+"/") {
		return r.link.take(ctx, image, ecr.New(ecr.Options{
			Region: r.server.Region, BaseEndpoint: &r.server.Endpoint,
			Credentials: credentials.NewStaticCredentialsProvider(r.server.AccessKey, r.server.SecretKey, ""),
		}))
	}
	err := fetch(ctx, r.docker, image, client.ImagePullOptions{})
	if err != nil {
		if _, absent := r.docker.ImageInspect(ctx, image); absent == nil {
			return image, nil
		}
	}
	return image, err
}

// take has the engine get an image of the embedded AWS's registry, and gives its name in the engine.
func (l *link) take(ctx context.Context, image string, api Tokens) (string, error) {
	reach, err := l.way(ctx)
	if err != nil {
		return "", err
	}
	if reach == engine.Direct {
		return image, fetchAllowed(ctx, l.docker, image, api)
	}
	user, password, err := authorization(ctx, api)
	if err != nil {
		return "", err
	}
	return load(ctx, l.docker, image, user, password)
}

// fetchAllowed has the engine pull an image with rights that it is given.
func fetchAllowed(ctx context.Context, docker *client.Client, image string, api Tokens) error {
	user, password, err := authorization(ctx, api)
	if err != nil {
		return err
	}
	auth, err := authconfig.Encode(registry.AuthConfig{Username: user, Password: password})
	if err != nil {
		return err
	}
	return fetch(ctx, docker, image, client.ImagePullOptions{RegistryAuth: auth})
}

// fetch has the engine pull an image.
func fetch(ctx context.Context, docker *client.Client, image string, o client.ImagePullOptions) error {
	answer, err := docker.ImagePull(ctx, image, o)
	if err != nil {
		return err
	}
	return answer.Wait(ctx)
}

// load gives the engine an image of a registry that it does not reach itself, unless it has it, and gives the name that it has there.
func load(ctx context.Context, docker *client.Client, image, user, password string) (string, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return "", err
	}
	content, err := remote.Image(ref, remote.WithContext(ctx), remote.WithAuth(&authn.Basic{Username: user, Password: password}))
	if err != nil {
		return "", err
	}
	config, err := content.ConfigName()
	if err != nil {
		return "", err
	}
	digest, err := content.Digest()
	if err != nil {
		return "", err
	}
	tag := ref.Context().Tag("sha256-" + digest.Hex)
	for _, known := range []string{config.String(), tag.String()} { // the first is the id that a graph driver gives to the image, wherever it comes from
		if _, err := docker.ImageInspect(ctx, known); err == nil {
			return known, nil
		}
	}
	r, w := io.Pipe()
	defer r.Close() // ends the writer where the call fails early
	go func() { w.CloseWithError(tarball.Write(tag, content, w)) }()
	answer, err := docker.ImageLoad(ctx, r)
	if err != nil {
		return "", fmt.Errorf("load %s into the engine: %w", image, err)
	}
	defer answer.Close()
	for said := json.NewDecoder(answer); ; {
		var m jsonstream.Message
		switch err := said.Decode(&m); {
		case errors.Is(err, io.EOF):
			return tag.String(), nil
		case err != nil:
			return "", fmt.Errorf("load %s into the engine: %w", image, err)
		case m.Error != nil:
			return "", fmt.Errorf("load %s into the engine: %w", image, m.Error)
		}
	}
}

// Tokens gives rights to a registry of ECR.
type Tokens interface {
	GetAuthorizationToken(context.Context, *ecr.GetAuthorizationTokenInput, ...func(*ecr.Options)) (*ecr.GetAuthorizationTokenOutput, error)
}

// authorization asks for the right to pull.
func authorization(ctx context.Context, api Tokens) (user, password string, err error) {
	out, err := api.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return "", "", fmt.Errorf("get ECR authorization: %w", err)
	}
	if len(out.AuthorizationData) == 0 {
		return "", "", errors.New("get ECR authorization: the answer holds no token")
	}
	token, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
	if err != nil {
		return "", "", fmt.Errorf("get ECR authorization: %w", err)
	}
	user, password, _ = strings.Cut(string(token), ":")
	return user, password, nil
}
