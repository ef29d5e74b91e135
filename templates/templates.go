package templates

import (
	"embed"
	"io/fs"
)

// BootLogging is the path, within [Boot], of the logging configuration of jobs: one plain line an event.
const BootLogging = "kedroctl_boot/logging.yml"

// The patterns name each kind of file: a bare directory would leave out __init__.py, and with the prefix "all:" it would
// take in the __pycache__ that a test run leaves behind.
//
//go:embed boot/kedroctl_boot/*.py boot/kedroctl_boot/*.yml boot/kedroctl_boot-1.dist-info/*
var boot embed.FS

//go:embed introspect.py
var introspect string

//go:embed introspect_reads.py
var introspectReads string

//go:embed introspect_logging.yml
var introspectLogging string

// Boot returns the container entry as an installed distribution: with a copy of it on PYTHONPATH `python -m kedroctl_boot`
// works and Kedro finds its hooks. Besides Kedro it needs s3fs and cloudpickle.
func Boot() fs.FS {
	return sub(boot, "boot")
}

// Introspect returns the Python script that writes the snapshot of a project as JSON; see internal/project.
func Introspect() []byte {
	return []byte(introspect)
}

// IntrospectReads returns the module introspect_reads.py that the script of [Introspect] wants beside it for --reads.
func IntrospectReads() []byte {
	return []byte(introspectReads)
}

// IntrospectLogging returns the configuration for KEDRO_LOGGING_CONFIG while the script of [Introspect] runs.
func IntrospectLogging() []byte {
	return []byte(introspectLogging)
}

// sub returns the tree below dir, a constant name: the error of fs.Sub is about malformed names only.
func sub(files embed.FS, dir string) fs.FS {
	tree, err := fs.Sub(files, dir)
	if err != nil {
		return files
	}
	return tree
}
