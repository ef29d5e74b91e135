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
	if e.Key != "" {
		parts = append(parts, e.Key)
	}
	return strings.Join(append(parts, e.Reason), ": ")
}

// Hint is the next step.
func (e *SettingsError) Hint() string { return e.Next }
