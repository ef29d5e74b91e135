package wire

import "net/http"

// Guard says who calls and what that caller may not do. The zero value lets everyone do everything.
type Guard struct {
	Caller func(*http.Request) string                          // ARN of who signed the request; nil: the account's user "local"
	Denied func(r *http.Request, action, resource string) bool // action such as iam:CreateRole, resource an ARN or "*"; nil: nothing is denied
}

// Principal is the ARN of the caller.
func (g Guard) Principal(r *http.Request, account string) string {
	if g.Caller != nil {
		return g.Caller(r)
	}
	return "arn:aws:iam::" + account + ":user/local"
}

// Allows reports whether the caller may do action on resource.
func (g Guard) Allows(r *http.Request, action, resource string) bool {
	return g.Denied == nil || !g.Denied(r, action, resource)
}

// Check is the fault with which AWS refuses an action that no policy of the caller allows, nil where it is allowed.
// The text is AWS's: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func (g Guard) Check(r *http.Request, account, code, action, resource string) error {
	if g.Allows(r, action, resource) {
		return nil
	}
	return NewFault(http.StatusForbidden, code,
		"User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		g.Principal(r, account), action, resource, action)
}
