// Package objects takes requests of S3 (path style) and answers them from buckets whose objects are plain files.
//
// It is strict where S3 is: bucket names, conditional writes (checked in one step with the write), checksums and Content-MD5, sizes of
// parts, documents of a bucket's configuration, the actions that a policy must allow. Nothing is versioned. What S3 has and this has not is
// refused with NotImplemented.
//
// The state is a directory:
//
//	<dir>/records.jsonl   what is known of buckets, objects, uploads and their parts, a line for each change: appending it is the write
//	<dir>/blobs/<random>  contents of objects and parts, each written once; a record names it
//
// So any key is safe on any file system, and what belongs together is kept together or not at all. Lines that later ones replace go when there are
// many of them, and contents that nothing names because a process was killed at the next start.
//
// It is our own because what could be embedded is not strict enough: gofakes3 knows neither checksums nor a bucket's configuration, and
// versitygw has one instance a process, on whose disk the keys a and a/b cannot both be.
//
// Behaviour follows the S3 API reference (https://docs.aws.amazon.com/AmazonS3/latest/API/) and its error codes
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
package objects
