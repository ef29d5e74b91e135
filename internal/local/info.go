package local

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/disk"
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
	return Info{
		PID: os.Getpid(), Endpoint: s.opt.Endpoint, AccessKey: s.opt.AccessKey, SecretKey: s.opt.SecretKey,
		Region: s.opt.Region, Account: s.opt.Account,
	}
}

// Publish writes how to reach the server into a state directory, where Ensure of another process finds it. It is for tests that serve in their own
// process and run the real binary.
func (s *Server) Publish(dir string) error {
	return writeInfo(dir, s.Info())
}

func infoFile(dir string) string { return filepath.Join(dir, "server.json") }

// writeInfo replaces the file in one step; disk.Write makes it with mode 0600.
func writeInfo(dir string, info Info) error {
	if err := disk.WriteJSON(infoFile(dir), info); err != nil {
		return fmt.Errorf("say where the embedded AWS is: %w", err)
	}
	return nil
}

// readInfo gives what server.json says; known is false where there is none.
func readInfo(dir string) (info Info, known bool, err error) {
	if _, err := os.Stat(infoFile(dir)); errors.Is(err, fs.ErrNotExist) {
		return Info{}, false, nil
	}
	err = disk.ReadJSON(infoFile(dir), &info)
	return info, err == nil, err
}

// newInfo has keys of its own, which nobody can guess.
func newInfo() Info {
	return Info{AccessKey: "AKIA" + rand.Text()[:16], SecretKey: rand.Text() + rand.Text(), Region: "us-east-1", Account: "000000000000"}
}

// answers tells whether the server of info runs: a stranger on its port has another key, its successor another process.
func answers(ctx context.Context, info Info) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, info.Endpoint+controlPath+"ping", nil)
	if err != nil {
		return false
	}
	resp, err := direct.Do(r)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	var p pong
	return json.NewDecoder(resp.Body).Decode(&p) == nil && p == pong{info.AccessKey, info.PID}
}

// direct asks the server without a proxy, whatever the environment names.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
