// Package ui takes what commands have to say and writes it for people or for programs: the answer to stdout, as text or JSON; the story to stderr.
//
// Where stderr is a terminal, the end of the story may be a status area that is redrawn in place; elsewhere only whole lines are written, so that
// logs stay readable. Colour appears on terminals only, and never with NO_COLOR.
package ui
