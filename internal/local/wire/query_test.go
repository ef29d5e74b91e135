package wire_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

func form(values url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// ask serves one form to a service with one action.
func ask[I, O any](d wire.Dialect, do func(context.Context, *I) (O, error), values url.Values) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	wire.Queries{Dialect: d, Actions: map[string]wire.Action{"Do": wire.QueryFunc(do)}}.ServeHTTP(w, form(values))
	return w
}

// decode gives what an action gets, or how the form was refused.
func decode[I any](d wire.Dialect, values url.Values) (got *I, refusal string) {
	values.Set("Action", "Do")
	w := ask(d, func(_ context.Context, in *I) (any, error) { got = in; return nil, nil }, values)
	return got, w.Body.String()
}

func TestQueriesBecomeInputs(t *testing.T) {
	role, refusal := decode[iam.CreateRoleInput](wire.IAM, url.Values{"Version": {"2010-05-08"}, "RoleName": {"jobs"},
		"MaxSessionDuration": {"3600"}, "Tags.member.1.Key": {"a"}, "Tags.member.1.Value": {"1"}, "Tags.member.2.Key": {"b"}})
	want := &iam.CreateRoleInput{RoleName: aws.String("jobs"), MaxSessionDuration: aws.Int32(3600),
		Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b")}}}
	if diff := cmp.Diff(want, role, cmpopts.IgnoreUnexported(iam.CreateRoleInput{}, types.Tag{})); diff != "" {
		t.Error(diff, refusal)
	}
	vpcs, refusal := decode[ec2.DescribeVpcsInput](wire.EC2, url.Values{"VpcId.1": {"vpc-1"}, "VpcId.2": {"vpc-2"},
		"Filter.1.Name": {"state"}, "Filter.1.Value.1": {"available"}, "DryRun": {"true"}})
	if vpcs == nil || !cmp.Equal(vpcs.VpcIds, []string{"vpc-1", "vpc-2"}) || vpcs.Filters[0].Values[0] != "available" || !*vpcs.DryRun {
		t.Errorf("got %+v, %s", vpcs, refusal)
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	tests := map[string]struct {
		values url.Values
		want   string
	}{
		"an unknown parameter":  {url.Values{"Vpc.1": {"x"}}, "The parameter Vpc is not recognized"},
		"an unknown member":     {url.Values{"Filter.1.Nane": {"x"}}, "The parameter Filter.1.Nane is not recognized"},
		"a gap in a list":       {url.Values{"VpcId.1": {"a"}, "VpcId.3": {"b"}}, "numbered from 1"},
		"a list that is none":   {url.Values{"VpcId": {"a"}}, "VpcId must be a list"},
		"no boolean":            {url.Values{"DryRun": {"perhaps"}}, "DryRun must be of the type bool"},
		"no number":             {url.Values{"MaxResults": {"many"}}, "MaxResults must be of the type int32"},
		"a value that has kids": {url.Values{"NextToken.1": {"x"}}, "NextToken must be a plain value"},
		"a parameter twice":     {url.Values{"NextToken": {"x", "y"}}, "given 2 times"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, refusal := decode[ec2.DescribeVpcsInput](wire.EC2, tt.values)
			if got != nil || !strings.Contains(refusal, tt.want) {
				t.Errorf("got %s, want %q", refusal, tt.want)
			}
		})
	}
}

func TestAnswersOfQueries(t *testing.T) {
	w := ask(wire.IAM, func(context.Context, *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
		return &iam.GetRoleOutput{Role: &types.Role{RoleName: aws.String("a<b>&"), CreateDate: aws.Time(time.Unix(0, 0)),
			MaxSessionDuration: aws.Int32(3600), Tags: []types.Tag{{Key: aws.String("k")}}}}, nil
	}, url.Values{"Action": {"Do"}})
	want := `<DoResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><DoResult><Role><CreateDate>1970-01-01T00:00:00Z</CreateDate>` +
		`<MaxSessionDuration>3600</MaxSessionDuration><RoleName>a&lt;b&gt;&amp;</RoleName><Tags><member><Key>k</Key></member></Tags></Role></DoResult>`
	if !strings.Contains(w.Body.String(), want) {
		t.Errorf("got %s", w.Body)
	}
	w = ask(wire.EC2, func(context.Context, *ec2.DescribeVpcsInput) (*ec2.DescribeVpcsOutput, error) {
		return &ec2.DescribeVpcsOutput{Vpcs: []ec2types.Vpc{{VpcId: aws.String("vpc-1"), IsDefault: aws.Bool(true)}}}, nil
	}, url.Values{"Action": {"Do"}})
	if want := `<vpcSet><item><isDefault>true</isDefault><vpcId>vpc-1</vpcId></item></vpcSet></DoResponse>`; !strings.HasSuffix(w.Body.String(), want) {
		t.Errorf("got %s", w.Body)
	}
}

func TestFaultsOfQueries(t *testing.T) {
	fail := func(context.Context, *struct{}) (any, error) {
		return nil, wire.NewFault(http.StatusNotFound, "NoSuchEntity", "no <%s>", "x")
	}
	tests := map[string]struct {
		dialect wire.Dialect
		action  string
		status  int
		want    string
	}{
		"IAM":               {wire.IAM, "Do", 404, `<Error><Code>NoSuchEntity</Code><Message>no &lt;x&gt;</Message><Type>Sender</Type></Error><RequestId>`},
		"EC2":               {wire.EC2, "Do", 404, `<Errors><Error><Code>NoSuchEntity</Code><Message>no &lt;x&gt;</Message></Error></Errors><RequestID>`},
		"an unknown action": {wire.EC2, "Undo", 400, `<Code>InvalidAction</Code><Message>The action Undo is not valid for this web service.</Message>`},
		"no action":         {wire.STS, "", 400, `<Code>MissingAction</Code>`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if w := ask(tt.dialect, fail, url.Values{"Action": {tt.action}}); w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}
