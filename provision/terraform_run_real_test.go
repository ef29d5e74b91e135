//go:build real

package provision

import (
	"slices"
	"testing"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// The real provider takes what is written for it.
func TestRealTerraformValidates(t *testing.T) {
	found := realtest.TerraformProviders(t)
	for name, s := range exported() {
		if slices.Contains(found, s.Provider) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				realtest.StartTerraform(t, "http://127.0.0.1:1", s.config()).Must(t, "validate", "-no-color")
			})
		}
	}
}
