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

// Tags are those of one resource, by key. With and Without are copies, so that tags that were handed out stay as they were.
type Tags map[string]string

// With is t with more in it. A tag that breaks the rules of all services is a fault with the code invalid; tooMany is what a service says of
// more than 50.
func (t Tags) With(more map[string]string, invalid string, tooMany error) (Tags, error) {
	all := Tags{}
	maps.Copy(all, t)
	maps.Copy(all, more)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if err := CheckTag(key, all[key]); err != nil {
			return nil, NewFault(http.StatusBadRequest, invalid, "%v", err)
		}
	}
	if len(all) > maxTags {
		return nil, tooMany
	}
	return all, nil
}

// Without is t without the tags that have the keys.
func (t Tags) Without(keys []string) Tags {
	all := maps.Clone(t)
	maps.DeleteFunc(all, func(key, _ string) bool { return slices.Contains(keys, key) })
	return all
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
