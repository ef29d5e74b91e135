package account

import (
	"net/http"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

func noSuchRole(name string) error {
	return wire.NewFault(http.StatusNotFound, "NoSuchEntity", "The role with name %s cannot be found.", name)
}

func noSuchProfile(name string) error {
	return wire.NewFault(http.StatusNotFound, "NoSuchEntity", "Instance Profile %s cannot be found.", name)
}

func alreadyExists(text string, args ...any) error {
	return wire.NewFault(http.StatusConflict, "EntityAlreadyExists", text, args...)
}

func deleteConflict(what string) error {
	return wire.NewFault(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must %s first.", what)
}

func limitExceeded(quota string, n int) error {
	return wire.NewFault(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for %s: %d", quota, n)
}

func invalid(text string, args ...any) error {
	return wire.NewFault(http.StatusBadRequest, "ValidationError", text, args...)
}

func malformedPolicy(text string, args ...any) error {
	return wire.NewFault(http.StatusBadRequest, "MalformedPolicyDocument", text, args...)
}
