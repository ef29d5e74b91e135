package objects

import (
	"bytes"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/policy"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// config is a sub-resource of a bucket that holds one document.
type config struct {
	query   string                           // the query parameter
	noun    string                           // in the names of its operations
	action  string                           // in the names of its actions
	initial string                           // document of a new bucket, "" for none
	absent  string                           // code of the fault when there is none
	check   func(r *request, d []byte) error // nil: it cannot be set here
	removed string                           // operation that removes it, "" for none
}

const (
	header   = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	xmlnsTag = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`

	// What every bucket has since 2023: https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
	defaultEncryption = header + `<ServerSideEncryptionConfiguration` + xmlnsTag + `><Rule><ApplyServerSideEncryptionByDefault>` +
		`<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>`
	defaultAccessBlock = header + `<PublicAccessBlockConfiguration` + xmlnsTag + `><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>` +
		`<BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>`
	defaultOwnership = header + `<OwnershipControls` + xmlnsTag + `><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>`
)

var configs = []config{
	{"publicAccessBlock", "PublicAccessBlock", "BucketPublicAccessBlock", defaultAccessBlock, "NoSuchPublicAccessBlockConfiguration", checkAccessBlock, "DeletePublicAccessBlock"},
	{"encryption", "BucketEncryption", "EncryptionConfiguration", defaultEncryption, "ServerSideEncryptionConfigurationNotFoundError", checkEncryption, "DeleteBucketEncryption"},
	{"ownershipControls", "BucketOwnershipControls", "BucketOwnershipControls", defaultOwnership, "OwnershipControlsNotFoundError", checkOwnership, "DeleteBucketOwnershipControls"},
	{"lifecycle", "BucketLifecycleConfiguration", "LifecycleConfiguration", "", "NoSuchLifecycleConfiguration", checkLifecycle, "DeleteBucketLifecycle"},
	{"tagging", "BucketTagging", "BucketTagging", "", "NoSuchTagSet", checkTagging, "DeleteBucketTagging"},
	{"policy", "BucketPolicy", "BucketPolicy", "", "NoSuchBucketPolicy", checkBucketPolicy, "DeleteBucketPolicy"},
	// What clients look at, and this S3 does not offer to change:
	{"versioning", "BucketVersioning", "BucketVersioning", header + `<VersioningConfiguration` + xmlnsTag + `/>`, "", nil, ""},
	{"logging", "BucketLogging", "BucketLogging", header + `<BucketLoggingStatus` + xmlnsTag + `/>`, "", nil, ""},
	{"accelerate", "BucketAccelerateConfiguration", "AccelerateConfiguration", header + `<AccelerateConfiguration` + xmlnsTag + `/>`, "", nil, ""},
	{"notification", "BucketNotificationConfiguration", "BucketNotification", header + `<NotificationConfiguration` + xmlnsTag + `/>`, "", nil, ""},
	{"requestPayment", "BucketRequestPayment", "BucketRequestPayment", header + `<RequestPaymentConfiguration` + xmlnsTag + `><Payer>BucketOwner</Payer></RequestPaymentConfiguration>`, "", nil, ""},
	{"cors", "BucketCors", "BucketCORS", "", "NoSuchCORSConfiguration", nil, ""},
	{"website", "BucketWebsite", "BucketWebsite", "", "NoSuchWebsiteConfiguration", nil, ""},
	{"replication", "BucketReplication", "ReplicationConfiguration", "", "ReplicationConfigurationNotFoundError", nil, ""},
	{"object-lock", "ObjectLockConfiguration", "BucketObjectLockConfiguration", "", "ObjectLockConfigurationNotFoundError", nil, ""},
}

// initialConfig is the configuration of a new bucket.
func initialConfig() map[string]string {
	all := map[string]string{}
	for _, c := range configs {
		if c.initial != "" {
			all[c.query] = c.initial
		}
	}
	return all
}

func configOperations() map[string]operation {
	all := map[string]operation{"GET bucket acl": {"GetBucketAcl", "GetBucketAcl", (*Service).getACL}}
	for _, c := range configs {
		all["GET bucket "+c.query] = operation{"Get" + c.noun, "Get" + c.action, c.get}
		if c.check != nil {
			all["PUT bucket "+c.query] = operation{"Put" + c.noun, "Put" + c.action, c.put}
		}
		if c.removed != "" {
			// Only policies have an action of their own for this.
			action := "Put" + c.action
			if c.query == "policy" {
				action = c.removed
			}
			all["DELETE bucket "+c.query] = operation{c.removed, action, c.remove}
		}
	}
	return all
}

func (c config) get(_ *Service, r *request) error {
	r.bucket.mu.RLock()
	document, ok := r.bucket.info.Config[c.query]
	r.bucket.mu.RUnlock()
	if !ok {
		return wire.NewFault(http.StatusNotFound, c.absent, "The bucket has no such configuration: %s", c.query)
	}
	if c.query == "policy" {
		r.w.Header().Set("Content-Type", "application/json")
	} else {
		r.w.Header().Set("Content-Type", "application/xml")
	}
	// The client is gone if this fails; there is nobody left to tell.
	_, _ = r.w.Write([]byte(document))
	return nil
}

func (c config) put(_ *Service, r *request) error {
	document, err := readDocument(r.Request)
	if err != nil {
		return err
	}
	if err := c.check(r, document); err != nil {
		return err
	}
	if err := r.bucket.configure(c.query, string(document)); err != nil {
		return err
	}
	if c.query == "policy" || c.query == "tagging" {
		r.w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

func (c config) remove(_ *Service, r *request) error {
	// Encryption cannot be had off: it falls back to the default.
	document := ""
	if c.query == "encryption" {
		document = c.initial
	}
	if err := r.bucket.configure(c.query, document); err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}

// configure sets a document, or removes it if it is empty.
func (b *bucket) configure(name, document string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return errNoSuchBucket
	}
	info := b.info
	info.Config = maps.Clone(info.Config)
	info.Config[name] = document
	if document == "" {
		delete(info.Config, name)
	}
	if err := disk.WriteJSON(b.infoPath(), info); err != nil {
		return err
	}
	b.info = info
	return nil
}

// getACL is the only one there is where the bucket's owner owns all objects.
func (s *Service) getACL(r *request) error {
	if _, ok := r.bucket.object(r.key); !ok && r.key != "" {
		return s.missing(r)
	}
	type grantee struct {
		XSI  string `xml:"xmlns:xsi,attr"`
		Type string `xml:"xsi:type,attr"`
		ID   string
	}
	type grant struct {
		Grantee    grantee
		Permission string
	}
	writeXML(r.w, http.StatusOK, struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ AccessControlPolicy"`
		Owner   owner
		Grants  []grant `xml:"AccessControlList>Grant"`
	}{Owner: owner{s.opt.Account}, Grants: []grant{{grantee{"http://www.w3.org/2001/XMLSchema-instance", "CanonicalUser", s.opt.Account}, "FULL_CONTROL"}}})
	return nil
}

func checkAccessBlock(_ *request, d []byte) error {
	return wire.DecodeXML(bytes.NewReader(d), "PublicAccessBlockConfiguration", new(types.PublicAccessBlockConfiguration))
}

func checkEncryption(_ *request, d []byte) error {
	var in types.ServerSideEncryptionConfiguration
	if err := wire.DecodeXML(bytes.NewReader(d), "ServerSideEncryptionConfiguration", &in); err != nil {
		return err
	}
	if len(in.Rules) != 1 || in.Rules[0].ApplyServerSideEncryptionByDefault == nil || in.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm == "" {
		return errMalformedXML
	}
	return nil
}

func checkOwnership(_ *request, d []byte) error {
	var in types.OwnershipControls
	if err := wire.DecodeXML(bytes.NewReader(d), "OwnershipControls", &in); err != nil {
		return err
	}
	if len(in.Rules) != 1 || in.Rules[0].ObjectOwnership == "" {
		return errMalformedXML
	}
	return nil
}

func checkTagging(_ *request, d []byte) error {
	_, err := decodeTags(d, 50)
	return err
}

// decodeTags is a set of tags: at most limit, no key twice, keys of at most 128 characters and values of at most 256.
func decodeTags(d []byte, limit int) (map[string]string, error) {
	var in types.Tagging
	if err := wire.DecodeXML(bytes.NewReader(d), "Tagging", &in); err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, t := range in.TagSet {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	if len(tags) < len(in.TagSet) {
		return nil, invalidTag("Cannot provide multiple Tags with the same key")
	}
	return tags, checkTags(tags, limit)
}

func checkTags(tags map[string]string, limit int) error {
	if len(tags) > limit {
		return wire.NewFault(http.StatusBadRequest, "BadRequest", "Object tags cannot be greater than %d", limit)
	}
	for k, v := range tags {
		if err := wire.CheckTag(k, v); err != nil {
			return invalidTag(err.Error())
		}
	}
	return nil
}

func invalidTag(text string) error {
	return wire.NewFault(http.StatusBadRequest, "InvalidTag", "%s", text)
}

// checkBucketPolicy wants statements about anybody, and about this bucket alone.
func checkBucketPolicy(r *request, d []byte) error {
	malformed := func(why any) error { return wire.NewFault(http.StatusBadRequest, "MalformedPolicy", "%v", why) }
	statements, err := policy.Parse(d)
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
			if name, _, _ := strings.Cut(strings.TrimPrefix(resource, "arn:aws:s3:::"), "/"); name != r.bucketName {
				return malformed("Policy has invalid resource")
			}
		}
	}
	return nil
}
