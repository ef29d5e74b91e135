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

// submit sends a body to a handler of SubmitJob, which answers with what it got.
func submit(body string) (*httptest.ResponseRecorder, *batch.SubmitJobInput) {
	var got *batch.SubmitJobInput
	w := httptest.NewRecorder()
	wire.JSONFunc(func(_ context.Context, in *batch.SubmitJobInput) (*batch.SubmitJobOutput, error) {
		got = in
		return &batch.SubmitJobOutput{JobName: in.JobName}, nil
	}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/submitjob", strings.NewReader(body)))
	return w, got
}

func TestBodiesAreInTheWiresNames(t *testing.T) {
	w, in := submit(`{"jobName":"a","dependsOn":[{"jobId":"1"}],"containerOverrides":{"environment":[{"name":"K","value":"V"}]},"tags":{"x":"y"}}`)
	if in == nil {
		t.Fatal(w.Body)
	}
	got := []string{*in.JobName, *in.DependsOn[0].JobId, *in.ContainerOverrides.Environment[0].Value, in.Tags["x"], w.Body.String(), w.Header().Get("Content-Type")}
	if diff := cmp.Diff([]string{"a", "1", "V", "y", `{"jobName":"a"}`, "application/json"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBodiesThatAreRefused(t *testing.T) {
	tests := map[string]struct{ body, want string }{
		"unknown member":        {`{"jobNane":"a"}`, "jobNane"},
		"unknown nested member": {`{"timeout":{"seconds":9}}`, "seconds"},
		"wrong type":            {`{"jobName":1}`, "number"},
		"not JSON":              {`jobName=a`, "invalid character"},
		"trailing data":         {`{} {}`, "data after"},
		"value outside an enum": {`{"dependsOn":[{"type":"PARALLEL"}]}`, "PARALLEL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w, _ := submit(tt.body)
			if w.Header().Get("X-Amzn-Errortype") != "SerializationException" || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %d %s, want SerializationException with %q", w.Code, w.Body, tt.want)
			}
		})
	}
	if w, in := submit(""); in == nil {
		t.Errorf("an empty body: %s", w.Body)
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
