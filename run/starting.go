package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/ui"
)

const (
	startingPrefix = ".kedroctl/starting/"
	startingFor    = time.Minute // for which what a run says of its start counts, by S3's clock: then its jobs are shown, or its driver is dead
	turnEvery      = time.Second // between two looks while another run decides whether it starts
)

// starting is what a run says of itself from before its first job until Batch shows its jobs: runs that start at the same time find each other by it. A run
// first says what it is to write, then looks for others, and then says that it begins. So of two runs at least one sees the other.
type starting struct {
	Schema int      `json:"schema"`
	Run    string   `json:"run"`
	Owner  string   `json:"owner"`
	Paths  []string `json:"paths"`
	Driver string   `json:"driver"`         // random, to know again what was written though no answer came
	Begins bool     `json:"begins"`         // it has looked for others
	Dead   bool     `json:"dead,omitempty"` // another run has taken it for dead: it may not begin any more
}

// errIDTaken says that another run starts under the same id.
var errIDTaken = errors.New("the run id is taken")

// enter makes sure that no other run writes what r is to write, and says so to those that come later. Where two start at once the one with the higher id
// gives way; the other waits for that. It gives an *OverlapError.
func enter(ctx context.Context, c Clients, r Run, allowed bool) error {
	s := starting{Schema: schema, Run: r.ID, Owner: r.Owner, Paths: sharedPaths(r.Plan), Driver: r.Driver, Begins: allowed}
	if len(s.Paths) == 0 {
		return nil
	}
	etag, err := c.say(ctx, r.Plan.Bucket, s, "")
	switch {
	case lostRace(err):
		return errIDTaken
	case err != nil || allowed:
		return err
	}
	if err := awaitTurn(ctx, c, r, s); err != nil {
		leave(ctx, c, r)
		return err
	}
	s.Begins = true
	if _, err = c.say(ctx, r.Plan.Bucket, s, etag); lostRace(err) || absent(err) {
		return ui.WithHint(fmt.Errorf("start run %s: it took more than %v, and another run has begun meanwhile", r.ID, startingFor), "repeat the command")
	}
	return err
}

// leave takes back what a run has said of its start.
func leave(ctx context.Context, c Clients, r Run) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
	defer done()
	_, _ = c.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &r.Plan.Bucket, Key: aws.String(startingKey(r.ID))}) // after a minute it counts no more
}

func startingKey(id string) string { return startingPrefix + id + ".json" }

// awaitTurn waits until no run is left that might begin before r, or gives an *OverlapError.
func awaitTurn(ctx context.Context, c Clients, r Run, own starting) error {
	said := c.now()
	for {
		wait, err := checkStarting(ctx, c, r, own, said)
		if err == nil && !wait {
			return findOverlap(ctx, c, r)
		}
		if err != nil {
			return err
		}
		if err := c.sleep(ctx, turnEvery); err != nil {
			return err
		}
	}
}

// checkStarting looks at the other runs that start, said being when r said that it does. wait means that one of them has to decide first.
func checkStarting(ctx context.Context, c Clients, r Run, own starting, said time.Time) (wait bool, err error) {
	objects, err := c.list(ctx, r.Plan.Bucket, startingPrefix)
	if err != nil {
		return false, fmt.Errorf("find other runs: %w", err)
	}
	var now time.Time // by S3's clock
	for _, o := range objects {
		if aws.ToString(o.Key) == startingKey(r.ID) {
			now = aws.ToTime(o.LastModified).Add(c.now().Sub(said))
		}
	}
	for _, o := range objects {
		if aws.ToString(o.Key) == startingKey(r.ID) {
			continue
		}
		if now.Sub(aws.ToTime(o.LastModified)) > startingFor {
			again, err := c.forget(ctx, r.Plan.Bucket, o)
			if err != nil {
				return false, err
			}
			wait = wait || again
			continue
		}
		before, err := c.checkOther(ctx, r, own, aws.ToString(o.Key))
		if err != nil {
			return false, err
		}
		wait = wait || before
	}
	return wait, nil
}

// checkOther says whether another run that starts has to decide first; that it begins, or decides before r, is an *OverlapError.
func (c Clients) checkOther(ctx context.Context, r Run, own starting, key string) (wait bool, err error) {
	var other starting
	err = c.get(ctx, r.Plan.Bucket, key, &other)
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find other runs: %w", err)
	}
	paths := common(own.Paths, other.Paths)
	if len(paths) == 0 || other.Dead {
		return false, nil
	}
	if other.Begins {
		if shown, err := c.shown(ctx, r.Plan.Bucket, other.Run); shown || err != nil {
			return false, err
		}
	} else if other.Run > r.ID {
		return true, nil
	}
	return false, &OverlapError{Run: other.Run, Owner: other.Owner, Paths: paths, Starting: true}
}

// shown says whether Batch shows jobs of all groups of a run: then those of them that are unfinished tell whether it goes on. One whose queues are not
// there any more does not.
func (c Clients) shown(ctx context.Context, bucket, id string) (bool, error) {
	var other Run
	err := c.get(ctx, bucket, Run{ID: id}.object("plan.json"), &other)
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find other runs: %w", err)
	}
	listed, there, err := listThere(ctx, c, other)
	if err != nil {
		return false, fmt.Errorf("find other runs: %w", err)
	}
	if !there {
		return true, nil
	}
	other.learn(other.named(listed))
	return len(other.Late()) == 0, nil
}

// forget ends what a run said of a start that is long past: one that had not begun is not to begin any more. Where it has just said something else it is
// to be looked at again. That the object itself is removed is for tidiness alone.
func (c Clients) forget(ctx context.Context, bucket string, o types.Object) (again bool, err error) {
	var other starting
	out, err := c.read(ctx, bucket, aws.ToString(o.Key), &other)
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find other runs: %w", err)
	}
	etag := aws.ToString(out.ETag)
	if !other.Begins && !other.Dead {
		other.Dead = true
		etag, err = c.putIf(ctx, bucket, aws.ToString(o.Key), other, etag)
		if lostRace(err) || absent(err) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("take over from run %s: %w", other.Run, err)
		}
	}
	_, _ = c.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: o.Key, IfMatch: &etag})
	return false, nil
}

// say writes what a run says of its start: for the first time, or over the state with an ETag. The SDK repeats a write whose answer was lost, and the
// repetition finds the run's own words: that is no lost race.
func (c Clients) say(ctx context.Context, bucket string, s starting, over string) (etag string, err error) {
	etag, err = c.putIf(ctx, bucket, startingKey(s.Run), s, over)
	if !lostRace(err) {
		return etag, err
	}
	var there starting
	if out, readErr := c.read(ctx, bucket, startingKey(s.Run), &there); readErr == nil && there.Driver == s.Driver && there.Begins == s.Begins {
		return aws.ToString(out.ETag), nil
	}
	return "", err
}

// common are the paths in both lists.
func common(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(p string) bool { return !slices.Contains(b, p) })
}
