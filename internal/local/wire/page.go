package wire

import (
	"fmt"
	"strconv"
)

// Page cuts one page out of a list: size elements, or most where size is nil, from where the token of the page before says. next is nil with the
// last page. The error says which parameter is wrong; its code is the service's own.
func Page[T any](list []T, token *string, size *int32, most int) (page []T, next *string, err error) {
	from, length := 0, most
	if token != nil {
		if from, err = strconv.Atoi(*token); err != nil || from < 0 || from > len(list) {
			return nil, nil, fmt.Errorf("the token %q is not one of a page before", *token)
		}
	}
	if size != nil {
		if length = int(*size); length < 1 || length > most {
			return nil, nil, fmt.Errorf("the number of results must be from 1 to %d, not %d", most, length)
		}
	}
	to := min(len(list), from+length)
	if to < len(list) {
		after := strconv.Itoa(to)
		next = &after
	}
	return list[from:to], next, nil
}
