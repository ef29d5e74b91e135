package run

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// verified runs a -> b, lets something happen, and gives the states of the outputs.
func verified(t *testing.T, prepare func(*world, *Input), happen func(*world, Run)) (Report, map[string]string) {
	w := newWorld(t)
	in := input("a", "b <- a")
	prepare(w, &in)
	r, rep := w.start(in)
	w.follow(r, rep)
	happen(w, r)
	r, err := Latest(t.Context(), w.clients, bucket)
	w.must(err)
	report, err := Verify(t.Context(), w.clients, r)
	w.must(err)
	outputs := make(map[string]string)
	for _, o := range report.Outputs {
		outputs[o.Dataset] = o.State
	}
	return report, outputs
}

func TestVerify(t *testing.T) {
	nothing := func(*world, *Input) {}
	key := func(r Run, name string) string { return "runs/" + r.ID + "/" + name + ".pkl" }
	tests := map[string]struct {
		prepare func(*world, *Input)
		happen  func(*world, Run)
		a, b    string
	}{
		"as recorded": {nothing, func(*world, Run) {}, OutputOK, OutputOK},
		"deleted": {nothing, func(w *world, r Run) {
			_, err := w.clients.S3.(*s3.Client).DeleteObject(w.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String(key(r, "a_out"))})
			w.must(err)
		}, OutputMissing, OutputOK},
		"other size":    {nothing, func(w *world, r Run) { w.write(key(r, "b_out"), "longer than it was") }, OutputOK, OutputChanged},
		"other content": {nothing, func(w *world, r Run) { w.write(key(r, "b_out"), "b_tuo") }, OutputOK, OutputChanged},
		"never saved": {func(w *world, _ *Input) {
			w.script["b"] = func(int) outcome { o := scripted(time.Minute)(1); o.loses = []string{"b_out"}; return o }
		}, func(*world, Run) {}, OutputOK, OutputUnsaved},
		"job failed": {func(w *world, _ *Input) { w.script["b"] = failing() }, func(*world, Run) {}, OutputOK, OutputUnsaved},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			report, outputs := verified(t, test.prepare, test.happen)
			if diff := cmp.Diff(map[string]string{"a_out": test.a, "b_out": test.b}, outputs); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			if want := test.a == OutputOK && test.b == OutputOK; report.OK != want {
				t.Errorf("OK is %t", report.OK)
			}
		})
	}
}

func TestVerifyWantsOneVersion(t *testing.T) {
	w := newWorld(t)
	in := input("a")
	in.Plan.Datasets[0] = plan.Dataset{Name: "a_out", Role: plan.Leaving, Versioned: true, Path: "s3://" + bucket + "/data/a_out"}
	in.Snapshot.Datasets["a_out"] = project.Dataset{Versioned: true}
	r, rep := w.start(in)
	w.follow(r, rep)
	report, err := Verify(t.Context(), w.clients, r)
	w.must(err)
	if !report.OK || report.Outputs[0].Version != r.ID {
		t.Errorf("report %+v", report)
	}
	other := expected(Run{ID: "other"}, plan.Group{}, Job{Submission: r.Jobs[0]}, Record{Job: r.Jobs[0].ID, Outputs: []Saved{{Dataset: "a_out", Version: "2020"}}})
	if other[0].State != OutputVersion {
		t.Errorf("output %+v", other[0])
	}
}

func TestVerifyAddsUpDirectoriesAndLeavesOutWhatIsNotOnS3(t *testing.T) {
	w := newWorld(t)
	w.write("data/parts/1.csv", "12345")
	w.write("data/parts/2.csv", "123")
	outputs := []Output{
		{Path: "s3://" + bucket + "/data/parts", Size: aws.Int64(8)},
		{Path: "s3://" + bucket + "/data/parts", Size: aws.Int64(9)},
		{Path: "s3://" + bucket + "/data/gone", Size: aws.Int64(9)},
		{Path: "/tmp/local.csv"},
	}
	w.must(check(t.Context(), w.clients, outputs))
	var got []string
	for _, o := range outputs {
		got = append(got, o.State)
	}
	if diff := cmp.Diff([]string{OutputOK, OutputChanged, OutputMissing, OutputUnchecked}, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestVerifyWorksFromRecordsAlone(t *testing.T) {
	w := newWorld(t)
	r, rep := w.start(input("a", "b <- a"))
	w.follow(r, rep)
	w.clients.Batch = forgetful{w.clients.Batch, aws.Int(1000)}
	report, err := Verify(t.Context(), w.clients, r)
	w.must(err)
	if diff := cmp.Diff(map[string]string{"a": Succeeded, "b": Succeeded}, states(report.Jobs)); diff != "" || !report.OK {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestLoadFindsJobsThatNobodyNoted(t *testing.T) {
	w := newWorld(t)
	r, _ := w.start(input("a", "b <- a"))
	_, err := w.clients.S3.(*s3.Client).DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String(r.object("jobs.json"))})
	w.must(err)
	loaded, err := Load(t.Context(), w.clients, bucket, r.ID)
	w.must(err)
	if diff := cmp.Diff(r, loaded, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Run{}), cmpopts.IgnoreFields(Submission{}, "Memory")); diff != "" {
		t.Errorf("run (-started +loaded):\n%s", diff)
	}
}

func TestLatest(t *testing.T) {
	w := newWorld(t)
	if _, err := Latest(t.Context(), w.clients, bucket); err == nil || !strings.Contains(ui.Hint(err), "kedroctl run") {
		t.Errorf("error %v without runs", err)
	}
	if _, err := Load(t.Context(), w.clients, bucket, "2020-01-01T00.00.00.000Z"); err == nil || !strings.Contains(err.Error(), "no run 2020") {
		t.Errorf("error %v", err)
	}
	w.start(input("a"))
	w.clock.Advance(time.Hour)
	second, _ := w.start(input("a"))
	latest, err := Latest(t.Context(), w.clients, bucket)
	w.must(err)
	if latest.ID != second.ID || latest.Owner != "ann@laptop" {
		t.Errorf("latest run %s of %s, want %s", latest.ID, latest.Owner, second.ID)
	}
}

// TestVerifyIsNotContentWithSuccess wants a record of each job that succeeded, of its last attempt, and every output where the plan has it.
func TestVerifyIsNotContentWithSuccess(t *testing.T) {
	succeeded := Job{Submission: Submission{ID: "j1"}, State: Succeeded, Attempt: 2}
	planned := Run{ID: "v", Plan: plan.Plan{Datasets: []plan.Dataset{{Name: "x", Path: "s3://" + bucket + "/x"}, {Name: "db"}}}}
	saved := func(path string) []Saved { return []Saved{{Dataset: "x", Path: path}} }
	tests := map[string]struct {
		record Record
		want   []string
	}{
		"no record, as of a node that calls os._exit(0)": {Record{}, []string{OutputNoRecord}},
		"another job's record":                           {Record{Job: "j2", Attempt: 2}, []string{OutputNoRecord}},
		"the record of the attempt before":               {Record{Job: "j1", Attempt: 1, Outputs: saved("s3://b/x")}, []string{OutputNoRecord}},
		"the record of a failure":                        {Record{Job: "j1", Attempt: 2, Exit: 1, Outputs: saved("s3://b/x")}, []string{OutputNoRecord}},
		"saved in the container":                         {Record{Job: "j1", Attempt: 2, Outputs: saved("/app/data/x")}, []string{OutputLost}},
		"not planned for S3":                             {Record{Job: "j1", Attempt: 2, Outputs: []Saved{{Dataset: "db"}}}, []string{""}},
		"nothing to save":                                {Record{Job: "j1", Attempt: 2}, nil},
		"cannot be pickled": {Record{Job: "j1", Attempt: 2, Missing: []string{"x", "y"}, NotKept: []Unkept{{Dataset: "x", Reason: "a lock"}, {File: "f"}}},
			[]string{OutputUnsaved}},
	}
	for name, test := range tests {
		var got []string
		for _, o := range expected(planned, plan.Group{Name: "g"}, succeeded, test.record) {
			got = append(got, o.State)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestVerifyTellsWhatEndedWithTheContainer(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = func(int) outcome {
		o := scripted(time.Minute)(1)
		o.notKept = []Unkept{{File: "between.txt", Size: 4}}
		return o
	}
	r, rep := w.start(input("a", "b <- a"))
	w.follow(r, rep)
	report, err := Verify(t.Context(), w.clients, r)
	w.must(err)
	want := []Unkept{{Group: "a", File: "between.txt", Size: 4}}
	if diff := cmp.Diff(want, report.NotKept); diff != "" || !report.OK {
		t.Errorf("OK is %t, not kept (-want +got):\n%s", report.OK, diff)
	}
}
