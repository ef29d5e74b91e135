package cmd

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDoctorPageExplainsEveryCode compares the codes and causes in the sources with the first column of the page's tables.
func TestDoctorPageExplainsEveryCode(t *testing.T) {
	var real, documented []string
	for _, file := range []string{"../provision/examine.go", "../provision/quota.go", "../run/examine.go", "doctor.go", "../run/causes.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\b(?:[cC]ode[A-Z]\w* += |code: )"([a-z-]+)"`).FindAllStringSubmatch(string(text), -1) {
			real = append(real, m[1])
		}
	}
	for _, header := range []string{"| code |", "| cause |"} {
		for _, row := range tableUnder(t, "../docs/doctor.md", header) {
			for _, m := range quoted.FindAllStringSubmatch(row[0], -1) {
				documented = append(documented, strings.TrimSuffix(m[1], "…"))
			}
		}
	}
	for _, list := range []*[]string{&real, &documented} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if diff := cmp.Diff(real, documented); diff != "" {
		t.Errorf("codes (-sources +docs/doctor.md):\n%s", diff)
	}
}
