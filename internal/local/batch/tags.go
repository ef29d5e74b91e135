package batch

import (
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// TagsPath begins the path of the three operations on tags; the resource's ARN follows.
const TagsPath = "/v1/tags/"

// tagOperations are those of TagsPath, by method.
var tagOperations = map[string]string{http.MethodGet: "ListTagsForResource", http.MethodPost: "TagResource", http.MethodDelete: "UntagResource"}

// tagging answers an operation on tags: the ARN is in its path and the keys that are to go in its query.
func (s *Service) tagging(w http.ResponseWriter, r *http.Request) {
	arn, query := strings.TrimPrefix(r.URL.Path, TagsPath), r.URL.Query()
	switch r.Method {
	case http.MethodGet:
		serve(s, func(*batch.ListTagsForResourceInput) (*batch.ListTagsForResourceOutput, error) {
			tags, err := s.tagsOf(arn)
			if err != nil {
				return nil, err
			}
			return &batch.ListTagsForResourceOutput{Tags: maps.Clone(*tags)}, nil
		}).ServeHTTP(w, r)
	case http.MethodPost:
		serve(s, func(in *batch.TagResourceInput) (*batch.TagResourceOutput, error) {
			return &batch.TagResourceOutput{}, s.retag(arn, in.Tags, nil)
		}).ServeHTTP(w, r)
	default:
		serve(s, func(*batch.UntagResourceInput) (*batch.UntagResourceOutput, error) {
			return &batch.UntagResourceOutput{}, s.retag(arn, nil, query)
		}).ServeHTTP(w, r)
	}
}

// tagsOf are the tags of a compute environment, a queue or a revision of a job definition.
func (s *Service) tagsOf(arn string) (*map[string]string, error) {
	if e, err := find(s, s.Envs, "compute-environment", &arn); err == nil {
		return &e.Tags, nil
	}
	if q, err := find(s, s.Queues, "job-queue", &arn); err == nil {
		return &q.Tags, nil
	}
	if found, err := s.revisions(arn); err == nil && len(found) == 1 && aws.ToString(found[0].JobDefinitionArn) == arn {
		return &found[0].Tags, nil
	}
	return nil, refuse("resource %s does not exist, or the embedded Batch does not tag it", arn)
}

// retag gives a resource tags and takes others, as tagKeys names them.
func (s *Service) retag(arn string, add map[string]string, query url.Values) error {
	tags, err := s.tagsOf(arn)
	if err != nil {
		return err
	}
	changed := wire.Tags(*tags).With(add, query["tagKeys"]...)
	if err := s.judge(append(tagRules(changed), when(plain, add == nil && len(query["tagKeys"]) == 0, "there are no tags to change"))...); err != nil {
		return err
	}
	*tags, s.changed = changed, true
	return nil
}

// tagOperation names what a request on tags asks for.
func tagOperation(r *http.Request) (name string, mutating bool) {
	name = tagOperations[r.Method]
	return name, wire.Mutating(name)
}
