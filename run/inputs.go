package run

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// lookers bounds the S3 requests that look at inputs and outputs at the same time.
const lookers = 8

// MissingInputsError says which free inputs of the plan are not in S3.
type MissingInputsError struct {
	Inputs   []plan.Dataset
	Selected bool // the run is not that of the default pipeline as a whole
}

func (e *MissingInputsError) Error() string {
	var at []string
	for _, d := range e.Inputs {
		at = append(at, d.Name+" at "+d.Path)
	}
	return "inputs are not in S3: " + strings.Join(at, ", ")
}

// Hint implements the next step for the user.
func (e *MissingInputsError) Hint() string {
	if e.Selected {
		return "send them with 'kedroctl upload' and the flags by which this run selects pipelines and nodes"
	}
	return "send them with 'kedroctl upload'"
}

// findInputs makes sure that the free inputs are in S3, and gives the latest version of each versioned one by its name: resolved once, so that all jobs
// load the same. The error is a *MissingInputsError where something is not there.
func findInputs(ctx context.Context, c Clients, in Input) (map[string]string, error) {
	var (
		mu       sync.Mutex
		missing  []plan.Dataset
		versions = make(map[string]string)
	)
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookers)
	for _, d := range in.Plan.Datasets {
		if d.Role != plan.Input || in.LoadVersions[d.Name] != "" {
			continue
		}
		work.Go(func() error {
			version, found, err := c.findInput(ctx, d)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && !found {
				missing = append(missing, d)
			}
			if version != "" {
				versions[d.Name] = version
			}
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, fmt.Errorf("find inputs: %w", err)
	}
	if len(missing) > 0 {
		slices.SortFunc(missing, func(a, b plan.Dataset) int { return strings.Compare(a.Name, b.Name) })
		return nil, &MissingInputsError{missing, !in.Plan.Selection.Default()}
	}
	return versions, nil
}

// findInput looks at one free input. What is not on S3, or may not be looked at from here, counts as found: the jobs have rights of their own.
func (c Clients) findInput(ctx context.Context, d plan.Dataset) (version string, found bool, err error) {
	bucket, key, ok := splitURI(d.Path)
	if !ok {
		return "", true, nil
	}
	if d.Versioned && !d.Nested {
		version, err = c.latestVersion(ctx, bucket, key)
		found = version != ""
	} else {
		found, err = c.exists(ctx, bucket, key)
	}
	if status(err) == http.StatusForbidden {
		return "", true, nil
	}
	return version, found, err
}

// latestVersion is the version that Kedro would load: the last in order that has the file, at <path>/<version>/<file name>.
func (c Clients) latestVersion(ctx context.Context, bucket, key string) (string, error) {
	versions, err := c.folders(ctx, bucket, key+"/")
	if err != nil {
		return "", err
	}
	slices.Sort(versions)
	for _, v := range slices.Backward(versions) {
		found, err := c.exists(ctx, bucket, key+"/"+v+"/"+path.Base(key))
		if err != nil || found {
			return v, err
		}
	}
	return "", nil
}
