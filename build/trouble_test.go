package build

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/kedroctl/kedroctl/internal/ui"
)

func TestTrouble(t *testing.T) {
	tests := []struct{ name, text, want, hint string }{
		{"BuildKit without room", "failed to solve: failed to copy files: copy file range failed: no space left on device", "the engine's disk is full: failed to solve", "docker builder prune"},
		{"pip without room", "Collecting pandas\n\x1b[31mERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\x1b[0m\n\n",
			"the engine's disk is full: ERROR: Could not install", "docker system prune"},
		{"apt without room", "E: You don't have enough free space in /var/cache/apt/archives/.", "the engine's disk is full: E: You", "docker system prune"},
		{"registry behind a proxy", `Get "https://registry-1.docker.io/v2/": proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused`,
			"a proxy between the engine and the network refuses, or is not there: Get", "HTTPS_PROXY"},
		{"pip behind a proxy", "WARNING: Retrying after connection broken by 'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))'",
			"a proxy between", "NO_PROXY"},
		{"uv behind a proxy", "error: Failed to fetch: `https://pypi.org/simple/kedro/`\n  Caused by: error sending request\n  Caused by: tunnel error: unsuccessful tunnel",
			"is not there: Caused by: tunnel error", "HTTPS_PROXY"},
		{"another architecture", "exec /bin/sh: exec format error", "the engine cannot run programs of the image's platform", "system_packages"},
		{"an engine that went away before the build", "failed to dial gRPC: unexpected EOF", "the connection to the engine has ended: failed to dial", "docker info"},
		{"an engine that went away in the build", "failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF", "has ended: failed to receive status",
			"run the same command again"},
		{"an engine that went away after the build", `look for image a:b: error during connect: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.41/images/a:b/json": EOF`,
			"the connection to the engine has ended: look for image", "docker info"},
		{"Docker Hub's limit", "toomanyrequests: You have reached your pull rate limit.", "takes no more requests for now", "docker login"},
	}
	for _, tt := range tests {
		err := engineTrouble(errors.New(tt.text))
		if !strings.Contains(err.Error(), tt.want) || !strings.Contains(ui.Hint(err), tt.hint) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: error %q, hint %q", tt.name, err, ui.Hint(err))
		}
	}
	here := engineTrouble(fmt.Errorf("lay out: %w", &fs.PathError{Op: "write", Path: "/tmp/x", Err: syscall.ENOSPC}))
	if !strings.Contains(here.Error(), "a disk of this machine is full: lay out: write /tmp/x") || !strings.Contains(ui.Hint(here), "TMPDIR") {
		t.Errorf("a full disk on this side: %v, hint %q", here, ui.Hint(here))
	}
	other := errors.New("exit code: 1")
	if err := engineTrouble(other); err != other {
		t.Errorf("what is no trouble of the engine: %v", err)
	}
	told := ui.WithHint(errors.New("no space left on device"), "said already")
	if err := engineTrouble(told); ui.Hint(err) != "said already" {
		t.Errorf("what was said already: %v, %s", err, ui.Hint(err))
	}
}
