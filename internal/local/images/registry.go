package images

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	mediatypes "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// registryPath splits what follows /v2/ into repository, kind and reference.
var registryPath = regexp.MustCompile(`^/v2/(.+)/(blobs/uploads|blobs|manifests)/([^/]*)$`)

// serveRegistry answers the registry's protocol. Its errors have a form of their own.
func (s *Service) serveRegistry(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if err := s.routeRegistry(w, r); err != nil {
		type entry struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		}
		f := wire.AsFault(err)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(f.Status)
		_ = json.NewEncoder(w).Encode(map[string][]entry{"errors": {{f.Code, f.Message}}}) // a client that has gone needs no answer
	}
}

func (s *Service) routeRegistry(w http.ResponseWriter, r *http.Request) error {
	if err := s.authenticate(w, r); err != nil {
		return err
	}
	if r.URL.Path == "/v2" || r.URL.Path == "/v2/" {
		return nil
	}
	match := registryPath.FindStringSubmatch(r.URL.Path)
	if match == nil {
		return wire.NewFault(http.StatusNotFound, "UNSUPPORTED", "Invalid path: %s", r.URL.Path)
	}
	name, kind, reference := match[1], match[2], match[3]
	if err := s.exists(name); err != nil {
		return wire.NewFault(http.StatusNotFound, "NAME_UNKNOWN", "%s", wire.AsFault(err).Message)
	}
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case kind == "blobs/uploads":
		return s.upload(w, r, name, reference)
	case kind == "blobs" && reading:
		return s.serveFile(w, r, reference, "application/octet-stream")
	case kind == "manifests" && reading:
		return s.getManifest(w, r, name, reference)
	case kind == "manifests" && r.Method == http.MethodPut:
		return s.putManifest(w, r, name, reference)
	}
	return unsupported(r) // images are deleted through ECR's API
}

func unsupported(r *http.Request) error {
	return wire.NewFault(http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation %s is unsupported", r.Method)
}

func (s *Service) exists(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.find(&name)
	return err
}

// authenticate takes the user AWS with a password that has not ended.
func (s *Service) authenticate(w http.ResponseWriter, r *http.Request) error {
	user, password, ok := r.BasicAuth()
	if !ok {
		w.Header().Set("Www-Authenticate", `Basic realm="http://`+s.opt.Host+`/",service="ecr.amazonaws.com"`)
		return wire.NewFault(http.StatusUnauthorized, "UNAUTHORIZED", "Not Authorized")
	}
	if user != "AWS" || !s.isPassword(password) {
		return wire.NewFault(http.StatusForbidden, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
	}
	return nil
}

func (s *Service) getManifest(w http.ResponseWriter, r *http.Request, name, reference string) error {
	i, err := s.pushed(name, reference)
	if err != nil {
		return err
	}
	return s.serveFile(w, r, *i.ImageDigest, *i.ImageManifestMediaType)
}

func (s *Service) pushed(name, reference string) (types.ImageDetail, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.state.Repositories[name]; r != nil {
		if i := r.image(identifier(reference)); i != nil {
			return i.Shown, nil
		}
	}
	return types.ImageDetail{}, wire.NewFault(http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image not found")
}

// identifier of what stands after the repository in the registry's paths.
func identifier(reference string) types.ImageIdentifier {
	if strings.Contains(reference, ":") {
		return types.ImageIdentifier{ImageDigest: &reference}
	}
	return types.ImageIdentifier{ImageTag: &reference}
}

func (s *Service) serveFile(w http.ResponseWriter, r *http.Request, digest, mediaType string) error {
	if _, err := v1.NewHash(digest); err != nil {
		return refuse("DIGEST_INVALID", "%v", err)
	}
	f, err := os.Open(s.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return wire.NewFault(http.StatusNotFound, "BLOB_UNKNOWN", "The layer %s does not exist", digest)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", digest)
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}

const maxManifest = 4 << 20 // bytes: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html

var (
	uploadID   = regexp.MustCompile(`^[A-Z2-7]+$`)
	tagPattern = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

// upload takes a blob into a file: POST begins, or has all of it; PATCH adds a piece; PUT adds the last one and tells the digest.
func (s *Service) upload(w http.ResponseWriter, r *http.Request, name, id string) error {
	begins := r.Method == http.MethodPost
	if !begins && r.Method != http.MethodPatch && r.Method != http.MethodPut {
		return unsupported(r)
	}
	if begins {
		id = rand.Text()
	}
	f, err := s.openUpload(id, begins)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := receive(f, r)
	if err != nil {
		return err
	}
	if r.Method == http.MethodPut || begins && r.URL.Query().Has("digest") {
		return s.finish(w, f, name, r.URL.Query().Get("digest"))
	}
	w.Header().Set("Location", "/v2/"+name+"/blobs/uploads/"+id)
	w.Header().Set("Docker-Upload-Uuid", id)
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(size-1, 0)))
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *Service) openUpload(id string, begins bool) (*os.File, error) {
	flags := os.O_RDWR | os.O_APPEND
	if begins {
		flags |= os.O_CREATE
	}
	if uploadID.MatchString(id) {
		f, err := os.OpenFile(s.path(id), flags, 0o600)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, wire.NewFault(http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "The upload is not known to the registry")
}

func (s *Service) has(digest string) bool {
	_, err := os.Stat(s.path(digest))
	return err == nil
}

func created(w http.ResponseWriter, location, digest string) {
	w.Header().Set("Location", location)
	w.Header().Set("Docker-Content-Digest", digest)
	w.WriteHeader(http.StatusCreated)
}

// receive adds a piece, and is the size with it; one that says where it begins must begin at the end of what is there.
func receive(f *os.File, r *http.Request) (int64, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	if piece := r.Header.Get("Content-Range"); piece != "" {
		var start int64
		if _, err := fmt.Sscanf(piece, "%d-", &start); err != nil || start != size {
			return 0, wire.NewFault(http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID", "The upload has %d bytes, %q does not follow them", size, piece)
		}
	}
	n, err := io.Copy(f, r.Body)
	return size + n, err
}

// finish makes a blob of an upload that has the digest.
func (s *Service) finish(w http.ResponseWriter, f *os.File, name, digest string) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	got, _, err := v1.SHA256(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if got.String() != digest {
		return errors.Join(wire.NewFault(http.StatusBadRequest, "DIGEST_INVALID", "The layer's digest is %s, not %q", got, digest), os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), s.path(digest)); err != nil {
		return err
	}
	created(w, "/v2/"+name+"/blobs/"+digest, digest)
	return nil
}

func (s *Service) putManifest(w http.ResponseWriter, r *http.Request, name, reference string) error {
	content, err := io.ReadAll(io.LimitReader(r.Body, maxManifest+1))
	if err != nil {
		return err
	}
	i, err := parse(content, r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	id := identifier(reference)
	switch {
	case len(content) > maxManifest:
		return refuse("MANIFEST_INVALID", "The manifest is larger than %d bytes", maxManifest)
	case id.ImageDigest != nil && reference != *i.Shown.ImageDigest:
		return refuse("DIGEST_INVALID", "The image's digest is %s, not %s", *i.Shown.ImageDigest, reference)
	case id.ImageTag != nil && !tagPattern.MatchString(reference):
		return refuse("TAG_INVALID", "The image tag %q is not valid", reference)
	}
	if err := s.addImage(name, i, id.ImageTag, content); err != nil {
		return err
	}
	created(w, "/v2/"+name+"/manifests/"+*i.Shown.ImageDigest, *i.Shown.ImageDigest)
	return nil
}

// parse describes the image of a manifest, or of an index of manifests.
func parse(content []byte, mediaType string) (*image, error) {
	kind := mediatypes.MediaType(mediaType)
	if !kind.IsIndex() && !kind.IsImage() || kind.IsSchema1() {
		return nil, refuse("MANIFEST_INVALID", "The media type %q is not supported", mediaType)
	}
	var manifest struct {
		Config            v1.Descriptor
		Layers, Manifests []v1.Descriptor
	}
	if err := json.Unmarshal(content, &manifest); err != nil {
		return nil, refuse("MANIFEST_INVALID", "%v", err)
	}
	h, _, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	i := &image{Shown: types.ImageDetail{ImageDigest: aws.String(h.String()), ImageManifestMediaType: &mediaType, ImageSizeInBytes: new(int64)}}
	parts := manifest.Manifests
	if kind.IsImage() {
		parts = append(manifest.Layers, manifest.Config)
		i.Shown.ArtifactMediaType = aws.String(string(manifest.Config.MediaType))
	}
	for _, p := range parts {
		if p.MediaType.IsDistributable() { // what is not is never pushed
			i.Parts = append(i.Parts, p.Digest.String())
			*i.Shown.ImageSizeInBytes += p.Size
		}
	}
	return i, nil
}

// addImage checks that all parts are there and puts the image under its tag, which it takes from another image.
func (s *Service) addImage(name string, i *image, tag *string, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(&name)
	if err != nil {
		return err
	}
	if missing := slices.DeleteFunc(slices.Clone(i.Parts), s.has); len(missing) > 0 {
		return wire.NewFault(http.StatusNotFound, "BLOB_UNKNOWN",
			"Layers with digests '%v' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist", missing, name, s.opt.Account)
	}
	i.Shown.RegistryId, i.Shown.RepositoryName, i.Shown.ImagePushedAt = &s.opt.Account, &name, aws.Time(s.opt.Now())
	if old := r.Images[*i.Shown.ImageDigest]; old != nil {
		i = old
	}
	if tag != nil {
		if err := r.tag(i, *tag); err != nil {
			return err
		}
	}
	if err := disk.Write(s.path(*i.Shown.ImageDigest), content); err != nil {
		return err
	}
	r.Images[*i.Shown.ImageDigest] = i
	return s.save()
}

// tag gives an image a tag that another one may have had, unless the repository is immutable.
func (r *repository) tag(i *image, tag string) error {
	if old := r.image(types.ImageIdentifier{ImageTag: &tag}); old != nil {
		if r.Shown.ImageTagMutability == types.ImageTagMutabilityImmutable {
			return refuse("TAG_INVALID", "The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the repository is immutable.",
				tag, *r.Shown.RepositoryName)
		}
		old.untag(tag)
	}
	i.Shown.ImageTags = append(slices.Clone(i.Shown.ImageTags), tag)
	return nil
}
