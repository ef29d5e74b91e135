package wire

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

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
