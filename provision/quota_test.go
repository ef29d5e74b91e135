package provision

import (
	"testing"

	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
)

func TestQuotaOfCompute(t *testing.T) {
	for _, test := range []struct {
		types []string
		kind  batchtypes.CRType
		want  string
	}{
		{nil, batchtypes.CRTypeEc2, "ec2 L-1216C47A"},
		{nil, batchtypes.CRTypeSpot, "ec2 L-34B43A08"},
		{[]string{"m7g"}, batchtypes.CRTypeEc2, "ec2 L-1216C47A"},
		{[]string{"g5.xlarge", "g6.xlarge"}, batchtypes.CRTypeEc2, "ec2 L-DB2E81BA"},
		{[]string{"g4dn.xlarge"}, batchtypes.CRTypeSpot, "ec2 L-3819A6DF"},
		{[]string{"p4d.24xlarge"}, batchtypes.CRTypeEc2, "ec2 L-417A185B"},
		{[]string{"p3"}, batchtypes.CRTypeSpot, "ec2 L-7212CCBC"},
		{nil, batchtypes.CRTypeFargate, "fargate L-3032A538"},
		{nil, batchtypes.CRTypeFargateSpot, "fargate L-36FBB829"},
	} {
		s := Spec{}
		s.Compute.InstanceTypes = test.types
		if service, code := s.quota(capacity{kind: test.kind}); service+" "+code != test.want {
			t.Errorf("%v %s: %s %s, want %s", test.types, test.kind, service, code, test.want)
		}
	}
}
