package main

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"
)

// cmdOthers pushes an image that kedroctl has not made, and names it in $OTHERS: others REPOSITORY [NAME=VALUE]… [arm64] [ENTRYPOINT].
func cmdOthers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: others REPOSITORY [NAME=VALUE]… [arm64] [ENTRYPOINT]")
	}
	config := v1.ConfigFile{OS: "linux", Architecture: "amd64"}
	for _, word := range args[1:] {
		switch {
		case strings.Contains(word, "="):
			config.Config.Env = append(config.Config.Env, word)
		case word == "arm64":
			config.Architecture = word
		default:
			config.Config.Entrypoint = []string{word}
		}
	}
	ref, err := worldOf(ts).push(args[0], config)
	ts.Check(err)
	ts.Setenv("OTHERS", ref)
}

func (w *world) push(repository string, config v1.ConfigFile) (string, error) {
	client := ecr.NewFromConfig(w.aws())
	_, err := client.CreateRepository(context.Background(), &ecr.CreateRepositoryInput{RepositoryName: &repository})
	var exists *ecrtypes.RepositoryAlreadyExistsException
	if err != nil && !errors.As(err, &exists) {
		return "", err
	}
	token, err := client.GetAuthorizationToken(context.Background(), nil)
	if err != nil {
		return "", err
	}
	login, err := base64.StdEncoding.DecodeString(aws.ToString(token.AuthorizationData[0].AuthorizationToken))
	if err != nil {
		return "", err
	}
	user, password, _ := strings.Cut(string(login), ":")
	image, err := mutate.ConfigFile(empty.Image, &config)
	if err != nil {
		return "", err
	}
	digest, err := image.Digest()
	if err != nil {
		return "", err
	}
	text := strings.TrimPrefix(w.server.Info().Endpoint, "http://") + "/" + repository + "@" + digest.String()
	ref, err := name.ParseReference(text, name.Insecure)
	if err != nil {
		return "", err
	}
	return text, remote.Write(ref, image, remote.WithAuth(&authn.Basic{Username: user, Password: password}))
}
