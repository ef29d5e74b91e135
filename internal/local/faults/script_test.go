package faults_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

func parse(t *testing.T, lines ...string) *faults.Script {
	t.Helper()
	s, err := faults.Parse(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCallsAreCounted(t *testing.T) {
	s := parse(t,
		"call batch.SubmitJob nth=2 times=2 status=429 code=TooManyRequestsException message='Too Many Requests' # twice",
		"call batch.SubmitJob nth=3 cut=after",
		"call s3.* cut=before",
		"call sts.GetCallerIdentity hang=5s",
	)
	busy := &faults.Call{Fault: wire.NewFault(429, "TooManyRequestsException", "Too Many Requests")}
	for i, want := range []*faults.Call{nil, busy, busy, nil} { // the first line for a call decides, the others count it too
		if diff := cmp.Diff(want, s.Call("batch.SubmitJob")); diff != "" {
			t.Errorf("call %d (-want +got):\n%s", i+1, diff)
		}
	}
	for _, tt := range []struct {
		operation string
		want      *faults.Call
	}{
		{"s3.PutObject", &faults.Call{CutBefore: true}},
		{"s3.GetObject", nil},
		{"sts.GetCallerIdentity", &faults.Call{Hang: 5 * time.Second}},
		{"batch.DescribeJobs", nil},
	} {
		if diff := cmp.Diff(tt.want, s.Call(tt.operation)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.operation, diff)
		}
	}
}

func TestStraysAreForNoOperation(t *testing.T) {
	s := parse(t, "call batch.SubmitJob cut=after", "call s3 cut=after", "call batch.SubmitJobs cut=after", "rate b* 1", "rate sqs 1").WithDocumentedRates()
	offered := []string{"batch.DescribeJobs", "batch.SubmitJob", "logs.DescribeLogStreams", "logs.FilterLogEvents", "logs.GetLogEvents", "s3.PutObject"}
	if diff := cmp.Diff([]string{"batch.SubmitJobs", "sqs"}, s.Strays(offered)); diff != "" {
		t.Error(diff)
	}
}

func TestRatesAreTokenBuckets(t *testing.T) {
	s := parse(t, "rate batch.SubmitJob 2", "rate batch.DescribeJobs 0", "rate batch 1").WithDocumentedRates()
	now := time.Now()
	for i, tt := range []struct {
		operation string
		after     time.Duration
		throttled bool
	}{
		{"batch.SubmitJob", 0, false},
		{"batch.SubmitJob", 0, false},
		{"batch.SubmitJob", 0, true},
		{"batch.SubmitJob", 500 * time.Millisecond, false},
		{"batch.SubmitJob", 0, true},
		{"batch.SubmitJob", time.Hour, false},
		{"batch.SubmitJob", 0, false},
		{"batch.SubmitJob", 0, true}, // an hour fills it no further than a second
		{"batch.DescribeJobs", 0, false},
		{"batch.DescribeJobs", 0, false},
		{"batch.ListJobs", 0, false},
		{"batch.TagResource", 0, true}, // of one bucket with ListJobs
		{"s3.PutObject", 0, false},
		{"logs.FilterLogEvents", 0, false},
		{"logs.FilterLogEvents", 0, false},
		{"logs.FilterLogEvents", 0, false},
		{"logs.FilterLogEvents", 0, false},
		{"logs.FilterLogEvents", 0, false},
		{"logs.FilterLogEvents", 0, true}, // more than AWS documents
	} {
		now = now.Add(tt.after)
		if got := s.Throttles(tt.operation, now); got != tt.throttled {
			t.Errorf("%d. %s: throttled %v", i+1, tt.operation, got)
		}
	}
}

func TestJobs(t *testing.T) {
	s := parse(t,
		`job '*-prepare-*' attempt=1 end=spot after=2s`,
		`job *-prepare-* sleep=1s line="KeyError: rating" line=second exit=3`,
		`job *-learn-* sleep=1m`,
		`stuck big-* reason=CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY`,
	)
	for _, tt := range []struct {
		name    string
		attempt int
		want    scripted.Script
	}{
		{"r-prepare-1", 1, scripted.Script{Match: "*-prepare-*", Attempt: 1, End: batch.HostLost("i-0123456789abcdef0"), After: 2 * time.Second}},
		{"r-prepare-1", 2, scripted.Script{Match: "*-prepare-*", End: batch.Exited(3), Duration: time.Second, Lines: []string{"KeyError: rating", "second"}}},
		{"r-learn-1", 1, scripted.Script{Match: "*-learn-*", Duration: time.Minute}},
		{"prepare", 1, scripted.Script{}},
	} {
		got, found := s.Jobs.For(batch.Attempt{JobName: tt.name, Number: tt.attempt})
		if diff := cmp.Diff(tt.want, got); diff != "" || found != (tt.want.Match != "") {
			t.Errorf("%s, attempt %d: found %v (-want +got):\n%s", tt.name, tt.attempt, found, diff)
		}
	}
	if got := s.Stuck("big-1"); got != "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY" {
		t.Errorf("big-1: %q", got)
	}
	if got := s.Stuck("small"); got != "" {
		t.Errorf("small: %q", got)
	}
}

func TestAccount(t *testing.T) {
	s := parse(t, "", "# nothing yet", "deny iam:CreateRole s3:Put*", "no-default-vpc", "foreign one two", "quota L-1216C47A vcpus=5", "lag roles=8s lines=2s shuffle", "lag list=1s")
	for action, want := range map[string]bool{"iam:CreateRole": true, "iam:GetRole": false, "s3:PutObject": true} {
		if got := s.Denies(action); got != want {
			t.Errorf("denies %s: %v", action, got)
		}
	}
	if diff := cmp.Diff(faults.Lag{Lags: batch.Lags{Propagation: 8 * time.Second, List: time.Second}, Lines: 2 * time.Second, Shuffle: true}, s.Lag); diff != "" {
		t.Error(diff)
	}
	if s.Quotas["L-1216C47A"] != 5 {
		t.Errorf("quotas %v", s.Quotas)
	}
	if !s.NoDefaultVPC || !cmp.Equal(s.Foreign, []string{"one", "two"}) {
		t.Errorf("no default VPC %v, foreign buckets %q", s.NoDefaultVPC, s.Foreign)
	}
}

func TestErrorsNameTheLineAndTheWord(t *testing.T) {
	for line, want := range map[string]string{
		"denied iam:*":                          `no fault "denied"`,
		"deny":                                  "want ACTION…",
		"deny iam:[":                            `"iam:[" is no pattern`,
		"no-default-vpc yes":                    "yes: no such word here",
		"call":                                  "call: want a name first",
		"call s3.Put* nth=x cut=before":         "nth=x: ",
		"call s3.Put* nth=-1 cut=before":        "nth=-1: want a number from 1",
		"call s3.Put* times=0 cut=before":       "times=0: want a number from 1",
		"call s3.Put* hang=-1s":                 "hang=-1s: a time can't be negative",
		"job a sleep=-2m":                       "sleep=-2m: a time can't be negative",
		"job a attempt=0 exit=1":                "attempt=0: want a number from 1",
		"call s3.Put* status=429":               "want one of status=4xx or 5xx with code=CODE, cut=before, cut=during, cut=after, hang=TIME",
		"call s3.Put* status=200 code=OK":       "want one of",
		"call s3.Put* cut=within":               "want one of",
		"call s3.Put* cut=before hang=1s":       "want one of",
		"rate batch.SubmitJob":                  "want a number of calls a second",
		"rate batch.SubmitJob -1":               `["-1"]: want a number of calls a second`,
		"job a sleep":                           "sleep: time: invalid duration",
		"job a sleep=2":                         `sleep=2: time: missing unit`,
		"job a end=melted":                      `end=melted: want one of ["fargate" "noimage" "nopull" "nostart" "oom" "spot"]`,
		"job a end=oom exit=1":                  "or exit=N alone",
		"job a after=1s":                        "after=TIME needs exit=N or end=END",
		"job a lines=x":                         "lines=x: no such word here",
		"stuck a":                               "want reason=TEXT",
		"lag shuffle=yes":                       "shuffle=yes: takes no value",
		"foreign":                               "want BUCKET…",
		"job a line='not closed":                "EOF found when expecting closing quote",
		"lag roles=-":                           "roles=-: time: invalid duration",
		"call batch.* cut=after timesx=1":       "timesx=1: no such word here",
		"call batch.SubmitJob hang=0s":          "want one of",
		"job a exit=-1":                         "exit=-1: strconv.ParseUint",
		"call batch.SubmitJob status=x code=No": "status=x: ",
	} {
		_, err := faults.Parse(strings.NewReader("# first\n\n" + line))
		if err == nil || !strings.HasPrefix(err.Error(), "line 3: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", line, err, want)
		}
	}
}
