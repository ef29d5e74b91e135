package build

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/mod/semver"
	"golang.org/x/net/html"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// uvVersion is the uv that images are made with. A newer one of the user's is as good: what it resolves is kept, and what is kept is installed.
const uvVersion = "0.13.9"

// setuptoolsVersion is the setuptools that makes wheels of sources which want no other, so that a newer one neither refuses them nor makes another wheel.
const setuptoolsVersion = "80.9.0"

// uvWheel is uv for one kind of machine, in the index and by its hash.
type uvWheel struct{ platform, sha256 string }

// uvWheels are those of uvVersion, by GOOS/GOARCH. Those of Linux are linked statically.
var uvWheels = map[string]uvWheel{
	"linux/amd64": {"musllinux_1_1_x86_64", "2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25"},
	"linux/arm64": {
		"manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64", "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
	},
	"darwin/amd64":  {"macosx_10_12_x86_64", "c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5"},
	"darwin/arm64":  {"macosx_11_0_arm64", "66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63"},
	"windows/amd64": {"win_amd64", "6a44b2ed8111d2f60d2b92627c5dccda3f7ed7570b18ce115e569cd68c28246b"},
	"windows/arm64": {"win_arm64", "eeb92051c2123b9730c46b04cc843cfa4bc7d7b0aec56df431a2215ef4cb0273"},
}

// FindUV gives the path of a uv for this machine: the one on PATH, unless it is older than uvVersion; else uvVersion, whose wheel is taken from the package
// indexes that the user's tools use for the project in dir (as uv's and pip's variables and files name them), checked against a pinned hash and kept in
// the user's cache directory. It is fetched once, also where several ask at the same time.
func FindUV(ctx context.Context, dir string, getenv func(string) string) (string, error) {
	if found, ok := uvOnPath(ctx); ok {
		return found, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find uv: %w", err)
	}
	program := filepath.Join(cache, "kedroctl", "uv-"+uvVersion, uvName())
	if isRegular(program) {
		return program, nil
	}
	list, err := findIndexes(dir, getenv)
	if err != nil {
		return "", fmt.Errorf("find uv: %w", err)
	}
	if err := fetchUV(ctx, uvWheels[runtime.GOOS+"/"+runtime.GOARCH], program, list); err != nil {
		return "", ui.WithHint(fmt.Errorf("get uv %s, which resolves dependencies: %w", uvVersion, err),
			"install uv (https://docs.astral.sh/uv/), so that it is on PATH")
	}
	return program, nil
}

func uvName() string {
	if runtime.GOOS == "windows" {
		return "uv.exe"
	}
	return "uv"
}

// uvOnPath looks at what PATH has.
func uvOnPath(ctx context.Context) (string, bool) {
	found, err := exec.LookPath("uv")
	if err != nil {
		return "", false
	}
	out, err := exec.CommandContext(ctx, found, "--version").Output() // uv 0.13.9 (…)
	words := strings.Fields(string(out))
	return found, err == nil && len(words) > 1 && semver.Compare("v"+words[1], "v"+uvVersion) >= 0
}

// fetchUV makes program, which appears only when it is whole.
func fetchUV(ctx context.Context, wheel uvWheel, program string, list []index) error {
	if wheel.platform == "" {
		return fmt.Errorf("there is none for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		return err
	}
	lock := flock.New(program + ".lock")
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return err
	}
	defer lock.Unlock()
	if isRegular(program) {
		return nil // another has fetched it meanwhile
	}
	content, err := wheel.download(ctx, list)
	if err != nil {
		return err
	}
	part := program + ".part"
	if err := unpackUV(content, part); err != nil {
		return err
	}
	return os.Rename(part, program)
}

func (w uvWheel) file() string { return "uv-" + uvVersion + "-py3-none-" + w.platform + ".whl" }

// download takes the wheel from the first index that has it. All are asked: one for the team's own distributions may not have uv.
func (w uvWheel) download(ctx context.Context, list []index) ([]byte, error) {
	var failures []error
	for _, i := range list {
		content, err := w.downloadFrom(ctx, i)
		if err == nil {
			return content, nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", i.public(), err))
	}
	return nil, errors.Join(failures...)
}

func (w uvWheel) downloadFrom(ctx context.Context, i index) ([]byte, error) {
	page, err := url.Parse(strings.TrimSuffix(i.URL, "/") + "/uv/")
	if err != nil {
		return nil, errors.New("the address is none")
	}
	content, kind, err := get(ctx, page, "application/vnd.pypi.simple.v1+json, text/html;q=0.5")
	if err != nil {
		return nil, err
	}
	link, err := linkTo(content, kind, w.file())
	if err != nil {
		return nil, err
	}
	file := page.ResolveReference(link)
	if file.Host == page.Host {
		file.User = page.User
	}
	if content, _, err = get(ctx, file, "*/*"); err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != w.sha256 {
		return nil, fmt.Errorf("%s is not the file that it should be: sha256 %x, not %s", w.file(), sum, w.sha256)
	}
	return content, nil
}

// maxWheel is more than uv has ever had, in bytes.
const maxWheel = 100 << 20

// get is the content and its type. Errors name no password.
func get(ctx context.Context, address *url.URL, accept string) (content []byte, kind string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, "", errors.New("the address is none")
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the address
		}
		return nil, "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("answers %s", response.Status)
	}
	content, err = io.ReadAll(io.LimitReader(response.Body, maxWheel))
	kind, _, _ = mime.ParseMediaType(response.Header.Get("Content-Type"))
	return content, kind, err
}

// linkTo finds a file in the page of a distribution, in either form that an index may answer in
// (https://packaging.python.org/en/latest/specifications/simple-repository-api/).
func linkTo(page []byte, kind, file string) (*url.URL, error) {
	if strings.HasSuffix(kind, "json") {
		var list struct {
			Files []struct{ Filename, URL string }
		}
		if err := json.Unmarshal(page, &list); err != nil {
			return nil, fmt.Errorf("read its page of uv: %w", err)
		}
		for _, f := range list.Files {
			if f.Filename == file {
				return url.Parse(f.URL)
			}
		}
		return nil, fmt.Errorf("has no %s", file)
	}
	tokens := html.NewTokenizer(bytes.NewReader(page))
	for tokens.Next() != html.ErrorToken {
		for _, attribute := range tokens.Token().Attr {
			if attribute.Key != "href" {
				continue
			}
			if link, err := url.Parse(attribute.Val); err == nil && path.Base(link.Path) == file {
				return link, nil
			}
		}
	}
	return nil, fmt.Errorf("has no %s", file)
}

// unpackUV takes the program out of its wheel.
func unpackUV(wheel []byte, to string) error {
	archive, err := zip.NewReader(bytes.NewReader(wheel), int64(len(wheel)))
	if err != nil {
		return err
	}
	from, err := archive.Open("uv-" + uvVersion + ".data/scripts/" + uvName())
	if err != nil {
		return err
	}
	defer from.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fs.FileMode(0o755))
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, from); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
