package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// wholeNumbers lets answers of Batch and CloudWatch Logs write their whole numbers with a fraction, as moto does: "vcpus": 2.0. The SDK takes
// integers only. Neither service has a member in these answers that is not whole.
func wholeNumbers(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("WholeNumbers",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, meta, err := next.HandleDeserialize(ctx, in)
			if r, ok := out.RawResponse.(*smithyhttp.Response); ok && err == nil {
				err = makeWhole(r)
			}
			return out, meta, err
		}), middleware.After)
}

func makeWhole(r *smithyhttp.Response) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil // not JSON: the SDK tells
	}
	whole, err := json.Marshal(truncate(v))
	if err != nil {
		return fmt.Errorf("write answer again: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(whole))
	return nil
}

// truncate drops the fraction of each number.
func truncate(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = truncate(x)
		}
	case []any:
		for i, x := range v {
			v[i] = truncate(x)
		}
	case json.Number:
		return wholeNumber(v)
	}
	return v
}

// wholeNumber drops the fraction of a number; one with an exponent, such as 1.7e12, is written out first.
func wholeNumber(n json.Number) json.Number {
	text := n.String()
	if strings.ContainsAny(text, "eE") {
		if f, err := n.Float64(); err == nil {
			text = strconv.FormatFloat(f, 'f', -1, 64)
		}
	}
	whole, _, _ := strings.Cut(text, ".")
	return json.Number(whole)
}
