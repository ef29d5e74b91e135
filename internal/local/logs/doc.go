// Package logs takes requests to CloudWatch Logs and lines that jobs write, and gives the service's answers: groups, streams, events.
package logs
