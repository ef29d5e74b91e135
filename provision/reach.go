package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// reach is what a role that the settings name has to let its jobs do: all that the stack's own role in its place could.
type reach struct {
	Clients
	spec  Spec
	needs policy
}

// lack is one action that a role does not allow.
type lack struct{ action, resource, why, cure string }

// check asks IAM's simulator, statement by statement; who is the role as errors call it. A *lackError says what is missing. What cannot be decided is a
// warning at the resource: where the caller may not ask, where the simulator fails, and where the role's policies have conditions on what only a
// request has.
//
// The simulator knows the policies of the role, its permissions boundary and the organization's, and not those of buckets and keys: for roles it takes
// none. So it may allow what a bucket's policy denies. What such a policy alone allows counts as missing; kedroctl's own roles need none of these.
func (r reach) check(ctx context.Context, is *Resource, role iamtypes.Role, who string) error {
	e := &lackError{who: who, role: aws.ToString(role.RoleName), policyName: r.spec.Name, needs: r.needs}
	open := map[string]bool{}
	for _, s := range r.needs.Statement {
		if s.Effect != "Allow" {
			continue
		}
		for _, given := range s.contexts(r.spec.Region) {
			lacks, undecided, err := r.simulate(ctx, aws.ToString(role.Arn), s, given)
			switch {
			case hasCode(err, deniedCodes...):
				is.Warning = "what " + who + " may do could not be checked: iam:SimulatePrincipalPolicy on " + aws.ToString(role.Arn) + " is not allowed"
				return nil
			case hasStatus(err, http.StatusInternalServerError): // PolicyEvaluation, and what plays AWS without a simulator
				is.Warning = "what " + who + " may do could not be checked: IAM's simulator failed: " + message(err)
				return nil
			case err != nil:
				return err
			}
			e.add(lacks)
			for _, what := range undecided {
				open[what] = true
			}
		}
	}
	if len(e.lacks) > 0 {
		return e
	}
	if len(open) > 0 {
		is.Warning = "whether " + who + " may do all that jobs need could not be decided: " + strings.Join(slices.Sorted(maps.Keys(open)), "; ")
	}
	return nil
}

// simulate asks for what one statement allows, as a request with the given values of condition keys.
func (r reach) simulate(ctx context.Context, role string, s statement, given []iamtypes.ContextEntry) (lacks []lack, undecided []string, err error) {
	patterns, examples := map[string]string{}, []string(nil)
	for _, pattern := range s.Resource {
		e := example(pattern, r.spec.Region, strings.Split(role, ":")[4])
		patterns[e], examples = pattern, append(examples, e)
	}
	pages := iam.NewSimulatePrincipalPolicyPaginator(r.IAM, &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &role, ActionNames: s.Action, ResourceArns: examples,
		ContextEntries: given})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, err
		}
		for _, result := range page.EvaluationResults {
			for _, one := range specific(result) {
				if one.EvalResourceDecision == iamtypes.PolicyEvaluationDecisionTypeAllowed {
					continue
				}
				l := because(result, one)
				l.resource = cmp.Or(patterns[l.resource], l.resource)
				switch unknown := unknown(one.MissingContextValues); {
				case byAlias(l.resource):
					undecided = append(undecided, l.action+" on the key of an alias")
				case len(unknown) > 0:
					undecided = append(undecided, fmt.Sprintf("%s on %s, by conditions on %s", l.action, l.resource, strings.Join(unknown, ", ")))
				default:
					lacks = append(lacks, l)
				}
			}
		}
	}
	return lacks, undecided, nil
}

// specific are the results of an action by resource: for a list of resources AWS tells them apart, for "*" it tells one.
func specific(result iamtypes.EvaluationResult) []iamtypes.ResourceSpecificResult {
	if len(result.ResourceSpecificResults) > 0 {
		return result.ResourceSpecificResults
	}
	return []iamtypes.ResourceSpecificResult{{EvalResourceName: result.EvalResourceName, EvalResourceDecision: result.EvalDecision, MatchedStatements: result.MatchedStatements,
		MissingContextValues: result.MissingContextValues, PermissionsBoundaryDecisionDetail: result.PermissionsBoundaryDecisionDetail}}
}

// example is one of the resources that a pattern in a policy stands for. Requests are about one, and what denies a part of them does not deny them all.
func example(pattern, region, accountID string) string {
	if pattern == "*" {
		return pattern
	}
	if group, ok := strings.CutSuffix(pattern, ":*"); ok { // https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
		return group + ":log-stream:any"
	}
	return strings.ReplaceAll(strings.Replace(pattern, ":*:*:", ":"+region+":"+accountID+":", 1), "*", "any")
}

// because says why an action is denied, and what helps.
func because(result iamtypes.EvaluationResult, one iamtypes.ResourceSpecificResult) lack {
	l := lack{action: aws.ToString(result.EvalActionName), resource: aws.ToString(one.EvalResourceName)}
	bounds := one.PermissionsBoundaryDecisionDetail
	if bounds == nil {
		bounds = result.PermissionsBoundaryDecisionDetail
	}
	switch o := result.OrganizationsDecisionDetail; {
	case o != nil && !o.AllowedByOrganizations:
		l.why, l.cure = "a policy of the organization", "have the organization's service control policies allow it"
	case bounds != nil && !bounds.AllowedByPermissionsBoundary:
		l.why, l.cure = "its permissions boundary", "have the permissions boundary allow it, or put another on the role"
	case one.EvalResourceDecision == iamtypes.PolicyEvaluationDecisionTypeExplicitDeny:
		var by []string
		for _, s := range one.MatchedStatements {
			by = append(by, aws.ToString(s.SourcePolicyId))
		}
		l.why, l.cure = strings.TrimSpace("a Deny of its policy "+strings.Join(by, ", ")), "have the statement that denies it taken out"
	default:
		l.why = "none of its policies allows it"
	}
	return l
}

// unknown are the condition keys among missing ones that decide. AWS names all keys in the policies of the role, also those of statements about other
// actions: keys of the conditions that kedroctl's own policies have are known to be absent where a request has none.
func unknown(missing []string) []string {
	return slices.DeleteFunc(slices.Clone(missing), func(key string) bool {
		return slices.ContainsFunc(ownKeys, func(own string) bool { return strings.EqualFold(own, key) })
	})
}

// ownKeys are the condition keys of the policies of the stack's roles.
var ownKeys = []string{"s3:prefix", "kms:ViaService", "kms:ResourceAliases", "ecs:CreateAction"}

// byAlias says whether an ARN stands for any key that has an alias: a role may as well name the key itself, which is not known here.
func byAlias(arn string) bool { return strings.Contains(arn, ":kms:*:*:") }

// contexts are the requests that a statement allows: a value for each of its condition keys, and what every request has.
func (s statement) contexts(region string) [][]iamtypes.ContextEntry {
	entry := func(key, value string, kind iamtypes.ContextKeyTypeEnum) iamtypes.ContextEntry {
		return iamtypes.ContextEntry{ContextKeyName: &key, ContextKeyType: kind, ContextKeyValues: []string{value}}
	}
	all := [][]iamtypes.ContextEntry{{entry("aws:SecureTransport", "true", iamtypes.ContextKeyTypeEnumBoolean), entry("aws:RequestedRegion", region, iamtypes.ContextKeyTypeEnumString)}}
	for operator, keys := range s.Condition {
		kind := iamtypes.ContextKeyTypeEnumString
		if strings.HasPrefix(operator, "ForAnyValue:") {
			kind = iamtypes.ContextKeyTypeEnumStringList
		}
		for key, values := range keys {
			var more [][]iamtypes.ContextEntry
			for _, given := range all {
				for _, value := range values {
					more = append(more, append(slices.Clone(given), entry(key, strings.ReplaceAll(value, ".*.", "."+region+"."), kind)))
				}
			}
			all = more
		}
	}
	return all
}

// lackError is a named role with which jobs would fail, or not start.
type lackError struct {
	who, role, policyName string
	needs                 policy
	lacks                 []lack
}

// add keeps what is not told yet: one action may be asked for by two statements.
func (e *lackError) add(lacks []lack) {
	for _, l := range lacks {
		if !slices.Contains(e.lacks, l) {
			e.lacks = append(e.lacks, l)
		}
	}
}

func (e *lackError) Error() string {
	var parts []string
	for rest := e.lacks; len(rest) > 0; { // actions on one resource together
		first := rest[0]
		same := func(l lack) bool { return l.resource == first.resource && l.why == first.why }
		var actions []string
		for _, l := range rest {
			if same(l) {
				actions = append(actions, l.action)
			}
		}
		parts = append(parts, fmt.Sprintf("%s on %s (%s)", strings.Join(actions, ", "), first.resource, first.why))
		rest = slices.DeleteFunc(slices.Clone(rest), same)
	}
	return fmt.Sprintf("%s may not do what jobs need: %s", e.who, strings.Join(parts, "; "))
}

// Hint is the next step: what helps against denials, and the policy that allows the rest. It is whole, as another one of its name is replaced.
func (e *lackError) Hint() string {
	var lines []string
	allow := false
	for _, l := range e.lacks {
		allow = allow || l.cure == ""
		if l.cure != "" && !slices.Contains(lines, l.cure) {
			lines = append(lines, l.cure)
		}
	}
	if allow {
		lines = append(lines, "have its owner run: aws iam put-role-policy --role-name "+e.role+" --policy-name "+e.policyName+
			" --policy-document "+ui.Quote(e.needs.String()))
	}
	return strings.Join(lines, "\n")
}

func isLack(err error) bool {
	_, ok := errors.AsType[*lackError](err)
	return ok
}
