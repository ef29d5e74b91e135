package project

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
)

// maxSlug is the length of a slug, in bytes: the longest name made from one (an IAM role, 64 characters) has room for environment, region and hash.
const maxSlug = 30

// S3Key is the key in the bucket of a path relative to the project: the path itself, cleaned, a leading data/ removed. It is "" for data itself and
// for a path that is absolute or leads out of the project. Every part of kedroctl that maps local data to S3 uses this function.
func S3Key(local string) string {
	key := path.Clean(strings.ReplaceAll(local, `\`, "/"))
	if key == "." || key == "data" || key == ".." || strings.HasPrefix(key, "../") || path.IsAbs(key) {
		return ""
	}
	return strings.TrimPrefix(key, "data/")
}

// Slug makes a name fit for names in AWS: at most 30 characters out of a-z, 0-9 and single hyphens inside. A longer name is cut and keeps
// apart from others with the same beginning by four hex digits of its hash.
func Slug(name string) string {
	slug := hyphenate(name)
	if slug == "" {
		slug = "project"
	}
	if len(slug) <= maxSlug {
		return slug
	}
	sum := sha256.Sum256([]byte(name))
	return strings.TrimRight(slug[:maxSlug-5], "-") + "-" + hex.EncodeToString(sum[:2])
}

func hyphenate(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "-")
}
