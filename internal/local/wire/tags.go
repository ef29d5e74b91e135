package wire

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// maxTags is how many tags a resource of any service has at most.
const maxTags = 50

// Tags are those of one resource, by key.
type Tags map[string]string

// Check takes the rules of all services: keys of 1 to 128 characters that AWS has not reserved, values of at most 256. A tag that breaks one is a
// fault with the code invalid; tooMany is what a service says of more than 50.
// https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
func (t Tags) Check(invalid string, tooMany error) error {
	if len(t) > maxTags {
		return tooMany
	}
	for _, key := range slices.Sorted(maps.Keys(t)) {
		why := ""
		switch {
		case key == "":
			why = "a tag's key is empty"
		case utf8.RuneCountInString(key) > 128:
			why = fmt.Sprintf("the tag's key %q has more than 128 characters", key)
		case utf8.RuneCountInString(t[key]) > 256:
			why = fmt.Sprintf("the value of the tag %q has more than 256 characters", key)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			why = fmt.Sprintf("the tag's key %q is reserved: it begins with aws:", key)
		}
		if why != "" {
			return NewFault(http.StatusBadRequest, invalid, "%s", why)
		}
	}
	return nil
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
