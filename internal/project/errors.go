package project

import "strings"

// SettingsError is about what the user wrote: pyproject.toml, a KEDROCTL_* variable or a flag. Nothing has been done when it is returned.
type SettingsError struct {
	Source string // where it stands: a file, a variable, a flag
	Key    string // the key, with dots; "" where the whole source is meant
	Reason string
	Next   string // what to do, "" where the reason says it
}

func (e *SettingsError) Error() string {
	parts := []string{e.Source}
	if e.Key != "" && e.Source != flagSource+e.Key {
		parts = append(parts, e.Key)
	}
	return strings.Join(append(parts, e.Reason), ": ")
}

// settingError is about one key of [tool.kedroctl], wherever its value stands.
func settingError(source, key, reason, next string) *SettingsError {
	if source == Pyproject {
		key = strings.TrimSuffix("tool.kedroctl."+key, ".")
	}
	return &SettingsError{Source: source, Key: key, Reason: reason, Next: next}
}

// Hint is the next step.
func (e *SettingsError) Hint() string { return e.Next }
