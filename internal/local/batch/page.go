package batch

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// page cuts one page out of a list; the token is the index of the next page's first element.
func page[T any](list []T, token *string, size *int32, most int) ([]T, *string, error) {
	from := 0
	if token != nil {
		n, err := strconv.Atoi(*token)
		if err != nil || n < 0 || n > len(list) {
			return nil, nil, refuse("nextToken %q is not one of a page before", *token)
		}
		from = n
	}
	to := min(len(list), from+pageLength(size, most))
	if to == len(list) {
		return list[from:], nil, nil
	}
	return list[from:to], aws.String(strconv.Itoa(to)), nil
}

func pageLength(size *int32, most int) int {
	if n := int(aws.ToInt32(size)); n > 0 && n < most {
		return n
	}
	return most
}
