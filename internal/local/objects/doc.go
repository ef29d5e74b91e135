// Package objects takes requests of S3 (path style) and answers them from buckets whose objects are plain files.
//
// It is strict where S3 is: bucket names, conditional writes (checked in one step with the write), checksums and Content-MD5, sizes of
// parts, documents of a bucket's configuration, the actions that a policy must allow. Nothing is versioned. What S3 has and this has not is
// refused with NotImplemented.
//
// The state is a directory:
//
//	<dir>/records/<hash>.json  what is known of a bucket, an object or an upload. Renaming it into place is the write
//	<dir>/blobs/<random>       contents of objects and parts, each written once; a record names it
//
// Files are named by a hash, so that any key is safe on any file system. Contents that nothing names, left by a killed process, are
// removed at the next start.
//
// It is our own because what could be embedded is not strict enough: gofakes3 knows neither checksums nor a bucket's configuration, and
// versitygw has one instance a process, on whose disk the keys a and a/b cannot both be.
//
// Behaviour follows the S3 API reference (https://docs.aws.amazon.com/AmazonS3/latest/API/) and its error codes
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
package objects
