package project

import (
	"fmt"
	"maps"
	"regexp"
)

// credentialsPrefix begins the variable in which a job gets an entry of the credentials (templates/boot, credentials.py).
const credentialsPrefix = "KEDROCTL_CREDENTIALS_"

var (
	variableByte = regexp.MustCompile(`[^A-Za-z0-9_]`)
	escapedByte  = regexp.MustCompile(`_x[0-9A-F]{2}_`) // what CredentialVariable makes of a byte
)

// CredentialVariable is the variable in which jobs get an entry of the credentials. Shells pass on no other bytes than letters, digits and _.
func CredentialVariable(entry string) string {
	return credentialsPrefix + string(variableByte.ReplaceAllFunc([]byte(entry), func(b []byte) []byte {
		var escaped []byte
		for _, c := range b {
			escaped = fmt.Appendf(escaped, "_x%02X_", c)
		}
		return escaped
	}))
}

// withCredentials adds to the secrets of jobs those that are entries of the credentials.
func (s Settings) withCredentials(secrets map[string]string) map[string]string {
	if len(s.Credentials) == 0 {
		return secrets
	}
	all := map[string]string{}
	maps.Copy(all, secrets)
	for entry, arn := range s.Credentials {
		all[CredentialVariable(entry)] = arn
	}
	return all
}
