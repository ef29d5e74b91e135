package wire

import (
	"net/http"
	"strconv"
)

// Page cuts one page out of a list: size elements, or most where size is nil, from where the token of the page before says. next is nil with the
// last page. What is wrong with token or size is a fault with the service's own code.
func Page[T any](list []T, token *string, size *int32, most int, code string) (page []T, next *string, err error) {
	from, length := 0, most
	if token != nil {
		if from, err = strconv.Atoi(*token); err != nil || from < 0 || from > len(list) {
			return nil, nil, NewFault(http.StatusBadRequest, code, "The token %q is not one of a page before", *token)
		}
	}
	if size != nil {
		if length = int(*size); length < 1 || length > most {
			return nil, nil, NewFault(http.StatusBadRequest, code, "The number of results must be from 1 to %d, not %d", most, length)
		}
	}
	to := min(len(list), from+length)
	if to < len(list) {
		after := strconv.Itoa(to)
		next = &after
	}
	return list[from:to], next, nil
}
