package provision

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// Container is what a revision of a job definition says of the containers of its jobs.
type Container struct {
	Image        string            // repository@sha256:…
	Environment  map[string]string // variables
	Secrets      []string          // names of the variables that Batch fills with secrets
	SharedMemory int               // MiB; 0: the engine's default
}

// FindContainer reads a revision (name:revision or ARN), also one that is not active any more.
func FindContainer(ctx context.Context, api batch.DescribeJobDefinitionsAPIClient, definition string) (Container, error) {
	out, err := api.DescribeJobDefinitions(ctx, &batch.DescribeJobDefinitionsInput{JobDefinitions: []string{definition}})
	if err != nil {
		return Container{}, explain("job definition "+definition, err)
	}
	if len(out.JobDefinitions) == 0 || out.JobDefinitions[0].ContainerProperties == nil {
		return Container{}, ui.WithHint(fmt.Errorf("Batch does not know the job definition %s any more", definition), "'kedroctl deploy', and look at a run of that deployment")
	}
	p := out.JobDefinitions[0].ContainerProperties
	c := Container{Image: aws.ToString(p.Image), Environment: map[string]string{}}
	for _, v := range p.Environment {
		c.Environment[aws.ToString(v.Name)] = aws.ToString(v.Value)
	}
	for _, s := range p.Secrets {
		c.Secrets = append(c.Secrets, aws.ToString(s.Name))
	}
	if p.LinuxParameters != nil {
		c.SharedMemory = int(aws.ToInt32(p.LinuxParameters.SharedMemorySize))
	}
	return c, nil
}
