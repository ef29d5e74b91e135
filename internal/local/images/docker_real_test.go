//go:build real

package images_test

import (
	"archive/tar"
	"bytes"
	"context"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/kedroctl/kedroctl/internal/local/images"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

func docker(t *testing.T, stdin []byte, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "docker", args...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// start serves a registry on a port that is kept, and stops it by the function that it gives.
func start(t *testing.T, dir, host string) func() {
	t.Helper()
	s, err := images.New(images.Options{Dir: dir, Region: "eu-west-1", Account: "123456789012", Host: host, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go server.Serve(listener) //nolint:errcheck // ends with an error when it is closed
	return func() { _ = server.Shutdown(context.Background()) }
}

func TestDockerPushesAndPulls(t *testing.T) {
	if err := exec.Command("docker", "version").Run(); err != nil {
		realtest.Missing(t, "no Docker Engine, or no docker program: "+err.Error())
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir, host := t.TempDir(), listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	stop := start(t, dir, host)
	c := ecr.New(ecr.Options{Region: "eu-west-1", BaseEndpoint: aws.String("http://" + host), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	created, err := c.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("jobs")})
	if err != nil {
		t.Fatal(err)
	}
	uri := *created.Repository.RepositoryUri
	docker(t, layer(t), "import", "-", uri+":1")
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "-f", uri+":1").Run() })

	s := &bench{Client: c, host: host}
	docker(t, []byte(s.password(t)), "login", "--username", "AWS", "--password-stdin", host)
	docker(t, nil, "push", uri+":1")
	docker(t, nil, "rmi", uri+":1")
	described, err := c.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("jobs")})
	if err != nil || len(described.ImageDetails) != 1 {
		t.Fatalf("images: %v, %v", described, err)
	}
	pushed, err := remote.Image(s.ref(t, "jobs:1"), s.login(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(pushed); err != nil {
		t.Errorf("what docker pushed is not whole: %v", err)
	}
	byDigest := uri + "@" + *described.ImageDetails[0].ImageDigest
	docker(t, nil, "pull", byDigest)
	docker(t, nil, "rmi", byDigest)

	stop()
	t.Cleanup(start(t, dir, host))
	docker(t, nil, "pull", byDigest)
	if got := docker(t, nil, "image", "inspect", "--format", "{{len .RootFS.Layers}}", byDigest); got != "1" {
		t.Errorf("the image has %s layers", got)
	}
	docker(t, nil, "rmi", byDigest)
}

// layer is a tar archive of 20 MB that cannot be compressed to nothing.
func layer(t *testing.T) []byte {
	t.Helper()
	content := make([]byte, 20<<20)
	for i := range content {
		content[i] = byte(i * i >> 7)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "data", Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
