package objects

import (
	"bytes"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/policy"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// config is a sub-resource of a bucket or object: one document.
type config struct {
	kind    kind
	query   string                                        // the query parameter
	noun    string                                        // in the names of its operations
	action  string                                        // in the names of its actions
	absent  string                                        // code of the fault when there is none
	check   func(r *request, document []byte) (err error) // nil: it cannot be changed here
	initial string                                        // document where none was put, "" for none
}

// A new bucket is private and encrypted: https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
var configs = []config{
	{buckets, "publicAccessBlock", "PublicAccessBlock", "BucketPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration",
		fits(func(types.PublicAccessBlockConfiguration) error { return nil }),
		"<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>" +
			"<BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>"},
	{buckets, "encryption", "BucketEncryption", "EncryptionConfiguration", "ServerSideEncryptionConfigurationNotFoundError",
		fits(func(in types.ServerSideEncryptionConfiguration) error { return oneRule(in.Rules) }),
		"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>" +
			"</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"},
	{buckets, "ownershipControls", "BucketOwnershipControls", "BucketOwnershipControls", "OwnershipControlsNotFoundError",
		fits(func(in types.OwnershipControls) error { return oneRule(in.Rules) }),
		"<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>"},
	{buckets, "lifecycle", "BucketLifecycleConfiguration", "LifecycleConfiguration", "NoSuchLifecycleConfiguration", checkLifecycle, ""},
	{buckets, "policy", "BucketPolicy", "BucketPolicy", "NoSuchBucketPolicy", checkPolicy, ""},
	{buckets, "tagging", "BucketTagging", "BucketTagging", "NoSuchTagSet",
		fits(func(in types.Tagging) error { return checkTags(in.TagSet, buckets) }), ""},
	{objects, "tagging", "ObjectTagging", "ObjectTagging", "",
		fits(func(in types.Tagging) error { return checkTags(in.TagSet, objects) }), "<Tagging><TagSet/></Tagging>"},
	{buckets, "versioning", "BucketVersioning", "BucketVersioning", "", nil, "<VersioningConfiguration/>"},
	{buckets, "location", "BucketLocation", "BucketLocation", "", nil, ""},
}

// fits wants a document to be the SDK's struct of that name, and valid to have no objection to it.
func fits[T any](valid func(T) error) func(*request, []byte) error {
	return func(_ *request, document []byte) error {
		var in T
		if err := wire.DecodeXML(bytes.NewReader(document), reflect.TypeFor[T]().Name(), &in); err != nil {
			return err
		}
		return valid(in)
	}
}

// oneRule is how many a bucket's encryption and ownership have.
func oneRule[T any](rules []T) error {
	if len(rules) != 1 || reflect.ValueOf(rules[0]).IsZero() {
		return errMalformedXML
	}
	return nil
}

func (c config) addOperations(all map[string]operation) {
	selector := " " + string(c.kind) + " " + c.query
	all[http.MethodGet+selector] = operation{"Get" + c.noun, "Get" + c.action, "", c.get}
	if c.check == nil {
		return
	}
	remove := "Put" + c.action
	if c.query == "policy" || c.kind == objects { // the only ones with an action of their own
		remove = "Delete" + c.action
	}
	all[http.MethodPut+selector] = operation{"Put" + c.noun, "Put" + c.action, "", c.put}
	all[http.MethodDelete+selector] = operation{"Delete" + strings.TrimSuffix(c.noun, "Configuration"), remove, "", c.remove}
}

func (c config) get(s *Service, r *request) ([]any, error) {
	on, ok := s.store.get(r.subject())
	if !ok {
		return nil, s.missing(r, r.subject())
	}
	document, ok := on.Config[c.query]
	switch {
	case !ok && c.kind == objects:
		document = c.initial
	case !ok:
		return nil, wire.NewFault(http.StatusNotFound, c.absent, "The bucket has no such configuration: %s", c.query)
	}
	contentType := "application/xml"
	if c.query == "policy" {
		contentType = "application/json"
	}
	if c.query == "lifecycle" {
		r.w.Header().Set(minimumSize, allClasses)
	}
	r.w.Header().Set("Content-Type", contentType)
	_, _ = r.w.Write([]byte(document)) // the client is gone if this fails
	return nil, nil
}

func (c config) put(s *Service, r *request) ([]any, error) {
	document, err := readDocument(r.Request)
	if err == nil {
		err = c.check(r, document)
	}
	if err == nil {
		err = c.set(s, r, string(document))
	}
	if err == nil && c.kind == buckets && (c.query == "policy" || c.query == "tagging") {
		r.w.WriteHeader(http.StatusNoContent)
	}
	return nil, err
}

// remove leaves no document. Encryption cannot be had off: it falls back to the default.
func (c config) remove(s *Service, r *request) ([]any, error) {
	document := ""
	if c.query == "encryption" {
		document = c.initial
	}
	return nil, c.set(s, r, document)
}

// set keeps a document, or none where it is empty.
func (c config) set(s *Service, r *request, document string) error {
	if _, ok := s.store.get(r.subject()); !ok {
		return s.missing(r, r.subject())
	}
	return s.store.replace(r.subject(), func(old record, exists bool) (record, error) {
		if !exists {
			return old, errNoSuchKey
		}
		old.Config = maps.Clone(old.Config)
		if old.Config[c.query] = document; document == "" {
			delete(old.Config, c.query)
		}
		return old, nil
	})
}

// tagsConfig is the configuration of a bucket or object that is made with tags.
func tagsConfig(set []types.Tag, of kind) (map[string]string, error) {
	if len(set) == 0 {
		return map[string]string{}, nil
	}
	return map[string]string{"tagging": string(wire.EncodeXML("Tagging", types.Tagging{TagSet: set}))}, checkTags(set, of)
}

// tagSet are the tags that tagsConfig or a request set.
func tagSet(r record) []types.Tag {
	var in types.Tagging
	if document := r.Config["tagging"]; document != "" {
		_ = wire.DecodeXML(strings.NewReader(document), "Tagging", &in) // it was checked when it was set
	}
	return in.TagSet
}

// checkTags allows 50 tags of a bucket and 10 of an object, none twice.
func checkTags(set []types.Tag, of kind) error {
	tags := wire.TagsOf(set, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
	if len(tags) < len(set) {
		return wire.NewFault(http.StatusBadRequest, "InvalidTag", "Cannot provide multiple Tags with the same key")
	}
	tooMany := wire.NewFault(http.StatusBadRequest, "BadRequest", "Object tags cannot be greater than 10")
	if of == objects && len(tags) > 10 {
		return tooMany
	}
	return tags.Check("InvalidTag", tooMany)
}

// checkPolicy wants statements about anybody, and about this bucket alone.
func checkPolicy(r *request, document []byte) error {
	malformed := func(why any) error { return wire.NewFault(http.StatusBadRequest, "MalformedPolicy", "%v", why) }
	statements, err := policy.Parse(document)
	if err != nil {
		return malformed(err)
	}
	for _, s := range statements {
		if !s.NamesPrincipals() {
			return malformed("Missing required field Principal")
		}
		if !s.NamesResources() {
			return malformed("Missing required field Resource")
		}
		for _, resource := range slices.Concat(s.Resource, s.NotResource) {
			if name, _, _ := strings.Cut(strings.TrimPrefix(resource, "arn:aws:s3:::"), "/"); name != r.bucket {
				return malformed("Policy has invalid resource")
			}
		}
	}
	return nil
}
