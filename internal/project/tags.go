package project

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of tags, the strictest of those that IAM, Batch, ECR, S3, CloudWatch Logs and EC2 have:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules,
// https://docs.aws.amazon.com/batch/latest/userguide/tag-restrictions.html
const (
	maxTagKey, maxTagValue = 128, 256 // characters
	// maxTags is what fits twice into the 50 tags that a job and its definition may have together, else Batch fails the job (SubmitJob.propagateTags of the
	// Batch API reference): it may count a tag of both twice, and both do have other ones where the settings changed between deploy and run. Each has five
	// of kedroctl's own besides: project, env and region; the keys of the settings' tags and the content, or the run and the group.
	maxTags = 50/2 - 5
)

// tagText: Tag of the IAM API reference; the other services take no less.
var tagText = regexp.MustCompile(`^[\p{L}\p{N} _.:/=+@-]*$`)

// checkTags checks the tags of all that is made.
func checkTags(s Settings) (key, reason string) {
	known := map[string]string{} // in small letters: IAM takes keys that differ in case alone for one
	for _, key := range slices.Sorted(maps.Keys(s.AWS.Tags)) {
		small, value := strings.ToLower(key), s.AWS.Tags[key]
		if reason := tagFlaw(small, value); reason != "" {
			return "aws.tags." + key, reason
		}
		if other, ok := known[small]; ok {
			return "aws.tags." + key, fmt.Sprintf("differs from %q in case alone, which IAM does not tell apart", other)
		}
		known[small] = key
	}
	if n := len(s.AWS.Tags); n > maxTags {
		return "aws.tags", fmt.Sprintf("%d tags are more than the %d for which a job has room besides kedroctl's own", n, maxTags)
	}
	return "", ""
}

// tagFlaw says what is wrong with a tag, whose key is in small letters.
func tagFlaw(key, value string) string {
	switch {
	case key == "" || utf8.RuneCountInString(key) > maxTagKey:
		return fmt.Sprintf("the key of a tag has 1 to %d characters", maxTagKey)
	case utf8.RuneCountInString(value) > maxTagValue:
		return fmt.Sprintf("the value has %d characters, and a tag's at most %d", utf8.RuneCountInString(value), maxTagValue)
	case !tagText.MatchString(key + value):
		return "a tag has letters, digits, spaces and _ . : / = + - @ alone"
	case strings.TrimSpace(key) != key || strings.TrimSpace(value) != value:
		return "neither key nor value begins or ends with a space"
	case strings.HasPrefix(key, "aws:") || strings.HasPrefix(strings.ToLower(value), "aws:"):
		return "what begins with aws: is AWS's own"
	case strings.HasPrefix(key, "kedroctl:"):
		return "tags whose keys begin with kedroctl: are kedroctl's own"
	}
	return ""
}
