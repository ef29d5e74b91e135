// Package images takes requests of ECR and of the registry protocol, and answers them from repositories of images kept in a directory.
//
// The two sides share one state: what docker pushes to /v2/ is what DescribeImages lists, a push needs a repository that exists and a
// token of GetAuthorizationToken, and a deleted image cannot be pulled. Contents of blobs are served by go-containerregistry's registry
// over files; manifests and tags, which that library holds in memory only, are kept here.
//
//	<dir>/images.json          repositories, their images and tags, tokens
//	<dir>/blobs/<hex digest>   layers, configurations and manifests, of all repositories
//	<dir>/uploads/<random>     layers on their way in
//
// Behaviour follows the ECR API reference (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/) and the distribution
// specification (https://github.com/opencontainers/distribution-spec/blob/main/spec.md).
package images
