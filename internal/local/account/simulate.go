package account

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kedroctl/kedroctl/internal/local/policy"
)

// simulate says what a role may do by its policies and its boundary: a result for each action and, in it, one for each resource that is named.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func (s *Service) simulate(in *iam.SimulatePrincipalPolicyInput) ([]types.EvaluationResult, error) {
	arn := aws.ToString(in.PolicySourceArn)
	r, ok := s.state.Roles[lastStep(arn)]
	switch {
	case !strings.HasPrefix(arn, "arn:aws:iam::") || !strings.Contains(arn, "/"):
		return nil, invalidInput("Invalid Entity Arn: %s does not clearly define entity type and name.", arn)
	case !ok || *r.Arn != arn:
		return nil, noSuch("The role with name %s cannot be found.", lastStep(arn))
	case len(in.ActionNames) == 0:
		return nil, unfit("actionNames", "", "not be null")
	case len(in.PolicyInputList)+len(in.PermissionsBoundaryPolicyInputList) > 0 || in.ResourcePolicy != nil || in.CallerArn != nil:
		return nil, invalidInput("The embedded IAM simulates the policies that a role has, and no others")
	}
	given := map[string]string{}
	for _, e := range in.ContextEntries {
		if len(e.ContextKeyValues) > 0 {
			given[strings.ToLower(aws.ToString(e.ContextKeyName))] = e.ContextKeyValues[0]
		}
	}
	var results []types.EvaluationResult
	for _, action := range in.ActionNames {
		if !actionPattern.MatchString(action) || strings.Contains(action, "*") {
			return nil, invalidInput("Invalid Action: %s", action)
		}
		results = append(results, s.simulated(r, action, in.ResourceArns, given))
	}
	return results, nil
}

// simulated is the result of one action. As AWS's, what it says of a list of resources stands with each of them.
func (s *Service) simulated(r role, action string, resources []string, given map[string]string) types.EvaluationResult {
	on := func(resource string) (types.ResourceSpecificResult, types.PolicyEvaluationDecisionType) {
		decision, by, bounded := s.decide(r, action, resource, given)
		return types.ResourceSpecificResult{EvalResourceName: &resource, EvalResourceDecision: decision, MatchedStatements: by, MissingContextValues: s.missing(r, given),
			PermissionsBoundaryDecisionDetail: bounded}, decision
	}
	if len(resources) == 0 || slices.Equal(resources, []string{"*"}) {
		one, decision := on("*")
		return types.EvaluationResult{EvalActionName: &action, EvalResourceName: aws.String("*"), EvalDecision: decision, MatchedStatements: one.MatchedStatements,
			MissingContextValues: one.MissingContextValues, PermissionsBoundaryDecisionDetail: one.PermissionsBoundaryDecisionDetail}
	}
	result := types.EvaluationResult{EvalActionName: &action, EvalResourceName: &resources[0], EvalDecision: types.PolicyEvaluationDecisionTypeAllowed}
	for _, resource := range resources {
		one, decision := on(resource)
		result.ResourceSpecificResults = append(result.ResourceSpecificResults, one)
		if result.EvalDecision != types.PolicyEvaluationDecisionTypeExplicitDeny && decision != types.PolicyEvaluationDecisionTypeAllowed {
			result.EvalDecision = decision
		}
	}
	return result
}

// decide gives the decision, the policies that made it, and what the boundary says where there is one.
func (s *Service) decide(r role, action, resource string, given map[string]string) (types.PolicyEvaluationDecisionType, []types.Statement,
	*types.PermissionsBoundaryDecisionDetail) {
	policies, by := s.policiesOf(r), map[policy.Decision][]types.Statement{}
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		d := policy.Decide(policies[name], action, resource, given)
		by[d] = append(by[d], types.Statement{SourcePolicyId: &name, SourcePolicyType: "IAM Policy"})
	}
	by[policy.ImplicitDeny] = []types.Statement{} // none matched
	decision := policy.ImplicitDeny
	for _, d := range []policy.Decision{policy.Allowed, policy.ExplicitDeny} {
		if by[d] != nil {
			decision = d
		}
	}
	bounds := s.bounds(r)
	if bounds == nil {
		return types.PolicyEvaluationDecisionType(decision), by[decision], nil
	}
	bound := policy.Decide(bounds, action, resource, given)
	if bound != policy.Allowed && decision != policy.ExplicitDeny {
		decision, by[bound] = bound, []types.Statement{}
	}
	return types.PolicyEvaluationDecisionType(decision), by[decision], &types.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: bound == policy.Allowed}
}

// missing are the condition keys that the policies of a role have and a request does not: all of them, also those of statements about something else,
// as AWS tells them.
func (s *Service) missing(r role, given map[string]string) []string {
	keys := []string{}
	for _, statements := range s.policiesOf(r) {
		for _, st := range statements {
			for _, values := range st.Condition {
				for key := range values {
					if _, ok := given[strings.ToLower(key)]; !ok {
						keys = append(keys, key)
					}
				}
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
