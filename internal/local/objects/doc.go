// Package objects takes requests of S3 (path style) and answers them from buckets whose objects are plain files.
//
// It is strict where S3 is: bucket names, conditional writes (checked in one step with the write), checksums and Content-MD5, sizes of
// parts, documents of a bucket's configuration. Nothing is versioned. What S3 has and this has not is refused with NotImplemented.
//
// A bucket is a directory:
//
//	<dir>/<bucket>/bucket.json        its configuration
//	<dir>/<bucket>/blobs/<random>     contents of objects and parts, each written once
//	<dir>/<bucket>/objects/<hash>     what is known of an object, as JSON; names its blob. Renaming it into place is the write
//	<dir>/<bucket>/uploads/<id>/…     the same for multipart uploads and their parts
//
// Files are named by the SHA-256 of a key, so that any key is safe on any file system. Contents that nothing names, left by a killed
// process, are removed at the next start.
//
// Behaviour follows the S3 API reference (https://docs.aws.amazon.com/AmazonS3/latest/API/) and its error codes
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
package objects
