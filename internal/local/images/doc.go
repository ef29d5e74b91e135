// Package images takes requests of ECR and of the registry protocol, and answers them from repositories of images kept in a directory.
//
// The two sides share one state: what docker pushes to /v2/ is what DescribeImages lists, a push needs a repository that exists and a
// token of GetAuthorizationToken, and a deleted image cannot be pulled. What was answered with success is on disk, also when the process is killed.
//
//	<dir>/registry.json       repositories, their images and tags
//	<dir>/blobs/<hex digest>  layers, configurations and manifests, of all repositories
//	<dir>/blobs/<random>      layers on their way in
//
// The wire is served by own code: go-containerregistry's registry keeps manifests and layers that come in pieces in memory, and takes no open ranges.
//
// Behaviour follows the ECR API reference (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/) and the distribution
// specification (https://github.com/opencontainers/distribution-spec/blob/main/spec.md).
package images
