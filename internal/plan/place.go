package plan

import (
	"fmt"
	"path"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// place is where the catalog of the environment stores a dataset.
type place int

const (
	memory  place = iota
	nowhere       // no path: a database, an API, a tracking server, or a class of which kedroctl knows nothing
	bucket        // s3://, s3a://, s3n://
	remote        // another protocol
	inside        // a local path in the project
	outside       // a local path elsewhere: not in the image
)

func placeOf(d project.Dataset) place {
	protocol, _, found := strings.Cut(d.Path, "://")
	switch {
	case inMemory(d):
		return memory
	case d.Path == "":
		return nowhere
	case found && (protocol == "s3" || protocol == "s3a" || protocol == "s3n"):
		return bucket
	case found && protocol != "file":
		return remote
	case project.S3Key(localPath(d.Path)) == "":
		return outside
	}
	return inside
}

// localPath is a path of a catalog on this machine, cleaned.
func localPath(p string) string {
	return path.Clean(strings.ReplaceAll(strings.TrimPrefix(p, "file://"), `\`, "/"))
}

// quote writes a name so that it can be one part of a key in S3, as Python's urllib.parse.quote(name, safe="") does.
func quote(name string) string {
	var out strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.-~", c) >= 0 {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// kept is the S3 path of a dataset in memory.
func kept(bucketName, role, name string) string {
	dir := "outputs"
	if role == Crossing {
		dir = "runs"
	}
	return "s3://" + path.Join(bucketName, dir, RunID, quote(name)+".pkl")
}

// moved is the S3 path of a local one inside the project.
func moved(bucketName, local string) string {
	return "s3://" + bucketName + "/" + project.S3Key(local)
}
