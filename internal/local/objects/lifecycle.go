package objects

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// minimumSize is the header that says which objects are too small to move to another storage class: here as by default, since none moves.
const (
	minimumSize = "X-Amz-Transition-Default-Minimum-Object-Size"
	allClasses  = string(types.TransitionDefaultMinimumObjectSizeAllStorageClasses128k)
)

// checkLifecycle takes rules that expire objects by prefix, and what only versioned buckets would notice.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
func checkLifecycle(r *request, document []byte) error {
	if asked := r.Header.Get(minimumSize); asked != "" && asked != allClasses {
		return notImplemented("the embedded S3 knows no other " + minimumSize + " than " + allClasses)
	}
	r.w.Header().Set(minimumSize, allClasses)
	rules, err := lifecycleRules(string(document))
	if err != nil {
		return err
	}
	if len(rules) == 0 || len(rules) > 1000 {
		return errMalformedXML
	}
	ids := map[string]bool{}
	for _, rule := range rules {
		id := aws.ToString(rule.ID)
		if len(id) > 255 || id != "" && ids[id] {
			return invalidArgument("Rule ID must be unique and have up to 255 characters. Found same ID for more than one rule")
		}
		ids[id] = true
		if err := checkLifecycleRule(rule); err != nil {
			return err
		}
	}
	return nil
}

func checkLifecycleRule(r types.LifecycleRule) error {
	switch {
	case r.Status != types.ExpirationStatusEnabled && r.Status != types.ExpirationStatusDisabled, r.Filter == nil && r.Prefix == nil,
		r.Filter != nil && r.Prefix != nil:
		return errMalformedXML
	case r.Filter != nil && (r.Filter.And != nil || r.Filter.Tag != nil || r.Filter.ObjectSizeGreaterThan != nil || r.Filter.ObjectSizeLessThan != nil),
		r.Transitions != nil, r.NoncurrentVersionTransitions != nil, r.Expiration != nil && r.Expiration.Date != nil:
		return notImplemented("the embedded S3 knows no lifecycle rule but those that expire by prefix and days")
	case r.Expiration == nil && r.NoncurrentVersionExpiration == nil && r.AbortIncompleteMultipartUpload == nil:
		return wire.NewFault(http.StatusBadRequest, "InvalidRequest", "At least one action needs to be specified in a rule")
	case r.Expiration != nil && r.Expiration.Days != nil && *r.Expiration.Days < 1,
		r.NoncurrentVersionExpiration != nil && aws.ToInt32(r.NoncurrentVersionExpiration.NoncurrentDays) < 1,
		r.AbortIncompleteMultipartUpload != nil && aws.ToInt32(r.AbortIncompleteMultipartUpload.DaysAfterInitiation) < 1:
		return invalidArgument("'Days' for Expiration action must be a positive integer")
	}
	return nil
}

func lifecycleRules(document string) ([]types.LifecycleRule, error) {
	var in types.BucketLifecycleConfiguration
	err := wire.DecodeXML(bytes.NewReader([]byte(document)), "LifecycleConfiguration", &in)
	return in.Rules, err
}

// expire removes what the rules of a bucket let go. An object goes with the midnight (UTC) that follows so many days after it was written.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html#intro-lifecycle-rules-number-of-days
func (s *Service) expire(bucket string) error {
	b, _ := s.store.get(bucketID(bucket))
	document := b.Config["lifecycle"]
	if document == "" {
		return nil
	}
	now := s.opt.Now()
	if !s.store.due(bucket, document+now.UTC().Format(time.DateOnly)) {
		return nil
	}
	rules, err := lifecycleRules(document)
	if err != nil {
		return err
	}
	return s.store.change(func() (gone []record, err error) {
		for n, r := range s.store.records {
			if n.Bucket == bucket && expired(rules, r, now) {
				gone = append(gone, n.gone())
				gone = append(gone, s.store.partsOf(n)...)
			}
		}
		return gone, nil
	})
}

func expired(rules []types.LifecycleRule, r record, now time.Time) bool {
	for _, rule := range rules {
		prefix := aws.ToString(rule.Prefix)
		if rule.Filter != nil {
			prefix = aws.ToString(rule.Filter.Prefix)
		}
		if rule.Status != types.ExpirationStatusEnabled || !strings.HasPrefix(r.ID.Key, prefix) {
			continue
		}
		switch {
		case r.ID.Kind == objects && rule.Expiration != nil && rule.Expiration.Days != nil && past(r.Modified, *rule.Expiration.Days, now),
			r.ID.Kind == uploads && rule.AbortIncompleteMultipartUpload != nil && past(r.Modified, *rule.AbortIncompleteMultipartUpload.DaysAfterInitiation, now):
			return true
		}
	}
	return false
}

// past says whether the midnight has come that follows some days after a time.
func past(since time.Time, days int32, now time.Time) bool {
	end := since.UTC().AddDate(0, 0, int(days)).Truncate(24 * time.Hour)
	if end.Before(since.UTC().AddDate(0, 0, int(days))) {
		end = end.AddDate(0, 0, 1)
	}
	return !now.Before(end)
}
