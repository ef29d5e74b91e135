package objects

import (
	"bytes"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// checkLifecycle takes the rules that PutBucketLifecycleConfiguration documents. Nothing expires here: rules are kept, not applied.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
func checkLifecycle(_ *request, d []byte) error {
	var in types.BucketLifecycleConfiguration
	if err := wire.DecodeXML(bytes.NewReader(d), "LifecycleConfiguration", &in); err != nil {
		return err
	}
	if len(in.Rules) == 0 || len(in.Rules) > 1000 {
		return errMalformedXML
	}
	ids := map[string]bool{}
	for _, rule := range in.Rules {
		id := aws.ToString(rule.ID)
		if len(id) > 255 {
			return invalidArgument("ID length should not exceed allowed limit of 255")
		}
		if id != "" && ids[id] {
			return invalidArgument("Rule ID must be unique. Found same ID for more than one rule")
		}
		ids[id] = true
		if err := checkRule(rule); err != nil {
			return err
		}
	}
	return nil
}

func checkRule(rule types.LifecycleRule) error {
	switch {
	case rule.Status == "":
		return errMalformedXML
	case rule.Filter == nil && rule.Prefix == nil: //nolint:staticcheck // the old form is still valid
		return errMalformedXML
	case rule.Filter != nil && rule.Prefix != nil: //nolint:staticcheck // as above
		return errMalformedXML
	case rule.Expiration == nil && rule.NoncurrentVersionExpiration == nil && rule.AbortIncompleteMultipartUpload == nil &&
		len(rule.Transitions) == 0 && len(rule.NoncurrentVersionTransitions) == 0:
		return invalidRequest("At least one action needs to be specified in a rule")
	case rule.Expiration != nil && rule.Expiration.Days != nil && *rule.Expiration.Days < 1:
		return invalidArgument("'Days' for Expiration action must be a positive integer")
	case rule.AbortIncompleteMultipartUpload != nil && aws.ToInt32(rule.AbortIncompleteMultipartUpload.DaysAfterInitiation) < 1:
		return invalidArgument("'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
	case rule.AbortIncompleteMultipartUpload != nil && filtersByTag(rule.Filter):
		return invalidRequest("AbortIncompleteMultipartUpload cannot be specified with Tags")
	}
	return nil
}

func filtersByTag(f *types.LifecycleRuleFilter) bool {
	return f != nil && (f.Tag != nil || f.And != nil && len(f.And.Tags) > 0)
}
