package provision

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// expression is one of Terraform's language, written as it stands.
type expression string

// argument is one of a block. Its value is a string, a bool, an int, an expression, a jsonDocument, a []string, or a []any or map[string]any of these.
type argument struct {
	name  string
	value any
}

// jsonDocument is JSON that Terraform writes itself.
type jsonDocument string

// put writes arguments into a block; those without a value are left out.
func put(body *hclwrite.Body, arguments ...argument) {
	for _, a := range arguments {
		if list, ok := a.value.([]string); a.value == nil || a.value == "" || a.value == expression("") || ok && len(list) == 0 {
			continue
		}
		body.SetAttributeRaw(a.name, tokens(a.value))
	}
}

func tokens(value any) hclwrite.Tokens {
	switch v := value.(type) {
	case expression:
		return hclwrite.Tokens{{Type: hclsyntax.TokenIdent, Bytes: []byte(v)}}
	case string:
		return text(v)
	case bool:
		return hclwrite.TokensForValue(cty.BoolVal(v))
	case jsonDocument:
		return hclwrite.TokensForFunctionCall("jsonencode", tokens(parsedJSON(string(v))))
	case []string:
		return tuple(v)
	case []any:
		return tuple(v)
	case map[string]any:
		var object []hclwrite.ObjectAttrTokens
		for _, key := range slices.Sorted(maps.Keys(v)) {
			object = append(object, hclwrite.ObjectAttrTokens{Name: name(key), Value: tokens(v[key])})
		}
		return hclwrite.TokensForObject(object)
	}
	return tokens(expression(fmt.Sprint(value))) // a number
}

func tuple[T any](list []T) hclwrite.Tokens {
	var all []hclwrite.Tokens
	for _, v := range list {
		all = append(all, tokens(v))
	}
	return hclwrite.TokensForTuple(all)
}

// name is a key of an object, in quotes where it must be.
func name(key string) hclwrite.Tokens {
	if hclsyntax.ValidIdentifier(key) {
		return tokens(expression(key))
	}
	return text(key)
}

// text is a string in quotes. Of what looks like an expression in it, only the account's number is one.
func text(s string) hclwrite.Tokens {
	quoted := hclwrite.TokensForValue(cty.StringVal(s))
	escaped := strings.Replace(accountNumber, "${", "$${", 1)
	for _, token := range quoted {
		token.Bytes = []byte(strings.ReplaceAll(string(token.Bytes), escaped, accountNumber))
	}
	return quoted
}

// parsedJSON keeps the order of lists, and numbers as they are written.
func parsedJSON(text string) any {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return text
	}
	return v
}
