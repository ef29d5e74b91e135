package batch

import (
	"maps"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/batch"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

var tagOperations = map[string]string{http.MethodGet: "ListTagsForResource", http.MethodPost: "TagResource", http.MethodDelete: "UntagResource"}

// serveTags answers ListTagsForResource, TagResource and UntagResource, which share a path.
func (s *Service) serveTags(w http.ResponseWriter, r *http.Request) {
	var in batch.TagResourceInput
	if err := wire.DecodeJSON(r.Body, &in); err != nil {
		wire.WriteJSONError(w, err)
		return
	}
	var out any = struct{}{}
	err := s.update(func() error {
		tags, changed, err := s.tagsOf(r.PathValue("arn"))
		if err != nil {
			return err
		}
		switch r.Method {
		case http.MethodGet:
			out = &batch.ListTagsForResourceOutput{Tags: maps.Clone(tags)}
			return nil
		case http.MethodPost:
			changed()
			return addTags(tags, in.Tags)
		case http.MethodDelete:
			changed()
			for _, key := range r.URL.Query()["tagKeys"] {
				delete(tags, key)
			}
			return nil
		}
		return wire.NewFault(http.StatusMethodNotAllowed, "UnknownOperationException", "the embedded Batch does not offer %s on tags", r.Method)
	})
	if err != nil {
		wire.WriteJSONError(w, err)
		return
	}
	wire.WriteJSON(w, r, out)
}

func addTags(tags, more map[string]string) error {
	if err := checkTags(merged(tags, more)); err != nil {
		return err
	}
	maps.Copy(tags, more)
	return nil
}

// tagsOf gives the map of tags of a resource, and what notes that it was changed.
func (s *Service) tagsOf(arn string) (tags map[string]string, changed func(), err error) {
	changed = func() { s.dirty.resources = true }
	kind, name, _ := strings.Cut(strings.TrimPrefix(arn, strings.TrimSuffix(s.arn("", ""), "/")), "/")
	switch kind {
	case "compute-environment":
		if e := s.envs[name]; e != nil {
			return e.Tags, changed, nil
		}
	case "job-queue":
		if q := s.queues[name]; q != nil {
			return q.Tags, changed, nil
		}
	case "job-definition":
		if n, revision, err := splitRevision(name); err == nil && revision > 0 && revision <= len(s.defs[n]) {
			return s.defs[n][revision-1].Tags, changed, nil
		}
	case "job":
		if j := s.remembered(name); j != nil {
			return j.Tags, func() { s.dirty.jobs[j] = true }, nil
		}
	}
	return nil, nil, refuse("resource %s does not exist", arn)
}
