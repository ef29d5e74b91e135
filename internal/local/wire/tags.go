package wire

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// MaxTags is how many tags a resource of any service has at most.
const MaxTags = 50

// Tags are those of one resource, by key.
type Tags map[string]string

// Check is a fault with the code invalid for tags that have a flaw; tooMany is what a service says of more than MaxTags.
func (t Tags) Check(invalid string, tooMany error) error {
	if len(t) > MaxTags {
		return tooMany
	}
	if flaw := t.Flaw(); flaw != "" {
		return NewFault(http.StatusBadRequest, invalid, "%s", flaw)
	}
	return nil
}

// With are t and more tags, without some keys. t stays as it is: whoever was told of it keeps it.
func (t Tags) With(more Tags, without ...string) Tags {
	changed := Tags{}
	maps.Copy(changed, t)
	maps.Copy(changed, more)
	for _, key := range without {
		delete(changed, key)
	}
	return changed
}

// tagText are the characters that all services take.
var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// Flaw is what is wrong with the first tag that breaks a rule of all services: keys have 1 to 128 characters and are not reserved to AWS, values have
// at most 256, and neither has others than letters, digits, spaces and _ . : / = + - @. "" is nothing.
// https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
func (t Tags) Flaw() string {
	for _, key := range slices.Sorted(maps.Keys(t)) {
		switch {
		case key == "":
			return "a tag's key is empty"
		case utf8.RuneCountInString(key) > 128:
			return fmt.Sprintf("the tag's key %q has more than 128 characters", key)
		case utf8.RuneCountInString(t[key]) > 256:
			return fmt.Sprintf("the value of the tag %q has more than 256 characters", key)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return fmt.Sprintf("the tag's key %q is reserved: it begins with aws:", key)
		case !tagText.MatchString(key + t[key]):
			return fmt.Sprintf("the tag %q=%q has characters other than letters, digits, spaces and _ . : / = + - @", key, t[key])
		}
	}
	return ""
}

// TagsOf reads a list of a service's own tags; pair takes one apart.
func TagsOf[T any](list []T, pair func(T) (key, value *string)) Tags {
	t := Tags{}
	for _, tag := range list {
		key, value := pair(tag)
		t[aws.ToString(key)] = aws.ToString(value)
	}
	return t
}

// TagList is t as a list of a service's own tags, in order of their keys.
func TagList[T any](t Tags, tag func(key, value *string) T) []T {
	list := []T{}
	for _, key := range slices.Sorted(maps.Keys(t)) {
		value := t[key]
		list = append(list, tag(&key, &value))
	}
	return list
}
