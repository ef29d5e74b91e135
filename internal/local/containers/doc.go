// Package containers takes attempts of jobs and runs each as a container of a Docker Engine on this host: the job runner of the embedded AWS.
//
// A container shares the host's network, so that 127.0.0.1 leads to the embedded AWS from within it too. It has the job's memory as its limit, no swap,
// and at most as many CPUs as the machine. Its labels name the state directory of its server and the attempt: a server that comes after one that was
// killed takes up what still runs and what has ended meanwhile, and removes the rest. It is removed once its end is known.
package containers
