package quotas

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Raised is what each quota is where nothing else is said, in vCPUs. A new account has 5 of instances and 6 on Fargate.
const Raised = 512

// Options say whose quotas they are.
type Options struct {
	Account, Region string
	Limits          func() map[string]int // vCPUs, by the code of the quota; the others are Raised
}

// Service answers look-ups of Service Quotas.
type Service struct {
	wire.Targets
	opt Options
	mu  sync.Mutex
}

// names of the quotas of vCPUs, by service and code, as Service Quotas lists them.
var names = map[string]map[string]string{
	"ec2": {
		"L-1216C47A": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
		"L-34B43A08": "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
		"L-DB2E81BA": "Running On-Demand G and VT instances",
		"L-3819A6DF": "All G and VT Spot Instance Requests",
		"L-417A185B": "Running On-Demand P instances",
		"L-7212CCBC": "All P4, P3 and P2 Spot Instance Requests",
	},
	"fargate": {
		"L-3032A538": "Fargate On-Demand vCPU resource count",
		"L-36FBB829": "Fargate Spot vCPU resource count",
	},
}

// New makes the service.
func New(o Options) *Service {
	s := &Service{Targets: wire.Targets{}, opt: o}
	wire.Offer(s.Targets, &s.mu, s.get)
	return s
}

func (s *Service) get(in *servicequotas.GetServiceQuotaInput) (*servicequotas.GetServiceQuotaOutput, error) {
	service, code := aws.ToString(in.ServiceCode), aws.ToString(in.QuotaCode)
	name, ok := names[service][code]
	if !ok {
		return nil, wire.NewFault(http.StatusBadRequest, "NoSuchResourceException", "The request failed because the specified service or quota does not exist.")
	}
	vcpus, ok := s.opt.Limits()[code]
	if !ok {
		vcpus = Raised
	}
	return &servicequotas.GetServiceQuotaOutput{Quota: &types.ServiceQuota{
		ServiceCode: &service, QuotaCode: &code, QuotaName: &name, Value: aws.Float64(float64(vcpus)), Unit: aws.String("None"), Adjustable: true,
		QuotaArn: aws.String(fmt.Sprintf("arn:aws:servicequotas:%s:%s:%s/%s", s.opt.Region, s.opt.Account, service, code)),
	}}, nil
}
