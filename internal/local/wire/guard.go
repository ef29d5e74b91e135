package wire

import (
	"context"
	"net/http"
	"strconv"
	"strings"
)

// Denied reports whether the caller of ctx may not do action (such as iam:CreateRole) on resource (an ARN or "*"). conditions are the
// values of the request for condition keys (such as s3:prefix), nil where a call has none. A nil Denied denies nothing.
type Denied func(ctx context.Context, action, resource string, conditions map[string]string) bool

// Check is the fault with which AWS refuses an action that no policy of the caller allows, nil where it is allowed. code is the service's
// own: AccessDenied, or UnauthorizedOperation of EC2.
// The text is AWS's: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func (d Denied) Check(ctx context.Context, code, action, resource string, conditions map[string]string) error {
	if d == nil || !d(ctx, action, resource, conditions) {
		return nil
	}
	if strings.HasPrefix(action, "s3:") { // S3 alone quotes
		resource = strconv.Quote(resource)
	}
	return NewFault(http.StatusForbidden, code,
		"User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		CallerOf(ctx).ARN, action, resource, action)
}

// Permission is what a call needs: an action on a resource (an ARN or "*"), with the values that the request has for condition keys in lower case.
type Permission struct {
	Action     string            `json:"action"`
	Resource   string            `json:"resource"`
	Conditions map[string]string `json:"conditions,omitempty"`
}

// CheckAll is Check for all that a call needs: the fault is about the first that is missing.
func (d Denied) CheckAll(ctx context.Context, code string, needs []Permission) error {
	for _, n := range needs {
		if err := d.Check(ctx, code, n.Action, n.Resource, n.Conditions); err != nil {
			return err
		}
	}
	return nil
}

// Caller is who signed a request.
type Caller struct {
	ARN    string // of the user, or of the role's session
	Role   string // ARN of the role; "" for a user
	UserID string
}

type callerKey struct{}

// WithCaller is ctx with the caller of the request that it belongs to.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is who signed the request that ctx belongs to; zero for a request that came by no server.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}
