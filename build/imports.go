package build

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// What of the dependencies the image leaves out by itself, but not where the project's code may use it.
var (
	botoUse      = regexp.MustCompile(`(?m)(?:^[ \t]*(?:from|import)[ \t]+|["'])((?:aio)?boto(?:3|core))\b`)
	testsUse     = regexp.MustCompile(`\b[A-Za-z_]\w*(?:\.\w+)*\.tests\b`)
	testsOfOther = regexp.MustCompile(`(?m)^[ \t]*from[ \t]+([A-Za-z_][\w.]*)[ \t]+import[^\n#]*\btests\b`)
)

// usedModules lists, a line each, the modules of dependencies that the project's sources may use and that the image would have left out: botocore, which
// stands for all services of AWS, and directories of tests.
func usedModules(p project.Project) ([]byte, error) {
	files, err := project.SourceFiles(p)
	if err != nil {
		return nil, fmt.Errorf("read source directory: %w", err)
	}
	used := map[string]bool{}
	for _, name := range files {
		if !strings.HasSuffix(name, ".py") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(p.Dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, fmt.Errorf("read source directory: %w", err)
		}
		for _, found := range botoUse.FindAllSubmatch(text, -1) {
			used[string(found[1])] = true
		}
		if !bytes.Contains(text, []byte("tests")) {
			continue
		}
		for _, found := range testsUse.FindAll(text, -1) {
			used[string(found)] = true
		}
		for _, found := range testsOfOther.FindAllSubmatch(text, -1) {
			used[string(found[1])+".tests"] = true
		}
	}
	return joined(slices.Sorted(maps.Keys(used))), nil
}
