// Package process takes attempts of jobs and runs those whose image is none as processes of this machine; all others it hands to another runner.
//
// Such an image is a directory with what a container would see, and the project's own interpreter. A job gets a working directory with a copy of the
// configuration, an empty home, and the variables of the image and of Batch: no data of other jobs, no credentials of whoever serves. All else it
// shares with the machine: neither its memory nor its CPUs are limited, and it runs as the user who serves.
package process
