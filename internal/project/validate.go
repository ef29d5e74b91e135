package project

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	// bucketName: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionName = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	// repositoryName: CreateRepository of the ECR API reference.
	repositoryName = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*$`)
	envName        = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	variableName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// retentions are the only numbers of days that CloudWatch Logs takes (PutRetentionPolicy of its API reference).
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// minMemory is the least memory, in MiB, that Batch gives a container (ResourceRequirement of its API reference).
const minMemory = 4

// validate looks at the values themselves, after all sources are applied.
func (r *resolver) validate(p Project) error {
	if !envName.MatchString(p.Env) {
		reason := fmt.Sprintf("%q is not the name of an environment: letters, digits, _ and - only", p.Env)
		return &SettingsError{Source: "--env", Reason: reason}
	}
	for _, check := range []func(Settings) (key, reason string){
		checkNames, checkChoices, checkNumbers, checkPaths, checkVariables, checkGroups, checkHandGroups,
	} {
		if key, reason := check(r.settings); key != "" {
			return settingError(firstOf(r.source[key], Pyproject), key, reason, "")
		}
	}
	return nil
}

func checkNames(s Settings) (key, reason string) {
	switch {
	case s.Region != "" && !regionName.MatchString(s.Region):
		return "region", fmt.Sprintf("%q is not the name of an AWS region, such as eu-west-1", s.Region)
	case s.Bucket != "" && !validBucket(s.Bucket):
		return "bucket", fmt.Sprintf("%q cannot be the name of a bucket: 3 to 63 of a-z, 0-9, hyphen and dot, a letter or digit at both ends", s.Bucket)
	case len(s.Image.Repository) < 2 || len(s.Image.Repository) > 256 || !repositoryName.MatchString(s.Image.Repository):
		return "image.repository", fmt.Sprintf("%q cannot be the name of an ECR repository: a-z, 0-9 and single . _ - / between them", s.Image.Repository)
	case s.Image.Base == "":
		return "image.base", "must name an image"
	}
	return "", ""
}

func validBucket(name string) bool {
	_, err := netip.ParseAddr(name)
	return err != nil && bucketName.MatchString(name) && !strings.Contains(name, "..") &&
		!strings.HasPrefix(name, "xn--") && !strings.HasPrefix(name, "sthree-") && !strings.HasPrefix(name, "amzn-s3-demo-") &&
		!strings.HasSuffix(name, "-s3alias") && !strings.HasSuffix(name, "--ol-s3")
}

func checkChoices(s Settings) (key, reason string) {
	for _, choice := range []struct {
		key, value string
		allowed    []string
	}{
		{"group_by", s.GroupBy, []string{"auto", "namespace", "pipeline", "tag", "memory", "node", "one"}},
		{"crossing", s.Crossing, []string{"persist", "error"}},
		{"image.platform", s.Image.Platform, []string{"linux/amd64", "linux/arm64"}},
		{"image.logging", s.Image.Logging, []string{"plain", "project"}},
		{"compute.type", s.Compute.Type, []string{"EC2"}},
	} {
		if !slices.Contains(choice.allowed, choice.value) {
			return choice.key, fmt.Sprintf("%q is not one of %s", choice.value, strings.Join(choice.allowed, ", "))
		}
	}
	return "", ""
}

func checkNumbers(s Settings) (key, reason string) {
	if !slices.Contains(retentions, s.KeepDays) {
		return "keep_days", fmt.Sprintf("%d is not a retention that CloudWatch Logs takes: %s", s.KeepDays, strings.Trim(fmt.Sprint(retentions), "[]"))
	}
	if s.Compute.MaxVCPUs < 1 {
		return "compute.max_vcpus", "must be at least 1"
	}
	return checkResources(s.Job.Resources, "job", false)
}

// checkResources checks the resources of all groups, or of one, where zeros are filled in later.
func checkResources(r Resources, table string, zeros bool) (key, reason string) {
	switch {
	case r.VCPUs < 1 && !(zeros && r.VCPUs == 0), r.VCPUs != float64(int(r.VCPUs)):
		return table + ".vcpus", "must be a whole number of at least 1 on EC2"
	case r.Memory < minMemory && !(zeros && r.Memory == 0):
		return table + ".memory", fmt.Sprintf("must be at least %d (MiB)", minMemory)
	case r.Timeout < 60 && !(zeros && r.Timeout == 0):
		return table + ".timeout", "must be at least 60 (seconds)"
	case (r.Attempts < 1 && !(zeros && r.Attempts == 0)) || r.Attempts > 10:
		return table + ".attempts", "must be 1 to 10"
	case r.GPUs < 0:
		return table + ".gpus", "must not be negative"
	}
	return "", ""
}

func checkPaths(s Settings) (key, reason string) {
	for _, file := range []struct{ key, path string }{{"raw_data", s.RawData}, {"image.lock", s.Image.Lock}} {
		if file.path != "" && !filepath.IsLocal(file.path) {
			return file.key, fmt.Sprintf("%q is not a path inside the project", file.path)
		}
	}
	for key, prefixes := range map[string][]string{"access.read": s.Access.Read, "access.write": s.Access.Write} {
		for _, prefix := range prefixes {
			bucket, _, _ := strings.Cut(prefix, "/")
			if !validBucket(bucket) {
				return key, fmt.Sprintf("%q does not begin with the name of a bucket: write bucket/prefix/, without s3://", prefix)
			}
		}
	}
	return "", ""
}

func checkVariables(s Settings) (key, reason string) {
	for table, variables := range map[string]map[string]string{"job.environment": s.Job.Environment, "job.secrets": s.Job.Secrets} {
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			if !variableName.MatchString(name) {
				return table + "." + name, "is not the name of a variable"
			}
			if strings.HasPrefix(name, "AWS_BATCH") {
				return table + "." + name, "is reserved: AWS Batch itself sets variables that begin with AWS_BATCH"
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Job.Secrets)) {
		if !strings.HasPrefix(s.Job.Secrets[name], "arn:") {
			return "job.secrets." + name, "must be the ARN of a secret or parameter, never the secret itself"
		}
	}
	return "", ""
}

func checkGroups(s Settings) (key, reason string) {
	for _, name := range slices.Sorted(maps.Keys(s.Job.Groups)) {
		table := "job.groups." + name
		if _, err := path.Match(name, ""); err != nil {
			return table, "is not a valid glob"
		}
		if key, reason := checkResources(s.Job.Groups[name].Resources, table, true); key != "" {
			return key, reason
		}
	}
	return "", ""
}

// checkHandGroups checks the groups by hand; that each node is in at most one of them, only a plan can tell.
func checkHandGroups(s Settings) (key, reason string) {
	for _, name := range slices.Sorted(maps.Keys(s.Groups)) {
		if name == "" || len(s.Groups[name]) == 0 {
			return "groups." + name, "must have a name and a list of globs over nodes, namespaces and tags"
		}
		for _, glob := range s.Groups[name] {
			if _, err := path.Match(glob, ""); err != nil {
				return "groups." + name, fmt.Sprintf("%q is not a valid glob", glob)
			}
		}
	}
	return "", ""
}
