package build

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"syscall"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// troubles are what goes wrong with an engine and its machine whatever is built: by what they are known in the texts of engines, builders, pip, uv and
// apt, what they are, and what to do. The first that matches counts.
var troubles = []struct {
	mark       *regexp.Regexp
	what, hint string
}{
	{regexp.MustCompile(`(?i)no space left on device|disk quota exceeded|not enough free space|You don't have enough free space`), "the engine's disk is full",
		"make room with 'docker system prune' and 'docker builder prune', which remove what no container uses, or give the engine a larger disk"},
	{regexp.MustCompile(`(?i)proxyconnect|407 Proxy Authentication Required|Tunnel connection failed|Cannot connect to proxy|unsuccessful tunnel|ProxyError`),
		"a proxy between the engine and the network refuses, or is not there",
		"correct HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the engine (Docker Desktop: Settings, Resources, Proxies; else its service's environment or daemon.json)"},
	{regexp.MustCompile(`exec format error`), "the engine cannot run programs of the image's platform",
		"install emulation for it ('docker run --privileged --rm tonistiigi/binfmt --install all'), or leave out what runs for it, such as [tool.kedroctl.image] system_packages"},
	{regexp.MustCompile(`(?i)toomanyrequests|You have reached your .*pull rate limit`), "the registry of the base image takes no more requests for now",
		"wait, log in to it (docker login), or name an image of another registry in [tool.kedroctl.image] base"},
	{regexp.MustCompile(`(?i)failed to dial gRPC|error during connect|error reading from server|transport is closing|cannot connect to the Docker daemon`),
		"the connection to the engine has ended", "see that the engine runs (docker info), then run the same command again: what is built stays"},
}

// trouble is what an engine's text tells of the engine itself, nil where that is nothing. The line by which it is known stands in the error.
func trouble(text string) error {
	for _, t := range troubles {
		at := t.mark.FindStringIndex(text)
		if at == nil {
			continue
		}
		line := text[strings.LastIndexByte(text[:at[0]], '\n')+1:]
		line, _, _ = strings.Cut(line, "\n")
		return ui.WithHint(fmt.Errorf("%s: %s", t.what, strings.TrimSpace(colour.ReplaceAllString(line, ""))), t.hint)
	}
	return nil
}

// engineTrouble is the error itself unless it tells of the engine, or of a full disk on this side of it, and nobody has said so yet.
func engineTrouble(err error) error {
	if err == nil || ui.Hint(err) != "" {
		return err
	}
	if errors.Is(err, syscall.ENOSPC) { // the engine's comes as a text
		return ui.WithHint(fmt.Errorf("a disk of this machine is full: %w", err), "make room there; for temporary files, TMPDIR can name a directory on a larger disk")
	}
	return cmp.Or(trouble(err.Error()), err)
}
