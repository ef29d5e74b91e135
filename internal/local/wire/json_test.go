package wire_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

func TestDecodeJSONTakesTheWiresNames(t *testing.T) {
	var in batch.SubmitJobInput
	body := `{"jobName":"a","dependsOn":[{"jobId":"1"}],"containerOverrides":{"environment":[{"name":"K","value":"V"}]},"tags":{"x":"y"}}`
	if err := wire.DecodeJSON(strings.NewReader(body), &in); err != nil {
		t.Fatal(err)
	}
	got := []string{*in.JobName, *in.DependsOn[0].JobId, *in.ContainerOverrides.Environment[0].Value, in.Tags["x"]}
	if diff := cmp.Diff([]string{"a", "1", "V", "y"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	tests := map[string]struct{ body, want string }{
		"unknown member":        {`{"jobNane":"a"}`, "jobNane"},
		"unknown nested member": {`{"timeout":{"seconds":9}}`, "seconds"},
		"wrong type":            {`{"jobName":1}`, "SerializationException"},
		"not JSON":              {`jobName=a`, "SerializationException"},
		"trailing data":         {`{} {}`, "data after"},
		"value outside an enum": {`{"dependsOn":[{"type":"PARALLEL"}]}`, "PARALLEL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := wire.DecodeJSON(strings.NewReader(tt.body), &batch.SubmitJobInput{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
	if err := wire.DecodeJSON(strings.NewReader(""), &batch.SubmitJobInput{}); err != nil {
		t.Errorf("an empty body: %v", err)
	}
}

func TestEncodeJSON(t *testing.T) {
	type blob struct {
		At    *time.Time
		Data  []byte
		Type_ string
		Flag  bool
		Other *string
	}
	at := time.UnixMilli(1_500_000_000_250)
	tests := map[string]struct {
		in   any
		want string
	}{
		"absent members are left out": {&batch.DescribeJobsOutput{Jobs: []batchtypes.JobDetail{{JobId: aws.String("1"), StartedAt: aws.Int64(5)}}},
			`{"jobs":[{"jobId":"1","startedAt":5}]}`},
		"an empty list is written": {&batch.DescribeJobsOutput{Jobs: []batchtypes.JobDetail{}}, `{"jobs":[]}`},
		"enums, maps": {&batchtypes.JobDetail{Status: batchtypes.JobStatusFailed, Tags: map[string]string{"b": "2", "a": "1"}},
			`{"status":"FAILED","tags":{"a":"1","b":"2"}}`},
		"times are seconds, blobs base64": {blob{At: &at, Data: []byte("hi"), Type_: "t"}, `{"at":1500000000.25,"data":"aGk=","flag":false,"type":"t"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := wire.EncodeJSON(tt.in)
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
			if !json.Valid(got) {
				t.Error("not valid JSON")
			}
		})
	}
}

func TestTargetsAnswerOrRefuse(t *testing.T) {
	type in struct{ Name *string }
	type out struct{ Greeting *string }
	h := wire.Targets{"Greet": wire.JSONFunc(func(_ context.Context, i *in) (*out, error) {
		if i.Name == nil {
			return nil, wire.NewFault(http.StatusBadRequest, "ValidationException", "name is missing")
		}
		return &out{aws.String("hello " + *i.Name)}, nil
	})}
	tests := []struct {
		target, body string
		status       int
		want         string
	}{
		{"Svc_2020.Greet", `{"name":"x"}`, 200, `{"greeting":"hello x"}`},
		{"Svc_2020.Greet", `{}`, 400, `{"__type":"ValidationException","message":"name is missing"}`},
		{"Svc_2020.Wave", `{}`, 400, `{"__type":"UnknownOperationException","message":"the embedded AWS does not offer \"Wave\""}`},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tt.body))
		r.Header.Set("X-Amz-Target", tt.target)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status || w.Body.String() != tt.want {
			t.Errorf("%s %s: got %d %s, want %d %s", tt.target, tt.body, w.Code, w.Body, tt.status, tt.want)
		}
	}
}
