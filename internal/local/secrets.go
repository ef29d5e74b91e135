package local

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kedroctl/kedroctl/internal/local/disk"
)

// There is no Secrets Manager here: the value of each secret is what the user's environment says. The commands that start jobs leave it in the state
// directory, as the server is a process with an environment of its own.
func secretsFile(dir string) string { return filepath.Join(dir, "secrets.json") }

// SecretVariable is the variable of the user's environment that has the value which jobs get in the given one.
func SecretVariable(name string) string {
	if entry, ok := strings.CutPrefix(name, "KEDROCTL_CREDENTIALS_"); ok {
		return "KEDROCTL_LOCAL_CREDENTIALS_" + entry
	}
	return "KEDROCTL_LOCAL_SECRET_" + name
}

// KeepSecrets leaves the values of secrets for the server of a state directory, and gives the names that have none, now or from before.
func KeepSecrets(dir string, names []string, getenv func(string) string) (missing []string, err error) {
	values := map[string]string{}
	if err := disk.ReadJSON(secretsFile(dir), &values); err != nil {
		return nil, fmt.Errorf("read the secrets of the embedded AWS: %w", err)
	}
	for _, name := range names {
		if value := getenv(SecretVariable(name)); value != "" {
			values[name] = value
		}
		if values[name] == "" {
			missing = append(missing, name)
		}
	}
	if len(values) == 0 {
		return missing, nil
	}
	if err := disk.WriteJSON(secretsFile(dir), values); err != nil {
		return nil, fmt.Errorf("keep secrets for the embedded AWS: %w", err)
	}
	return missing, nil
}

// Secrets are the values of secrets that the environment gives, or that the server of a state directory keeps from before; without a directory, the former.
func Secrets(dir string, names []string, getenv func(string) string) (map[string]string, error) {
	kept, values := map[string]string{}, map[string]string{}
	if dir != "" {
		if err := disk.ReadJSON(secretsFile(dir), &kept); err != nil {
			return nil, fmt.Errorf("read the secrets of the embedded AWS: %w", err)
		}
	}
	for _, name := range names {
		if value := cmp.Or(getenv(SecretVariable(name)), kept[name]); value != "" {
			values[name] = value
		}
	}
	return values, nil
}

// secret is what the jobs get in a variable for what an ARN names.
func (s *Server) secret(variable, arn string) (string, error) {
	values := map[string]string{}
	if s.opt.Dir != "" {
		if err := disk.ReadJSON(secretsFile(s.opt.Dir), &values); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	value, ok := values[variable]
	if !ok {
		return "", fmt.Errorf("ResourceNotFoundException: this machine has no value for %s (%s gives it one)", arn, SecretVariable(variable))
	}
	return value, nil
}
