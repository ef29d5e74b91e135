package objects

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// operation is one of S3's, with the action that a policy must allow for it.
type operation struct {
	name   string
	action string
	do     func(*Service, *request) error
}

// mutating goes by the name: S3's operations that only read are Get…, Head… and List….
func (o operation) mutating() bool {
	return !strings.HasPrefix(o.name, "Get") && !strings.HasPrefix(o.name, "Head") && !strings.HasPrefix(o.name, "List")
}

// subresources are the query parameters that select another operation than the plain one of a method, most telling first.
var subresources = []string{
	"uploadId", "uploads", "delete", "list-type", "versions", "location", "tagging", "acl", "attributes", "publicAccessBlock", "encryption",
	"policy", "policyStatus", "lifecycle", "ownershipControls", "versioning", "cors", "website", "replication", "object-lock", "logging",
	"accelerate", "requestPayment", "notification", "analytics", "inventory", "metrics", "intelligent-tiering", "retention", "legal-hold",
	"restore", "select", "torrent", "append", "renameObject", "abac", "metadataConfiguration", "metadataTable", "session",
}

// selector is the key of a request in the table of operations: method, level, and sub-resource where there is one.
func (r *request) selector() string {
	level := "object"
	switch {
	case r.bucketName == "":
		level = "service"
	case r.key == "":
		level = "bucket"
	}
	selector := r.Method + " " + level
	for _, name := range subresources {
		if r.query.Has(name) {
			selector += " " + name
			break
		}
	}
	if r.Method == http.MethodPut && level == "object" && r.Header.Get("X-Amz-Copy-Source") != "" {
		selector += " copy"
	}
	return selector
}

var operations = allOperations()

// Operations lists the names of the API operations that are offered, sorted.
func (s *Service) Operations() []string {
	var names []string
	for _, o := range operations {
		names = append(names, o.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func allOperations() map[string]operation {
	all := map[string]operation{
		"GET service":         {"ListBuckets", "ListAllMyBuckets", (*Service).listBuckets},
		"PUT bucket":          {"CreateBucket", "CreateBucket", (*Service).createBucket},
		"HEAD bucket":         {"HeadBucket", "ListBucket", (*Service).headBucket},
		"DELETE bucket":       {"DeleteBucket", "DeleteBucket", (*Service).deleteBucket},
		"GET bucket location": {"GetBucketLocation", "GetBucketLocation", (*Service).getLocation},

		"GET bucket":           {"ListObjects", "ListBucket", (*Service).listObjects},
		"GET bucket list-type": {"ListObjectsV2", "ListBucket", (*Service).listObjectsV2},
		"GET bucket versions":  {"ListObjectVersions", "ListBucketVersions", (*Service).listVersions},
		"GET bucket uploads":   {"ListMultipartUploads", "ListBucketMultipartUploads", (*Service).listUploads},
		"POST bucket delete":   {"DeleteObjects", "DeleteObject", (*Service).deleteObjects},

		"GET object":            {"GetObject", "GetObject", (*Service).getObject},
		"HEAD object":           {"HeadObject", "GetObject", (*Service).getObject},
		"PUT object":            {"PutObject", "PutObject", (*Service).putObject},
		"PUT object copy":       {"CopyObject", "PutObject", (*Service).copyObject},
		"DELETE object":         {"DeleteObject", "DeleteObject", (*Service).deleteObject},
		"GET object tagging":    {"GetObjectTagging", "GetObjectTagging", (*Service).getObjectTags},
		"PUT object tagging":    {"PutObjectTagging", "PutObjectTagging", (*Service).putObjectTags},
		"DELETE object tagging": {"DeleteObjectTagging", "DeleteObjectTagging", (*Service).deleteObjectTags},
		"GET object acl":        {"GetObjectAcl", "GetObjectAcl", (*Service).getACL},

		"POST object uploads":      {"CreateMultipartUpload", "PutObject", (*Service).createUpload},
		"PUT object uploadId":      {"UploadPart", "PutObject", (*Service).uploadPart},
		"PUT object uploadId copy": {"UploadPartCopy", "PutObject", (*Service).uploadPartCopy},
		"POST object uploadId":     {"CompleteMultipartUpload", "PutObject", (*Service).completeUpload},
		"DELETE object uploadId":   {"AbortMultipartUpload", "AbortMultipartUpload", (*Service).abortUpload},
		"GET object uploadId":      {"ListParts", "ListMultipartUploadParts", (*Service).listParts},
	}
	maps.Copy(all, configOperations())
	return all
}
