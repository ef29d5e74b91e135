package wire

import "context"

// Caller is who signed a request.
type Caller struct {
	AccessKey string
	ARN       string // of the user, or of the role's session
	UserID    string
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
