package batch

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Limits of the service; source where none is given: limits.
const (
	maxDefinitionBytes    = 24 << 10 // B03
	maxSubmitBytes        = 30 << 10 // B03
	maxEnvironments       = 50       // B06
	maxQueues             = 50       // B06
	maxEnvironmentsOfOne  = 3        // B06: compute environments of a queue
	maxTags               = 50       // B06
	maxTagKey             = 128
	maxTagValue           = 256
	minArray, maxArray    = 2, 10_000 // B06
	maxDependencies       = 20        // B01
	maxDescribed          = 100       // B02
	maxOverrides          = 8192      // B26, characters
	maxReason             = 1024      // B15 (API: CancelJobRequest.reason)
	minTimeout            = 60        // B11 (timeouts), seconds
	maxAttempts           = 10        // B12 (API: RetryStrategy)
	maxRules              = 5         // B12 (API: RetryStrategy.evaluateOnExit)
	maxPattern            = 512       // B12 (API: EvaluateOnExit), characters
	minMemory             = 4         // API: ResourceRequirement, MiB
	maxImage              = 255       // API: ContainerProperties.image, characters
	pageSize              = 1000      // B16 (API: ListJobs)
	filteredPageSize      = 100       // B16 (API: ListJobs)
	maxSubnetsOnFargate   = 16        // B10 (API: ComputeResource.subnets)
	maxGroupsOnFargate    = 5         // API: ComputeResource.securityGroupIds
	maxSchedulingPriority = 9999      // API: SubmitJob
	daysKept              = 7         // B13 (states)
)

var (
	// B05 (API: SubmitJobRequest.jobName).
	jobName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,127}$`)
	// B05 (API: names of compute environments, job queues and job definitions).
	resourceName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)
	// API: ContainerProperties.image; the digest form is what ECR itself names an image by.
	imageName = regexp.MustCompile(`^[0-9A-Za-z_:./#@-]+$`)
)

func checkName(what, name string) error {
	if !resourceName.MatchString(name) {
		return refuse("%s %q must be 1 to 128 letters, digits, hyphens and underscores", what, name)
	}
	return nil
}

// arn names a resource: kind is compute-environment, job-queue, job-definition or job.
func (s *Service) arn(kind, name string) string {
	return fmt.Sprintf("arn:aws:batch:%s:%s:%s/%s", s.Region, s.Account, kind, name)
}

// nameOf is the name in a reference that is a name or an ARN of this kind, region and account.
func (s *Service) nameOf(kind, ref string) string {
	return strings.TrimPrefix(ref, s.arn(kind, ""))
}

// splitRevision cuts name:revision; revision 0 stands for none.
func splitRevision(ref string) (name string, revision int, err error) {
	name, number, found := strings.Cut(ref, ":")
	if !found {
		return name, 0, nil
	}
	revision, err = strconv.Atoi(number)
	if err != nil || revision < 1 {
		return "", 0, refuse("job definition %q: the revision is not a number from 1", ref)
	}
	return name, revision, nil
}

// checkTags. B06 (limits).
func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return refuse("%d tags are more than the %d that a resource can have", len(tags), maxTags)
	}
	for k, v := range tags {
		if k == "" || len(k) > maxTagKey || len(v) > maxTagValue {
			return refuse("tag %q: a key has 1 to %d characters, a value up to %d", k, maxTagKey, maxTagValue)
		}
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return refuse("tag %q: keys that begin with aws: are AWS's own", k)
		}
	}
	return nil
}
