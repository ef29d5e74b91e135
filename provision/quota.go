package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// CodeQuota is the code of what ExamineQuotas finds (docs/doctor.md).
const CodeQuota = "quota"

// Quotas are Service Quotas, as far as ExamineQuotas uses them.
type Quotas interface {
	GetServiceQuota(context.Context, *servicequotas.GetServiceQuotaInput, ...func(*servicequotas.Options)) (*servicequotas.GetServiceQuotaOutput, error)
}

// ExamineQuotas compares how many vCPUs the account may have running with those that the stack's environments and its largest job want. A queue that
// the settings name is somebody else's affair.
func ExamineQuotas(ctx context.Context, q Quotas, s Spec, largest float64) []plan.Finding {
	if !s.ownQueue() {
		return nil
	}
	e := &exam{}
	for _, c := range s.capacities() {
		service, code := s.quota(c)
		thing := fmt.Sprintf("quota %s of %s", code, service)
		out, err := q.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &service, QuotaCode: &code})
		if err == nil && out.Quota == nil {
			err = errors.New("Service Quotas gave no answer")
		}
		if err != nil {
			err = explain(thing, err)
			e.add(plan.Note, CodeUnreadable, thing, strings.TrimPrefix(err.Error(), thing+": "), ui.Hint(err))
			continue
		}
		name, has, wants := aws.ToString(out.Quota.QuotaName), aws.ToFloat64(out.Quota.Value), float64(max(s.Compute.MaxVCPUs, 1))
		fix := fmt.Sprintf("aws service-quotas request-service-quota-increase --service-code %s --quota-code %s --desired-value %g", service, code, max(wants, largest))
		switch {
		case has < largest:
			e.add(plan.Error, CodeQuota, thing, fmt.Sprintf("%s: the account may have %s running, and a job asks for %g: it would wait for ever", name, project.CountVCPUs(has), largest), fix)
		case has < wants:
			e.add(plan.Warning, CodeQuota, thing, fmt.Sprintf("%s: the account may have %s running, and compute.max_vcpus is %g: more jobs wait", name, project.CountVCPUs(has), wants), fix)
		}
	}
	return e.found
}

// quota names what the vCPUs of a compute environment count against, by service and code as Service Quotas lists them.
// https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
func (s Spec) quota(c capacity) (service, code string) {
	codes := [2]string{"L-1216C47A", "L-34B43A08"} // on demand and spot
	if len(s.Compute.InstanceTypes) > 0 {
		switch family(s.Compute.InstanceTypes[0]) {
		case "g", "vt":
			codes = [2]string{"L-DB2E81BA", "L-3819A6DF"}
		case "p":
			codes = [2]string{"L-417A185B", "L-7212CCBC"}
		}
	}
	switch string(c.kind) {
	case project.Fargate:
		return "fargate", "L-3032A538"
	case project.FargateSpot:
		return "fargate", "L-36FBB829"
	case project.Spot:
		return "ec2", codes[1]
	}
	return "ec2", codes[0]
}

// family is the letters before the generation in an instance type: g of g5.xlarge.
func family(instanceType string) string {
	if i := strings.IndexAny(instanceType, "0123456789"); i >= 0 {
		return instanceType[:i]
	}
	return instanceType
}
