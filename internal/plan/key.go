package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// maxKeyName is the longest name in a key. Batch allows 128 characters in the name of a job, which holds the key and the ids of project, run and try.
const maxKeyName = 60

// keys makes one key per group name: what S3 and Batch allow of it, and six hex digits of its hash. They differ even where case does not count.
func keys(names []string) []string {
	taken := map[string]bool{}
	out := make([]string, len(names))
	for i, name := range names {
		key := groupKey(name, 0)
		for salt := 1; taken[strings.ToLower(key)]; salt++ {
			key = groupKey(name, salt)
		}
		taken[strings.ToLower(key)] = true
		out[i] = key
	}
	return out
}

// groupKey is the key of one name; a salt above 0 gives another hash, for names whose keys would be the same.
func groupKey(name string, salt int) string {
	hashed := name
	if salt > 0 {
		hashed += "\x00" + strconv.Itoa(salt)
	}
	sum := sha256.Sum256([]byte(hashed))
	return sanitize(name) + "-" + hex.EncodeToString(sum[:3])
}

// sanitize keeps letters, digits, hyphens and underscores of a name, at most maxKeyName of them, the first a letter or digit; all else between
// them becomes a single hyphen.
func sanitize(name string) string {
	var words strings.Builder
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			words.WriteRune(r)
		case !strings.HasSuffix(words.String(), "-"):
			words.WriteByte('-')
		}
	}
	clean := strings.TrimLeft(words.String(), "-_")
	clean = strings.TrimRight(clean[:min(len(clean), maxKeyName)], "-")
	if clean == "" {
		return "group"
	}
	return clean
}
