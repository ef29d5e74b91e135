package build

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// ownLock is what a [project.OwnLock] says.
type ownLock struct {
	Declared string // hash of what has been resolved
	Base     string // base image as the settings name it
	Digest   string // of the base image, sha256:…; "" where it was not known
	Python   string // of the base image, such as 3.12
	Platform string
	Pins     string // a requirements file
	edited   bool   // by somebody else, after it was written
}

const ownLockHead = `# What images of this project have installed, one version of each, as kedroctl has resolved it. It may be committed.
# kedroctl resolves anew when what it is made of changes, or by 'kedroctl build --upgrade'. A file that somebody else has edited is not overwritten.
`

// ownLockLine is a line of the head, behind the words for people.
var ownLockLine = regexp.MustCompile(`^# (declared|base|python|platform|content): (.*)$`)

func (l ownLock) text() string {
	base := l.Base
	if l.Digest != "" {
		base += "@" + l.Digest
	}
	return fmt.Sprintf("%s# declared: %s\n# base: %s\n# python: %s\n# platform: %s\n# content: %s\n%s",
		ownLockHead, l.Declared, base, l.Python, l.Platform, shortSum(l.Pins), l.Pins)
}

func shortSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// readOwnLock reads the file of the project in dir; found says whether there is one.
func readOwnLock(dir string) (l ownLock, found bool, err error) {
	content, err := os.ReadFile(filepath.Join(dir, project.OwnLock))
	if errors.Is(err, fs.ErrNotExist) {
		return l, false, nil
	}
	if err != nil {
		return l, false, fmt.Errorf("read dependencies: %w", err)
	}
	text, sum := strings.ReplaceAll(string(content), "\r\n", "\n"), "" // git may have changed the ends of lines
	for text != "" && strings.HasPrefix(text, "#") {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		m := ownLockLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		switch m[1] {
		case "declared":
			l.Declared = m[2]
		case "base":
			l.Base, l.Digest, _ = strings.Cut(m[2], "@")
		case "python":
			l.Python = m[2]
		case "platform":
			l.Platform = m[2]
		case "content":
			sum = m[2]
		}
	}
	l.Pins = text
	l.edited = sum != shortSum(text)
	return l, true, nil
}

// write puts the file in its place as a whole.
func (l ownLock) write(dir string) error {
	return writeWhole(filepath.Join(dir, project.OwnLock), []byte(l.text()))
}
