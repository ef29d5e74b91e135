package run

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
)

// preconditionFailed is S3's answer where an object has not the ETag that is asked for any more.
const preconditionFailed = http.StatusPreconditionFailed

// isPlain says whether a path with slashes stays below its directory and names one file in one way.
func isPlain(file string) bool {
	return path.Clean(file) == file && filepath.IsLocal(filepath.FromSlash(file)) && !strings.ContainsRune(file, 0)
}

// download fetches objects into files below a directory. The root lets no path leave it, by symbolic links either.
type download struct {
	manager *transfermanager.Client
	root    *os.Root
	options GetOptions
	total   int64 // bytes
	done    atomic.Int64
}

// fetch gives the state of a file. One with the same content is left as it is, one with another content is replaced by force alone.
func (d *download) fetch(ctx context.Context, f Fetched) (state string, err error) {
	there, err := d.there(f)
	if err != nil {
		return "", err
	}
	same, sure := false, false
	if there {
		if same, sure, err = d.compare(f); err != nil {
			return "", err
		}
	}
	switch {
	case same:
		d.add(f.Size)
		return FileSame, nil
	case there && sure && !d.options.Force:
		d.add(f.Size)
		return FileDiffers, nil
	}
	temporary := path.Join(path.Dir(f.File), "."+path.Base(f.File)+".kedroctl-"+rand.Text()[:8])
	defer func() { _ = d.root.Remove(temporary) }() // it is gone where all went well
	if err := d.root.MkdirAll(path.Dir(f.File), 0o755); err != nil {
		return "", err
	}
	if err := d.write(ctx, f, temporary); err != nil {
		return "", err
	}
	if there && !sure {
		if same, err = d.equal(f.File, temporary); err != nil || same {
			return FileSame, err
		}
		if !d.options.Force {
			return FileDiffers, nil
		}
	}
	return FileFetched, d.root.Rename(temporary, f.File)
}

// there says whether a file stands where one is to be written; anything else that does is an error.
func (d *download) there(f Fetched) (bool, error) {
	info, err := d.root.Stat(f.File)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		return false, fmt.Errorf("%s is there and no file", f.File)
	}
	return err == nil, err
}

// compare says whether a file is the object, and whether that is sure without fetching it: the ETag of an object that came in one part, and is not
// encrypted with a key of KMS, is its MD5.
func (d *download) compare(f Fetched) (same, sure bool, err error) {
	info, err := d.root.Stat(f.File)
	if err != nil || info.Size() != f.Size {
		return false, true, err
	}
	sum, err := d.sum(f.File, md5.New())
	return sum == f.etag, sum == f.etag, err
}

// sum is the hash of a file's content, in hex.
func (d *download) sum(name string, h hash.Hash) (string, error) {
	file, err := d.root.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	_, err = io.Copy(h, file)
	return hex.EncodeToString(h.Sum(nil)), err
}

// write fetches an object of the size and ETag that were seen.
func (d *download) write(ctx context.Context, f Fetched, name string) (err error) {
	file, err := d.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if f.Size == 0 { // no range of it can be asked for
		return nil
	}
	in := &transfermanager.DownloadObjectInput{Bucket: &f.bucket, Key: &f.key, WriterAt: &counted{file, d}, IfMatch: aws.String(`"` + f.etag + `"`)}
	if _, err := d.manager.DownloadObject(ctx, in, func(o *transfermanager.Options) { o.GetObjectType = types.GetObjectRanges }); err != nil {
		return err
	}
	if info, err := file.Stat(); err != nil || info.Size() != f.Size {
		return errors.Join(err, fmt.Errorf("it came with another size than %d bytes", f.Size))
	}
	return file.Sync()
}

// equal compares the content of two files.
func (d *download) equal(a, b string) (bool, error) {
	x, errX := d.sum(a, sha256.New())
	y, errY := d.sum(b, sha256.New())
	return x == y, errors.Join(errX, errY)
}

func (d *download) add(n int64) {
	done := d.done.Add(n)
	if d.options.Progress != nil {
		d.options.Progress(done, d.total)
	}
}

// counted tells how much has come.
type counted struct {
	file *os.File
	*download
}

// WriteAt is called by the transfer manager.
func (c *counted) WriteAt(p []byte, at int64) (int, error) {
	n, err := c.file.WriteAt(p, at)
	c.add(int64(n))
	return n, err
}
