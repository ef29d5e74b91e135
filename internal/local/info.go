package local

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// Info is how to reach a server: what server.json of its state directory holds, readable by its owner alone.
type Info struct {
	PID       int    `json:"pid"`
	Endpoint  string `json:"endpoint"`
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
	Region    string `json:"region"`
	Account   string `json:"account"`
}

// Dir is the state directory of a project's server: KEDROCTL_LOCAL_DIR, else .kedroctl/local in the project.
func Dir(projectDir string, getenv func(string) string) string {
	if dir := getenv("KEDROCTL_LOCAL_DIR"); dir != "" {
		return dir
	}
	return filepath.Join(projectDir, ".kedroctl", "local")
}

// Info is how to reach this server.
func (s *Server) Info() Info {
	return Info{os.Getpid(), s.opt.Endpoint, s.opt.AccessKey, s.opt.SecretKey, s.opt.Region, s.opt.Account}
}

// who tells one server from all others: the access key is random, so it is that of one state directory only.
func (i Info) who() string { return fmt.Sprint(i.AccessKey, " ", i.PID) }

// claim makes a state directory. One that has other things in it is left to whoever they are of: a reset would remove them.
func claim(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the directory of the embedded AWS: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the directory of the embedded AWS: %w", err)
	}
	marks := []string{filepath.Base(infoFile(dir)), filepath.Base(serverLock(dir).Path()), filepath.Base(startLock(dir).Path())}
	if len(entries) > 0 && !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return slices.Contains(marks, e.Name()) }) {
		return ui.WithHint(fmt.Errorf("%s has other things in it than the state of an embedded AWS", dir), "name a directory that is empty or does not exist")
	}
	return nil
}

// Publish writes how to reach the server into a state directory, where Ensure of another process finds it. It is for tests that serve in their own
// process and run the real binary.
func (s *Server) Publish(dir string) error {
	if err := disk.WriteJSON(infoFile(dir), s.Info()); err != nil { // of mode 0600
		return fmt.Errorf("say where the embedded AWS is: %w", err)
	}
	return nil
}

func infoFile(dir string) string { return filepath.Join(dir, "server.json") }

// readInfo gives what server.json says, nothing where there is none.
func readInfo(dir string) (info Info, err error) { return info, disk.ReadJSON(infoFile(dir), &info) }

// newInfo has keys of its own, which nobody can guess.
func newInfo() Info {
	return Info{AccessKey: "AKIA" + rand.Text()[:16], SecretKey: rand.Text() + rand.Text(), Region: "us-east-1", Account: "000000000000"}
}
