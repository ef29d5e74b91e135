// Package policy takes the JSON document of an IAM or bucket policy and gives its statements, or says what is wrong with it; and it tells
// whether statements allow an action.
//
// The grammar is https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html; unknown members are wrong, as AWS says too.
package policy
