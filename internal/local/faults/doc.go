// Package faults takes a fault script, a small text file, and tells call by call and job by job what goes wrong in the embedded AWS.
//
// One fault a line, words quoted as in a shell, # begins a comment. Times are like 500ms or 2m. Names, actions and jobs may be patterns with * and ?.
//
//	deny ACTION…                      the caller may not: deny iam:CreateRole
//	call SERVICE[.OPERATION] [nth=N] [times=N] FAULT
//	                                  the nth call (1) and those after it, times (1) in all: status=429 code=C [message=M], cut=before or cut=after
//	                                  the call took effect, cut=during its body, at a random byte, or hang=TIME: nothing for that long, then cut without effect
//	rate SERVICE[.OPERATION] N        calls a second, in bursts of N; 0: any number. Of several lines for a call the first counts
//	job NAME [attempt=N] [exit=N | end=END] [after=TIME] [sleep=TIME] [line=TEXT]…
//	                                  what becomes of jobs: after sleep and the lines, spread over it, its work is done or, with exit or end, is not, unless after says
//	                                  how long until then. END is spot, fargate, oom, nopull, noimage or nostart. The first line for an attempt counts
//	stuck NAME reason=TEXT            the job stays RUNNABLE
//	lag [roles=TIME] [deleting=TIME] [relation=TIME] [list=TIME] [lines=TIME] [shuffle]
//	                                  how long roles take to be usable, queues to be deleted, their relation to an environment to be forgotten, jobs to be
//	                                  listed as they are, log lines to be seen; shuffle: the lines out of order
//	no-default-vpc                    the account's default VPC was removed
//	foreign BUCKET…                   buckets that other accounts own
package faults
