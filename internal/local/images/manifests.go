package images

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	mediatypes "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

const maxManifest = 4 << 20 // bytes: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html

var tagPattern = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

// manifest serves manifests by tag or digest.
func (s *Service) manifest(w http.ResponseWriter, r *http.Request, name, reference string) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return s.getManifest(w, r, name, reference)
	case http.MethodPut:
		return s.putManifest(w, r, name, reference)
	}
	return unsupported(r) // images are deleted through ECR's API
}

// identifier of what stands after the repository in the registry's paths.
func identifier(reference string) types.ImageIdentifier {
	if strings.Contains(reference, ":") {
		return types.ImageIdentifier{ImageDigest: &reference}
	}
	return types.ImageIdentifier{ImageTag: &reference}
}

func (s *Service) getManifest(w http.ResponseWriter, r *http.Request, name, reference string) error {
	s.mu.Lock()
	i, ok := s.state.Repositories[name].lookUp(identifier(reference))
	s.mu.Unlock()
	if !ok {
		return wire.NewFault(http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image not found")
	}
	content, err := os.ReadFile(s.blobs.path(i.Digest))
	if err != nil {
		return err
	}
	w.Header().Set("Docker-Content-Digest", i.Digest)
	w.Header().Set("Content-Type", i.MediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		// The client is gone if this fails; there is nobody left to tell.
		_, _ = w.Write(content)
	}
	return nil
}

func (s *Service) putManifest(w http.ResponseWriter, r *http.Request, name, reference string) error {
	content, err := io.ReadAll(io.LimitReader(r.Body, maxManifest+1))
	if err != nil {
		return err
	}
	if len(content) > maxManifest {
		return wire.NewFault(http.StatusBadRequest, "MANIFEST_INVALID", "The manifest is larger than %d bytes", maxManifest)
	}
	i, err := parse(content, r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	id := identifier(reference)
	switch {
	case id.ImageDigest != nil && reference != i.Digest:
		return wire.NewFault(http.StatusBadRequest, "DIGEST_INVALID", "The image's digest is %s, not %s", i.Digest, reference)
	case id.ImageTag != nil && !tagPattern.MatchString(reference):
		return wire.NewFault(http.StatusBadRequest, "TAG_INVALID", "The image tag %q is not valid", reference)
	}
	if err := s.addImage(name, i, id.ImageTag, content); err != nil {
		return err
	}
	w.Header().Set("Location", "/v2/"+name+"/manifests/"+i.Digest)
	w.Header().Set("Docker-Content-Digest", i.Digest)
	w.WriteHeader(http.StatusCreated)
	return nil
}

// parse describes the image of a manifest, or of an index of manifests.
func parse(content []byte, mediaType string) (image, error) {
	h, _, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		return image{}, err
	}
	i := image{Digest: h.String(), MediaType: mediaType, Blobs: []string{h.String()}}
	kind := mediatypes.MediaType(mediaType)
	if kind.IsIndex() {
		index, err := v1.ParseIndexManifest(bytes.NewReader(content))
		if err != nil {
			return image{}, wire.NewFault(http.StatusBadRequest, "MANIFEST_INVALID", "%v", err)
		}
		return i.with(index.Manifests), nil
	}
	if !kind.IsImage() || kind.IsSchema1() {
		return image{}, wire.NewFault(http.StatusBadRequest, "MANIFEST_INVALID", "The media type %q is not supported", mediaType)
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(content))
	if err != nil {
		return image{}, wire.NewFault(http.StatusBadRequest, "MANIFEST_INVALID", "%v", err)
	}
	i.Config = string(manifest.Config.MediaType)
	return i.with(append(manifest.Layers, manifest.Config)), nil
}

// with is the image with its parts. What may not be distributed is not pushed.
func (i image) with(parts []v1.Descriptor) image {
	for _, p := range parts {
		if p.MediaType.IsDistributable() {
			i.Blobs = append(i.Blobs, p.Digest.String())
			i.Size += p.Size
		}
	}
	return i
}

// addImage checks that all parts are there and puts the image under its tag, which it takes from another image.
func (s *Service) addImage(name string, i image, tag *string, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(&name)
	if err != nil {
		return wire.NewFault(http.StatusNotFound, "NAME_UNKNOWN", "%s", wire.AsFault(err).Message)
	}
	var missing []string
	for _, b := range i.Blobs[1:] {
		if !s.blobs.has(b) {
			missing = append(missing, b)
		}
	}
	if len(missing) > 0 {
		return wire.NewFault(http.StatusNotFound, "BLOB_UNKNOWN", "Layers with digests '%v' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist", missing, name, s.opt.Account)
	}
	i.Pushed = s.opt.Now().UTC()
	if old, ok := r.Images[i.Digest]; ok {
		i.Pushed, i.Tags = old.Pushed, old.Tags
	}
	if tag != nil {
		if err := r.claim(*tag); err != nil {
			return err
		}
		i.Tags = r.moveTag(*tag, i)
	}
	if err := disk.Write(s.blobs.path(i.Digest), content); err != nil {
		return err
	}
	r.Images[i.Digest] = i
	return s.save()
}

// claim refuses a tag that an immutable repository has already.
func (r repository) claim(tag string) error {
	mutable := r.Mutability == types.ImageTagMutabilityMutable || r.Mutability == types.ImageTagMutabilityMutableWithExclusion
	for _, e := range r.Exclusions {
		if ok, err := path.Match(*e.Filter, tag); ok && err == nil {
			mutable = !mutable
			break
		}
	}
	if _, ok := r.lookUp(types.ImageIdentifier{ImageTag: &tag}); ok && !mutable {
		return wire.NewFault(http.StatusBadRequest, "TAG_INVALID",
			"The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the repository is immutable.", tag, r.Name)
	}
	return nil
}

// moveTag takes the tag off the image that has it, and is the tags of i with it.
func (r repository) moveTag(tag string, i image) []string {
	for digest, old := range r.Images {
		if slices.Contains(old.Tags, tag) {
			old.Tags = slices.DeleteFunc(slices.Clone(old.Tags), func(t string) bool { return t == tag })
			r.Images[digest] = old
		}
	}
	tags := slices.DeleteFunc(slices.Clone(i.Tags), func(t string) bool { return t == tag })
	return append(tags, tag)
}

func (s *Service) tagList(w http.ResponseWriter, name string) error {
	s.mu.Lock()
	tags := []string{}
	for _, i := range s.state.Repositories[name].Images {
		tags = append(tags, i.Tags...)
	}
	s.mu.Unlock()
	slices.Sort(tags)
	writeJSON(w, http.StatusOK, map[string]any{"name": name, "tags": tags})
	return nil
}
