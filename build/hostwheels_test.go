package build

import (
	"runtime"
	"testing"
)

func TestWheelsThatSuit(t *testing.T) {
	here := runtime.GOOS + "/" + runtime.GOARCH
	d := Dependencies{base: Base{Python: "3.12.4"}}
	for _, tt := range []struct {
		wheel, platform string
		want            bool
	}{
		{"a-1.0-py3-none-any.whl", "linux/other", true},
		{"a-1.0-py2.py3-none-any.whl", "linux/other", true},
		{"a-1.0-cp312-cp312-linux_x86_64.whl", here, true},
		{"a-1.0-cp312-cp312-linux_x86_64.whl", "linux/other", false},
		{"a-1.0-cp311-cp311-linux_x86_64.whl", here, false},
		{"a-1.0-cp38-abi3-linux_x86_64.whl", here, true},
		{"a-1.0-py3-none-linux_x86_64.whl", here, true},
		{"a-1.0-py3-none-linux_x86_64.whl", "linux/other", false},
	} {
		if got := d.suits(tt.wheel, tt.platform); got != tt.want {
			t.Errorf("%s for %s: %v", tt.wheel, tt.platform, got)
		}
	}
}
