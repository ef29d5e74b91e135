package run

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
)

// claimAge is how old a submission claim without a job is, by S3's clock, when its driver counts as gone.
const claimAge = time.Minute

// submissionClaim says which driver submits a try of a group. It is a driver's; the work claim, under claims/, is a job's.
type submissionClaim struct {
	Schema int    `json:"schema"`
	Driver string `json:"driver"` // random, so that a driver knows its own after an unclear answer
}

// workClaim says which job does the work of a try: the container writes it before anything else.
type workClaim struct {
	Job string `json:"job"`
}

// claimSubmission makes this driver the one that submits a try. Where another has claimed it less than a minute ago, or has a job by that name, it is not:
// then the job's id is given, if there is one. A claim that is older and without a job is taken over, once, however many drivers try.
// What counts is S3's clock alone, as machines sleep and their clocks are wrong.
func (c Clients) claimSubmission(ctx context.Context, r Run, s Submission, queue, name, driver string) (mine bool, job string, err error) {
	key, claim := r.object("submissions", tryName(s)), submissionClaim{schema, driver}
	err = c.put(ctx, r.Plan.Bucket, key, claim, aws.String("*"))
	if err == nil {
		return true, "", nil
	}
	if !lostRace(err) {
		return false, "", err
	}
	held, etag, age, err := c.heldClaim(ctx, r.Plan.Bucket, key)
	switch {
	case absent(err):
		return false, "", nil // S3 has not decided between two yet
	case err != nil:
		return false, "", err
	case held.Driver == driver:
		return true, "", nil
	case age < claimAge:
		return false, "", nil
	}
	if job, err = lookUp(ctx, c, queue, name); err != nil || job != "" {
		return false, job, err
	}
	_, err = c.putIf(ctx, r.Plan.Bucket, key, claim, etag)
	if lostRace(err) {
		return false, "", nil
	}
	return err == nil, "", err
}

// ownsSubmission says whether a claim is still the driver's.
func (c Clients) ownsSubmission(ctx context.Context, r Run, s Submission, driver string) (bool, error) {
	held, _, _, err := c.heldClaim(ctx, r.Plan.Bucket, r.object("submissions", tryName(s)))
	return held.Driver == driver, err
}

// heldClaim reads a claim, and how old it is by S3's clock: 0 where S3 does not say what time it is.
func (c Clients) heldClaim(ctx context.Context, bucket, key string) (held submissionClaim, etag string, age time.Duration, err error) {
	out, err := c.read(ctx, bucket, key, &held)
	if err != nil {
		return held, "", 0, err
	}
	if now, ok := middleware.GetServerTime(out.ResultMetadata); ok && out.LastModified != nil {
		age = now.Sub(*out.LastModified)
	}
	return held, aws.ToString(out.ETag), age, nil
}

// worker is the job that has claimed the work of a try; "" where none has.
func (c Clients) worker(ctx context.Context, r Run, s Submission) (string, error) {
	var claim workClaim
	if err := c.get(ctx, r.Plan.Bucket, r.object("claims", tryName(s)), &claim); err != nil && !absent(err) {
		return "", err
	}
	return claim.Job, nil
}

// lostRace errors say that a conditional PUT came second.
func lostRace(err error) bool {
	s := status(err)
	return s == http.StatusPreconditionFailed || s == http.StatusConflict
}

// ledger is jobs.json, which drivers of one run write together: each keeps what the others noted.
type ledger struct {
	etag string // of what this driver has read or written last; "" for none
}

type jobsFile struct {
	Schema int          `json:"schema"`
	Jobs   []Submission `json:"jobs"`
}

const ledgerTries = 5

// save notes the jobs of a run; the run gets what others have noted meanwhile.
func (l *ledger) save(ctx context.Context, c Clients, r *Run) error {
	key := r.object("jobs.json")
	for try := 1; ; try++ {
		etag, err := c.putIf(ctx, r.Plan.Bucket, key, jobsFile{schema, r.Jobs}, l.etag)
		if err == nil {
			l.etag = etag
			return nil
		}
		if !lostRace(err) && !absent(err) || try == ledgerTries {
			return err
		}
		if err := l.read(ctx, c, r); err != nil {
			return err
		}
	}
}

// read adds to a run what its drivers have noted.
func (l *ledger) read(ctx context.Context, c Clients, r *Run) error {
	var file jobsFile
	out, err := c.read(ctx, r.Plan.Bucket, r.object("jobs.json"), &file)
	if absent(err) {
		l.etag = ""
		return nil
	}
	if err != nil {
		return err
	}
	l.etag = aws.ToString(out.ETag)
	r.learn(file.Jobs)
	return nil
}
