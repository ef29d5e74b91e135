package cmd

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/provision"
	"github.com/kedroctl/kedroctl/run"
)

// s3Client is S3 as all stages use it: bodies whose checksum the server does not send are no news.
func (d *deps) s3Client(ctx context.Context, p *project.Project) (*s3.Client, error) {
	cfg, err := d.aws(ctx, p)
	if err != nil {
		return nil, err
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = d.flags.local
		o.DisableLogOutputChecksumValidationSkipped = true
		o.HTTPClient = manyConnections(cfg.HTTPClient)
	}), nil
}

// manyConnections keeps those of an upload, which the SDK would open and close again for most of the requests that are under way at the same time.
func manyConnections(client aws.HTTPClient) aws.HTTPClient {
	if client == nil {
		client = awshttp.NewBuildableClient()
	}
	own, ok := client.(*awshttp.BuildableClient)
	if !ok {
		return client
	}
	return own.WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, provision.RequestsUnderWay
		t.WriteBufferSize = 128 << 10
	})
}

func (d *deps) provisionClients(ctx context.Context, p *project.Project) (provision.Clients, error) {
	store, err := d.s3Client(ctx, p)
	if err != nil {
		return provision.Clients{}, err
	}
	cfg := *d.config
	return provision.Clients{
		S3: store, ECR: ecr.NewFromConfig(cfg), IAM: iam.NewFromConfig(cfg), EC2: ec2.NewFromConfig(cfg),
		Batch: d.batchClient(), Logs: d.logsClient(), STS: sts.NewFromConfig(cfg),
	}, nil
}

func (d *deps) runClients(ctx context.Context, p *project.Project) (run.Clients, error) {
	store, err := d.s3Client(ctx, p)
	if err != nil {
		return run.Clients{}, err
	}
	return run.Clients{S3: store, Batch: run.NewBudget(d.batchClient(), nil), Logs: d.logsClient()}, nil
}

func (d *deps) batchClient() *batch.Client {
	return batch.NewFromConfig(*d.config, func(o *batch.Options) { o.APIOptions = append(o.APIOptions, wholeNumbers) })
}

func (d *deps) logsClient() *cloudwatchlogs.Client {
	return cloudwatchlogs.NewFromConfig(*d.config, func(o *cloudwatchlogs.Options) { o.APIOptions = append(o.APIOptions, wholeNumbers) })
}
