package quotas

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
)

func TestQuotasAreWhatTheScriptSays(t *testing.T) {
	s := New(Options{Account: "000000000000", Region: "eu-west-1", Limits: func() map[string]int { return map[string]int{"L-3032A538": 6} }})
	for _, test := range []struct {
		service, code string
		want          float64 // 0: there is none
	}{
		{"fargate", "L-3032A538", 6}, {"ec2", "L-1216C47A", Raised}, {"ec2", "L-3032A538", 0}, {"s3", "L-1216C47A", 0},
	} {
		out, err := s.get(&servicequotas.GetServiceQuotaInput{ServiceCode: &test.service, QuotaCode: &test.code})
		switch {
		case test.want == 0 && err == nil:
			t.Errorf("%s %s: there is one", test.service, test.code)
		case test.want != 0 && (err != nil || aws.ToFloat64(out.Quota.Value) != test.want):
			t.Errorf("%s %s: %v, %v", test.service, test.code, out, err)
		}
	}
}
