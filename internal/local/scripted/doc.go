// Package scripted takes attempts of jobs and lets scripts say when and how they end; the work itself another runner does. So the job lines of fault
// scripts are carried out, and tests have jobs without any container.
package scripted
