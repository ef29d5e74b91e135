package account

import (
	"fmt"
	"net/http"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// What IAM says no with.
var (
	noSuch          = wire.Refusal(http.StatusNotFound, "NoSuchEntity")
	alreadyExists   = wire.Refusal(http.StatusConflict, "EntityAlreadyExists")
	deleteConflict  = wire.Refusal(http.StatusConflict, "DeleteConflict")
	limitExceeded   = wire.Refusal(http.StatusConflict, "LimitExceeded")
	invalid         = wire.Refusal(http.StatusBadRequest, "ValidationError")
	invalidInput    = wire.Refusal(http.StatusBadRequest, "InvalidInput")
	unmodifiable    = wire.Refusal(http.StatusBadRequest, "UnmodifiableEntity")
	malformedPolicy = wire.Refusal(http.StatusBadRequest, "MalformedPolicyDocument")
)

// overQuota and unfit are what IAM says of too many entities, and of a value that breaks a rule of its model.
func overQuota(quota string, most int) error {
	return limitExceeded("Cannot exceed quota for %s: %d", quota, most)
}

func unfit(member string, value any, rule string, args ...any) error {
	return invalid("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: Member must %s", value, member, fmt.Sprintf(rule, args...))
}
