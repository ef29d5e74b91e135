package wire

import (
	"errors"
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

// Check takes the rules of all services. A tag that breaks one is a fault with the code invalid; tooMany is what a service says of more than 50.
func (t Tags) Check(invalid string, tooMany error) error {
	for _, key := range slices.Sorted(maps.Keys(t)) {
		if err := CheckTag(key, t[key]); err != nil {
			return NewFault(http.StatusBadRequest, invalid, "%v", err)
		}
	}
	if len(t) > maxTags {
		return tooMany
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

// CheckTag takes the rules that all services share: a key of 1 to 128 characters that AWS has not reserved, a value of at most 256.
// https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
func CheckTag(key, value string) error {
	switch {
	case key == "":
		return errors.New("a tag's key is empty")
	case utf8.RuneCountInString(key) > 128:
		return fmt.Errorf("the tag's key %q has more than 128 characters", key)
	case utf8.RuneCountInString(value) > 256:
		return fmt.Errorf("the value of the tag %q has more than 256 characters", key)
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return fmt.Errorf("the tag's key %q is reserved: it begins with aws:", key)
	}
	return nil
}
