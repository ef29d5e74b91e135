package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// DeploymentSchema is the version of the deployment's JSON form.
const DeploymentSchema = 1

// Keys of deployments in the bucket (docs/container.md, Bucket).
const (
	latestDeployment = ".kedroctl/deployment.json"
	deploymentPrefix = ".kedroctl/deployments/"
)

// Deployment is what runs need and can have without the project's tree: image, job definition, snapshot and settings, as they were deployed.
type Deployment struct {
	Schema          int               `json:"schema"`
	ID              string            `json:"id"`
	Created         time.Time         `json:"created"` // UTC
	KedroctlVersion string            `json:"kedroctl_version"`
	Project         string            `json:"project"` // as in the tags of the stack
	Package         string            `json:"package"`
	Env             string            `json:"env"`
	Region          string            `json:"region"`
	Bucket          string            `json:"bucket"`
	Image           string            `json:"image"` // repository@sha256:…
	InputKey        string            `json:"input_key"`
	DependencyKey   string            `json:"dependency_key,omitempty"`    // by which a development run knows whether it can have this image
	ContainerKey    string            `json:"container_key,omitempty"`     // the same for variables, secrets and shared memory of jobs, which are not recorded
	JobDefinition   string            `json:"job_definition"`              // ARN with revision
	Queue           string            `json:"queue"`                       // ARN
	Definitions     map[string]string `json:"group_definitions,omitempty"` // by the entry of job.groups: ARN of those whose container differs
	LogGroup        string            `json:"log_group"`
	GitRevision     string            `json:"git_revision,omitempty"`
	Settings        project.Settings  `json:"settings"` // as Recorded
	Snapshot        project.Snapshot  `json:"snapshot"`
}

// ErrNotDeployed means that the bucket records no deployment.
var ErrNotDeployed = errors.New("not deployed")

// ObjectStore is S3, as far as deployments use it.
type ObjectStore interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// SaveDeployment records a deployment in its bucket: under its id, then as the latest. Schema is filled in.
func SaveDeployment(ctx context.Context, store ObjectStore, d Deployment) error {
	d.Schema = DeploymentSchema
	d.Created = d.Created.UTC()
	d.Settings = d.Settings.Recorded()
	body, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("record deployment %s: %w", d.ID, err)
	}
	for _, key := range []string{deploymentPrefix + d.ID + ".json", latestDeployment} {
		_, err := store.PutObject(ctx, &s3.PutObjectInput{Bucket: &d.Bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/json")})
		if err != nil {
			return explain("record deployment "+d.ID, err)
		}
	}
	return nil
}

// LatestDeployment reads the latest deployment that the bucket records. Without one, the error is ErrNotDeployed.
func LatestDeployment(ctx context.Context, store ObjectStore, bucket string) (Deployment, error) {
	d, err := readDeployment(ctx, store, bucket, latestDeployment)
	if absent(err) {
		return Deployment{}, ui.WithHint(fmt.Errorf("bucket %s: %w", bucket, ErrNotDeployed), "run 'kedroctl deploy' first")
	}
	return d, err
}

// FindDeployment reads the deployment of an id, "" for the latest. Without one, the error is ErrNotDeployed.
func FindDeployment(ctx context.Context, store ObjectStore, bucket, id string) (Deployment, error) {
	if id == "" {
		return LatestDeployment(ctx, store, bucket)
	}
	d, err := readDeployment(ctx, store, bucket, deploymentPrefix+id+".json")
	if absent(err) {
		return Deployment{}, ui.WithHint(fmt.Errorf("deployment %s, bucket %s: %w", id, bucket, ErrNotDeployed),
			"'kedroctl deploy' says the id of what it makes; without one the latest deployment is meant")
	}
	return d, err
}

// ParseDeploymentURI takes the address of a deployment's record apart: s3://<bucket>/.kedroctl/deployments/<id>, with .json behind it or without. ok is
// false for any other text.
func ParseDeploymentURI(uri string) (bucket, id string, ok bool) {
	rest, isS3 := strings.CutPrefix(uri, "s3://")
	bucket, key, _ := strings.Cut(rest, "/")
	id, isRecord := strings.CutPrefix(strings.TrimSuffix(key, ".json"), deploymentPrefix)
	return bucket, id, isS3 && isRecord && bucket != "" && ValidDeploymentID(id)
}

// deploymentID is the form of those that deploy makes.
var deploymentID = regexp.MustCompile(`^[0-9A-Za-z.:_-]+$`)

// ValidDeploymentID says whether a deployment may have an id.
func ValidDeploymentID(id string) bool { return deploymentID.MatchString(id) }

func readDeployment(ctx context.Context, store ObjectStore, bucket, key string) (Deployment, error) {
	out, err := store.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if absent(err) {
		return Deployment{}, err
	}
	if err != nil {
		return Deployment{}, explain("read s3://"+bucket+"/"+key, err)
	}
	defer out.Body.Close()
	var d Deployment
	if err := json.NewDecoder(out.Body).Decode(&d); err != nil {
		return Deployment{}, fmt.Errorf("read s3://%s/%s: %w", bucket, key, err)
	}
	if d.Schema != DeploymentSchema {
		return Deployment{}, ui.WithHint(fmt.Errorf("s3://%s/%s has schema %d, this kedroctl knows %d", bucket, key, d.Schema, DeploymentSchema),
			"use the kedroctl that deployed it, or run 'kedroctl deploy' with this one")
	}
	return d, nil
}
