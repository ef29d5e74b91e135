package objects

import (
	"net/http"
	"slices"
	"strings"
)

// operation is one of S3's.
type operation struct {
	name   string
	action string // that a policy must allow; "" where the operation checks by itself
	root   string // of the document that answers
	do     func(*Service, *request) (answer []any, err error)
}

var operations = allOperations()

// allOperations are by method, level, and the query parameter that selects them.
// Actions: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
func allOperations() map[string]operation {
	all := map[string]operation{
		"GET service":   {"ListBuckets", "ListAllMyBuckets", "ListAllMyBucketsResult", (*Service).listBuckets},
		"PUT bucket":    {"CreateBucket", "CreateBucket", "", (*Service).createBucket},
		"HEAD bucket":   {"HeadBucket", "ListBucket", "", (*Service).headBucket},
		"DELETE bucket": {"DeleteBucket", "DeleteBucket", "", (*Service).deleteBucket},

		"GET bucket":           {"ListObjects", "ListBucket", "ListBucketResult", (*Service).listObjects},
		"GET bucket list-type": {"ListObjectsV2", "ListBucket", "ListBucketResult", (*Service).listObjectsV2},
		"GET bucket versions":  {"ListObjectVersions", "ListBucketVersions", "ListVersionsResult", (*Service).listVersions},
		"POST bucket delete":   {"DeleteObjects", "", "DeleteResult", (*Service).deleteObjects},

		"GET object":      {"GetObject", "GetObject", "", (*Service).getObject},
		"HEAD object":     {"HeadObject", "GetObject", "", (*Service).getObject},
		"PUT object":      {"PutObject", "PutObject", "", (*Service).putObject},
		"PUT object copy": {"CopyObject", "PutObject", "CopyObjectResult", (*Service).copyObject},
		"DELETE object":   {"DeleteObject", "DeleteObject", "", (*Service).deleteObject},

		"POST object uploads":                 {"CreateMultipartUpload", "PutObject", "InitiateMultipartUploadResult", (*Service).createUpload},
		"PUT object partNumber uploadId":      {"UploadPart", "PutObject", "", (*Service).uploadPart},
		"PUT object partNumber uploadId copy": {"UploadPartCopy", "PutObject", "CopyPartResult", (*Service).uploadPartCopy},
		"POST object uploadId":                {"CompleteMultipartUpload", "PutObject", "CompleteMultipartUploadResult", (*Service).completeUpload},
		"DELETE object uploadId":              {"AbortMultipartUpload", "AbortMultipartUpload", "", (*Service).abortUpload},
		"GET object uploadId":                 {"ListParts", "ListMultipartUploadParts", "ListPartsResult", (*Service).listParts},
		"GET bucket uploads":                  {"ListMultipartUploads", "ListBucketMultipartUploads", "ListMultipartUploadsResult", (*Service).listUploads},
	}
	for _, c := range configs {
		c.addOperations(all)
	}
	return all
}

// actions are what a policy must allow for the request: more than the operation's own where its headers ask for more.
func (o operation) actions(r *request) []string {
	if o.action == "" {
		return nil
	}
	all := []string{versioned(o.action, r.query.Get("versionId") != "")}
	if o.action == "PutObject" && r.Header.Get("X-Amz-Tagging") != "" {
		all = append(all, "PutObjectTagging")
	}
	if o.action == "PutObject" && r.Header.Get("X-Amz-Acl") != "" {
		all = append(all, "PutObjectAcl")
	}
	return all
}

// versioned is the action on a version, such as GetObjectVersion, or on whatever is there.
func versioned(action string, version bool) string {
	if version {
		return strings.Replace(action, "Object", "ObjectVersion", 1)
	}
	return action
}

// parameters are those that an operation may have besides the one that selects it.
var parameters = []string{"x-id", "prefix", "delimiter", "marker", "max-keys", "encoding-type", "continuation-token", "start-after", "fetch-owner",
	"key-marker", "version-id-marker", "versionId", "max-buckets", "upload-id-marker", "max-uploads", "max-parts", "part-number-marker"}

// selector is the key of a request in the table of operations: method, level, and what selects an operation besides.
func (r *request) selector() string {
	level := "object"
	switch {
	case r.bucket == "":
		level = "service"
	case r.key == "":
		level = "bucket"
	}
	selector := []string{r.Method, level}
	for name := range r.query {
		if !slices.Contains(parameters, name) {
			selector = append(selector, name)
		}
	}
	slices.Sort(selector[2:])
	if r.Method == http.MethodPut && level == "object" && r.Header.Get("X-Amz-Copy-Source") != "" {
		selector = append(selector, "copy")
	}
	return strings.Join(selector, " ")
}

// unsupported refuses headers that would change what the operation does.
func (r *request) unsupported() error {
	for name := range r.Header {
		for _, prefix := range []string{"X-Amz-Object-Lock-", "X-Amz-Grant-", "X-Amz-Server-Side-Encryption-Customer-", "X-Amz-Write-Offset-",
			"X-Amz-Copy-Source-If-Modified-", "X-Amz-Copy-Source-If-Unmodified-", "X-Amz-Copy-Source-Server-Side-"} {
			if strings.HasPrefix(name, prefix) {
				return notImplemented("the embedded S3 does not offer the header %s", name)
			}
		}
	}
	return nil
}
