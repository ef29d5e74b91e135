package images_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/kedroctl/kedroctl/internal/local/images"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

func (b *bench) login(t *testing.T) remote.Option {
	t.Helper()
	return remote.WithAuth(&authn.Basic{Username: "AWS", Password: b.password(t)})
}

func (b *bench) ref(t *testing.T, s string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(b.host + "/" + s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func (b *bench) push(t *testing.T, ref string, i v1.Image) string {
	t.Helper()
	if err := remote.Write(b.ref(t, ref), i, b.login(t)); err != nil {
		t.Fatal(err)
	}
	return digest(t, i)
}

func newImage(t *testing.T) v1.Image {
	t.Helper()
	i, err := random.Image(4096, 3)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func digest(t *testing.T, i v1.Image) string {
	t.Helper()
	h, err := i.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

func TestWhatIsPushedIsPulledAfterARestart(t *testing.T) {
	dir := t.TempDir()
	b := serve(t, images.Options{Dir: dir})
	b.create(t, "team/jobs")
	want := b.push(t, "team/jobs:1", newImage(t))

	again := serve(t, images.Options{Dir: dir})
	for _, ref := range []string{"team/jobs:1", "team/jobs@" + want} {
		i, err := remote.Image(again.ref(t, ref), again.login(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(i); err != nil {
			t.Errorf("%s is not whole: %v", ref, err)
		}
		if got := digest(t, i); got != want {
			t.Errorf("%s: got %s, want %s", ref, got, want)
		}
	}
}

func TestPushedImagesAreDescribed(t *testing.T) {
	b, ctx := serve(t, images.Options{}), t.Context()
	b.create(t, "jobs")
	i := newImage(t)
	want := b.push(t, "jobs:1", i)
	b.push(t, "jobs:latest", i)
	got, err := b.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: aws.String("jobs"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("1")}}})
	if err != nil {
		t.Fatal(err)
	}
	d := got.ImageDetails[0]
	if diff := cmp.Diff([]any{want, []string{"1", "latest"}, b.now, true}, []any{*d.ImageDigest, d.ImageTags, d.ImagePushedAt.UTC(), *d.ImageSizeInBytes > 3*4096}); diff != "" {
		t.Error(diff)
	}
	list, err := b.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: aws.String("jobs")})
	if err != nil || len(list.ImageIds) != 2 {
		t.Errorf("list: %v, %v", list, err)
	}
}

func TestATagMovesToTheNewImage(t *testing.T) {
	b := serve(t, images.Options{})
	b.create(t, "jobs")
	old := b.push(t, "jobs:latest", newImage(t))
	b.push(t, "jobs:latest", newImage(t))
	got, err := b.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("jobs"), Filter: &types.DescribeImagesFilter{TagStatus: types.TagStatusUntagged}})
	if err != nil || len(got.ImageDetails) != 1 || *got.ImageDetails[0].ImageDigest != old {
		t.Errorf("untagged images: %v, %v", got, err)
	}
}

func TestAnIndexIsPushedWithItsImages(t *testing.T) {
	b := serve(t, images.Options{})
	b.create(t, "jobs")
	i, err := random.Index(1024, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(b.ref(t, "jobs:multi"), i, b.login(t)); err != nil {
		t.Fatal(err)
	}
	got, err := remote.Index(b.ref(t, "jobs:multi"), b.login(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(got); err != nil {
		t.Error(err)
	}
}

func TestPushesThatAreRefused(t *testing.T) {
	b := serve(t, images.Options{})
	_, err := b.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("fixed"), ImageTagMutability: types.ImageTagMutabilityImmutable})
	if err != nil {
		t.Fatal(err)
	}
	i := newImage(t)
	b.push(t, "fixed:1", i)
	tests := map[string]struct{ ref, want string }{
		"a repository that does not exist": {"absent:1", "NAME_UNKNOWN"},
		"an immutable tag":                 {"fixed:1", "TAG_INVALID"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := remote.Write(b.ref(t, tt.ref), newImage(t), b.login(t))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	err = remote.Write(b.ref(t, "fixed:2"), i, remote.WithAuth(authn.Anonymous))
	if err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a push without login: %v", err)
	}
}

// request is one of the registry's protocol, with a login.
func (b *bench) request(t *testing.T, method, path, contentType, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+b.host+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("AWS", b.password(t))
	r.Header.Set("Content-Type", contentType)
	return r
}

func do(t *testing.T, r *http.Request) (int, string, http.Header) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header
}

func (b *bench) send(t *testing.T, method, path, contentType, body string) (int, string, http.Header) {
	t.Helper()
	return do(t, b.request(t, method, path, contentType, body))
}

func TestRequestsThatTheRegistryRefuses(t *testing.T) {
	b := serve(t, images.Options{})
	b.create(t, "jobs")
	const schema2 = "application/vnd.docker.distribution.manifest.v2+json"
	const absent = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	missing := `{"schemaVersion":2,"config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":2,"digest":"` + absent + `"},"layers":[]}`
	tests := map[string]struct {
		method, path, contentType, body, want string
	}{
		"a manifest of missing blobs":     {"PUT", "/v2/jobs/manifests/1", schema2, missing, "BLOB_UNKNOWN"},
		"a manifest that is none":         {"PUT", "/v2/jobs/manifests/1", schema2, "nonsense", "MANIFEST_INVALID"},
		"a manifest of an unknown kind":   {"PUT", "/v2/jobs/manifests/1", "text/plain", "{}", "MANIFEST_INVALID"},
		"a manifest under another digest": {"PUT", "/v2/jobs/manifests/" + absent, schema2, missing, "DIGEST_INVALID"},
		"a tag with a blank":              {"PUT", "/v2/jobs/manifests/a%20b", schema2, missing, "TAG_INVALID"},
		"a manifest that is absent":       {"GET", "/v2/jobs/manifests/1", "", "", "MANIFEST_UNKNOWN"},
		"a manifest's deletion":           {"DELETE", "/v2/jobs/manifests/1", "", "", "UNSUPPORTED"},
		"a blob that is absent":           {"GET", "/v2/jobs/blobs/" + absent, "", "", "BLOB_UNKNOWN"},
		"a blob that is not its digest":   {"POST", "/v2/jobs/blobs/uploads/?digest=" + absent, "", "content", "DIGEST_INVALID"},
		"an upload that is not known":     {"PATCH", "/v2/jobs/blobs/uploads/ABC", "", "content", "BLOB_UPLOAD_UNKNOWN"},
		"an upload outside the directory": {"PATCH", "/v2/jobs/blobs/uploads/..%2Fregistry.json", "", "content", "UNSUPPORTED"},
		"a path that is none":             {"GET", "/v2/jobs/nonsense", "", "", "UNSUPPORTED"},
		"a blob of an absent repository":  {"GET", "/v2/absent/blobs/" + absent, "", "", "NAME_UNKNOWN"},
		"a blob whose digest is none":     {"GET", "/v2/jobs/blobs/registry.json", "", "", "DIGEST_INVALID"},
		"a blob's deletion":               {"DELETE", "/v2/jobs/blobs/" + absent, "", "", "UNSUPPORTED"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if status, text, _ := b.send(t, tt.method, tt.path, tt.contentType, tt.body); !strings.Contains(text, tt.want) {
				t.Errorf("got %d %s, want %s", status, text, tt.want)
			}
		})
	}
}

func TestABlobComesInPieces(t *testing.T) {
	b := serve(t, images.Options{})
	b.create(t, "jobs")
	_, _, h := b.send(t, "POST", "/v2/jobs/blobs/uploads/", "", "")
	at := h.Get("Location")
	if status, _, h := b.send(t, "PATCH", at, "", "con"); status != http.StatusAccepted || h.Get("Range") != "0-2" {
		t.Errorf("first piece: %d, %s", status, h.Get("Range"))
	}
	misplaced := b.request(t, "PATCH", at, "", "te")
	misplaced.Header.Set("Content-Range", "2-3")
	if status, text, _ := do(t, misplaced); status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("a piece that does not follow: %d %s", status, text)
	}
	if status, _, h := b.send(t, "PATCH", at, "", "te"); status != http.StatusAccepted || h.Get("Range") != "0-4" {
		t.Errorf("second piece: %d, %s", status, h.Get("Range"))
	}
	if status, text, _ := b.send(t, "PUT", at+"?digest="+contentSum, "", "nt"); status != http.StatusCreated {
		t.Fatalf("last piece: %d %s", status, text)
	}
	if status, text, _ := b.send(t, "GET", "/v2/jobs/blobs/"+contentSum, "", ""); status != http.StatusOK || text != "content" {
		t.Errorf("got %d %q", status, text)
	}
	if status, _, _ := b.send(t, "PATCH", at, "", "x"); status != http.StatusNotFound {
		t.Errorf("the upload goes on after its end: %d", status)
	}
}

const contentSum = "sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73" // of "content"

// TestABlobIsShared sends one to a repository and looks for it in another, which takes over none: a client uploads what it wants mounted, as to ECR.
func TestABlobIsShared(t *testing.T) {
	b := serve(t, images.Options{})
	b.create(t, "jobs")
	b.create(t, "other")
	if status, text, _ := b.send(t, "POST", "/v2/jobs/blobs/uploads/?digest="+contentSum, "", "content"); status != http.StatusCreated {
		t.Fatalf("a blob in one piece: %d %s", status, text)
	}
	if status, text, h := b.send(t, "POST", "/v2/other/blobs/uploads/?mount="+contentSum+"&from=jobs", "", ""); status != http.StatusAccepted || h.Get("Location") == "" {
		t.Errorf("a blob to mount: %d %s", status, text)
	}
	if status, text, h := b.send(t, "HEAD", "/v2/other/blobs/"+contentSum, "", ""); status != http.StatusOK || text != "" || h.Get("Content-Length") != "7" {
		t.Errorf("its size: %d %q %v", status, text, h)
	}
}

// TestAPullGoesOn reads the rest of a blob, as containerd and the engine do after a connection broke.
func TestAPullGoesOn(t *testing.T) {
	b := serve(t, images.Options{})
	b.create(t, "jobs")
	b.send(t, "POST", "/v2/jobs/blobs/uploads/?digest="+contentSum, "", "content")
	r := b.request(t, "GET", "/v2/jobs/blobs/"+contentSum, "", "")
	r.Header.Set("Range", "bytes=3-")
	if status, text, h := do(t, r); status != http.StatusPartialContent || text != "tent" || h.Get("Content-Range") != "bytes 3-6/7" {
		t.Errorf("got %d %q %v", status, text, h)
	}
}

// TestAPushGoesOnAfterARestart has a server for each of its requests. What an abandoned push has left goes an hour later.
func TestAPushGoesOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	b := serve(t, images.Options{Dir: dir})
	b.create(t, "jobs")
	_, _, h := b.send(t, "POST", "/v2/jobs/blobs/uploads/", "", "")
	at := h.Get("Location")
	for i, piece := range []string{"con", "tent"} {
		b = serve(t, images.Options{Dir: dir})
		if status, text, _ := b.send(t, "PATCH", at, "", piece); status != http.StatusAccepted {
			t.Fatalf("piece %d: %d %s", i, status, text)
		}
	}
	b = serve(t, images.Options{Dir: dir})
	if status, text, _ := b.send(t, "PUT", at+"?digest="+contentSum, "", ""); status != http.StatusCreated {
		t.Fatalf("its end: %d %s", status, text)
	}
	kept := b.push(t, "jobs:1", newImage(t))
	age(t, dir)
	b.send(t, "POST", "/v2/jobs/blobs/uploads/", "", "")
	before := len(blobsIn(t, dir))
	b = serve(t, images.Options{Dir: dir})
	if got := before - len(blobsIn(t, dir)); got != 1 {
		t.Errorf("%d files of abandoned pushes are gone", got)
	}
	i, err := remote.Image(b.ref(t, "jobs@"+kept), b.login(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(i); err != nil {
		t.Error(err)
	}
}

// age makes all blobs older than a push takes.
func age(t *testing.T, dir string) {
	t.Helper()
	for _, name := range blobsIn(t, dir) {
		old := time.Now().Add(-61 * time.Minute)
		if err := os.Chtimes(filepath.Join(dir, "blobs", name), old, old); err != nil {
			t.Fatal(err)
		}
	}
}

func blobsIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestImagesGoWithTheirBlobs(t *testing.T) {
	dir := t.TempDir()
	b, ctx := serve(t, images.Options{Dir: dir}), t.Context()
	b.create(t, "jobs")
	base := newImage(t)
	layer, err := random.Layer(1024, "application/vnd.docker.image.rootfs.diff.tar.gzip")
	if err != nil {
		t.Fatal(err)
	}
	derived, err := mutate.AppendLayers(base, layer)
	if err != nil {
		t.Fatal(err)
	}
	b.push(t, "jobs:base", base)
	want := b.push(t, "jobs:derived", derived)
	count := func() int { return len(blobsIn(t, dir)) }
	if got := count(); got != 3+1+2+2 { // shared layers, own layer, configurations, manifests
		t.Fatalf("%d blobs", got)
	}
	if _, err := b.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: aws.String("jobs")}); wiretest.Code(t, err) != "RepositoryNotEmptyException" {
		t.Errorf("a repository with images was deleted: %v", err)
	}
	age(t, dir)
	gone, err := b.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: aws.String("jobs"),
		ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("base")}, {ImageTag: aws.String("absent")}}})
	if err != nil || len(gone.ImageIds) != 1 || len(gone.Failures) != 1 {
		t.Errorf("deleted %v, %v", gone, err)
	}
	if got := count(); got != 4+1+1 {
		t.Errorf("%d blobs are left of the other image", got)
	}
	i, err := remote.Image(b.ref(t, "jobs@"+want), b.login(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(i); err != nil {
		t.Errorf("the other image lost a part: %v", err)
	}
	if _, err := remote.Image(b.ref(t, "jobs:base"), b.login(t)); err == nil {
		t.Error("a deleted image can be pulled")
	}
	if _, err := b.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: aws.String("jobs"), Force: true}); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != 0 {
		t.Errorf("%d blobs are left", got)
	}
}

func TestATagIsTakenOff(t *testing.T) {
	b, ctx := serve(t, images.Options{}), t.Context()
	b.create(t, "jobs")
	i := newImage(t)
	b.push(t, "jobs:1", i)
	want := b.push(t, "jobs:2", i)
	if _, err := b.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: aws.String("jobs"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("1")}}}); err != nil {
		t.Fatal(err)
	}
	got, err := b.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: aws.String("jobs")})
	if err != nil || len(got.ImageIds) != 1 || *got.ImageIds[0].ImageTag != "2" || *got.ImageIds[0].ImageDigest != want {
		t.Errorf("left: %v, %v", got, err)
	}
}
