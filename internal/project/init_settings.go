package project

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project/edit"
)

// s3fsRequirement is the oldest s3fs that kedroctl asks for: the one that Kedro's guide for AWS Batch names. boto3 is never added: unpinned
// beside s3fs it leaves pip without a solution, as aiobotocore allows only a narrow range of botocore.
const (
	s3fsName        = "s3fs"
	s3fsVersion     = ">=2024.6.0"
	s3fsRequirement = s3fsName + s3fsVersion
)

// confPlace is where the configuration of a project lies.
type confPlace struct {
	source  string   // relative to the project: conf
	baseEnv string   // base
	catalog []string // patterns of the catalog's files, relative to an environment
}

// Literals of settings.py that say otherwise than Kedro's defaults. What is computed there is only known to a snapshot.
var (
	confSourceLiteral = regexp.MustCompile(`(?m)^CONF_SOURCE\s*(?::\s*str\s*)?=\s*["']([^"'\n]+)["']`)
	// config_patterns: {"catalog": ["…", "…"]}; merge_strategy has a word there and no list.
	catalogLiteral = regexp.MustCompile(`(?m)^[^#\n]*["']catalog["']\s*:\s*\[([^\]]*)\]`)
	stringLiteral  = regexp.MustCompile(`["']([^"'\n]+)["']`)
	baseEnvLiteral = regexp.MustCompile(`["']?\bbase_env["']?\s*[:=]\s*["']([^"'\n]+)["']`)
)

func (p Project) conf() confPlace {
	place := confPlace{"conf", "base", catalogPatterns}
	text, err := os.ReadFile(filepath.Join(p.SourceDir, p.Package, "settings.py"))
	if err != nil {
		return place
	}
	if match := confSourceLiteral.FindSubmatch(text); match != nil {
		place.source = string(match[1])
	}
	if match := baseEnvLiteral.FindSubmatch(text); match != nil {
		place.baseEnv = string(match[1])
	}
	if match := catalogLiteral.FindSubmatch(text); match != nil {
		place.catalog = nil
		for _, pattern := range stringLiteral.FindAllSubmatch(match[1], -1) {
			place.catalog = append(place.catalog, string(pattern[1]))
		}
	}
	return place
}

// ConfSource is the directory of the configuration, relative to the project, as settings.py writes it; conf where that names none by a literal.
func (p Project) ConfSource() string { return p.conf().source }

// CheckBucket compares the bucket of the settings with s3_bucket in the globals of the environment, which the catalog's paths are made of. Where both
// name one they must be the same: else it is a *[SettingsError].
func (p Project) CheckBucket() error {
	file := filepath.Join(p.conf().source, p.Env, "globals.yml")
	bucket, err := globalsBucket(p, file)
	if err != nil || bucket == "" || p.Settings.Bucket == "" || bucket == p.Settings.Bucket {
		return err
	}
	return &SettingsError{
		Source: filepath.ToSlash(file), Key: "s3_bucket",
		Reason: fmt.Sprintf("is %q, but the settings' bucket is %q", bucket, p.Settings.Bucket),
		Next:   "name the same bucket in both: the catalog's paths come from the one, uploads and permissions from the other",
	}
}

// globalsBucket is s3_bucket of a globals file, "" where it is absent or computed.
func globalsBucket(p Project, file string) (string, error) {
	if !exists(filepath.Join(p.Dir, file)) {
		return "", nil
	}
	root, err := readYAML(filepath.Join(p.Dir, file))
	if err != nil {
		return "", fmt.Errorf("read globals: %w", err)
	}
	bucket, _ := lookup(root, "s3_bucket")
	if strings.Contains(bucket, "${") {
		return "", nil
	}
	return bucket, nil
}

// chooseBucket is the bucket that settings or globals name already, else a new name.
func chooseBucket(p Project, conf confPlace, random io.Reader) (string, error) {
	_, m, err := find(p.Dir)
	if err != nil {
		return "", err
	}
	p.Settings.Bucket = ownBucket(p, m)
	if err := p.CheckBucket(); err != nil {
		return "", err
	}
	named, err := globalsBucket(p, path.Join(conf.source, p.Env, "globals.yml"))
	if err != nil {
		return "", err
	}
	if named = firstOf(p.Settings.Bucket, named, baseBucket(p, conf, m)); named != "" {
		return named, nil
	}
	return NewBucketName(p, random)
}

// NewBucketName is a name that no other bucket has.
func NewBucketName(p Project, random io.Reader) (string, error) {
	suffix := make([]byte, 4)
	if _, err := io.ReadFull(random, suffix); err != nil {
		return "", fmt.Errorf("choose the bucket's name: %w", err)
	}
	return p.Settings.AWS.Prefix + "kedro-" + Slug(p.Name) + "-" + hex.EncodeToString(suffix), nil
}

// ownBucket is the bucket of the settings. Every environment has a bucket of its own, so one other than the default does not inherit that of
// [tool.kedroctl].
func ownBucket(p Project, m manifest) string {
	if p.Env != DefaultEnv && settingOf(m, "bucket") == p.Settings.Bucket {
		return ""
	}
	return p.Settings.Bucket
}

// baseBucket is s3_bucket of base's globals: the project's data is there. A second environment does not share it with the default one.
func baseBucket(p Project, conf confPlace, m manifest) string {
	bucket, err := globalsBucket(p, path.Join(conf.source, conf.baseEnv, "globals.yml"))
	if err != nil || !validBucket(bucket) || (p.Env != DefaultEnv && settingOf(m, "bucket") == bucket) {
		return ""
	}
	return bucket
}

// settingOf is a setting as the tables of pyproject.toml have it, below [tool.kedroctl].
func settingOf(m manifest, path ...string) string {
	at := m.Tool.Kedroctl
	for _, key := range path {
		table, _ := at.(map[string]any)
		at = table[key]
	}
	text, _ := at.(string)
	return text
}

// draftDeclarations adds settings and s3fs to pyproject.toml, or s3fs to the requirements file that holds the project's dependencies.
func draftDeclarations(p Project, o InitOptions, bucket string) ([]draft, error) {
	d, err := openDraft(p, Pyproject, "has the settings of kedroctl")
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(d.text)
	if err != nil {
		return nil, err
	}
	if d.text, err = addSettings(d.text, m, p.Env, o.Region, bucket); err != nil {
		return nil, err
	}
	if o.Dockerfile != "" && settingOf(m, "image", "dockerfile") == "" {
		table := []string{"tool", "kedroctl", "image"}
		if d.text, err = edit.Set(d.text, table, "dockerfile", o.Dockerfile); err != nil {
			return nil, byHand(err, table, "dockerfile", o.Dockerfile)
		}
	}
	if p.HasS3fs() {
		return []draft{d}, nil
	}
	if p.DependencyFile != Pyproject {
		requirements, err := openDraft(p, p.DependencyFile, "has s3fs among the dependencies: data is read from and written to S3")
		requirements.text = appendLine(requirements.text, s3fsRequirement)
		requirements.note = p.installNote()
		return []draft{d, requirements}, err
	}
	if d.text, d.note, err = p.addDependency(d.text, m); err != nil {
		return nil, err
	}
	return []draft{d}, nil
}

// addSettings writes the bucket and the region where no table for the environment names one.
func addSettings(text string, m manifest, env, region, bucket string) (string, error) {
	table := []string{"tool", "kedroctl"}
	bucketTable := table
	if env != DefaultEnv {
		bucketTable = []string{"tool", "kedroctl", "env", env}
	}
	var err error
	if region != "" && settingOf(m, "region") == "" && settingOf(m, "env", env, "region") == "" {
		if text, err = edit.Set(text, table, "region", region); err != nil {
			return "", byHand(err, table, "region", region)
		}
	}
	has := settingOf(m, "env", env, "bucket") != "" || (env == DefaultEnv && settingOf(m, "bucket") != "")
	if has {
		return text, nil
	}
	if text, err = edit.Set(text, bucketTable, "bucket", bucket); err != nil {
		return "", byHand(err, bucketTable, "bucket", bucket)
	}
	return text, nil
}

func byHand(err error, table []string, key, value string) error {
	name := strings.Join(table, ".")
	return &SettingsError{
		Source: Pyproject, Key: name, Reason: err.Error(),
		Next: fmt.Sprintf("add %s = %q to [%s] by hand, then run 'kedroctl init' again", key, value, name),
	}
}

const addNote = "add " + s3fsRequirement + " to the project's dependencies: they are not declared in a file that kedroctl knows"

func (p Project) installNote() string {
	return fmt.Sprintf("%s added; '%s' installs it", s3fsName, p.InstallCommand())
}

// bringsS3fs says whether a requirement is s3fs, or has an extra that is.
func bringsS3fs(requirement string) bool {
	list := extrasOf(requirement)
	switch DistributionName(requirement) {
	case s3fsName:
		return true
	case "fsspec":
		return slices.Contains(list, "s3")
	case "kedro-viz":
		return slices.Contains(list, "aws")
	}
	return false
}

// addDependency adds s3fs where pyproject.toml itself declares the dependencies.
func (p Project) addDependency(text string, m manifest) (edited, note string, err error) {
	switch {
	case len(m.Project.Dependencies) == 0 && len(m.Tool.Poetry.Dependencies) > 0:
		table := []string{"tool", "poetry", "dependencies"}
		if edited, err = edit.Set(text, table, s3fsName, s3fsVersion); err != nil {
			err = byHand(err, table, s3fsName, s3fsVersion)
		}
		return edited, p.installNote(), err
	case m.Project.Name == "" || slices.Contains(m.Project.Dynamic, "dependencies"):
		return text, addNote, nil
	}
	edited, err = edit.Append(text, []string{"project"}, "dependencies", s3fsRequirement)
	if err != nil {
		next := fmt.Sprintf("add %q to the dependencies by hand, then run 'kedroctl init' again", s3fsRequirement)
		err = &SettingsError{Source: Pyproject, Key: "project.dependencies", Reason: err.Error(), Next: next}
	}
	return edited, p.installNote(), err
}

// draftGlobals names the bucket for the catalog. CheckBucket has passed: a bucket that is there is the right one.
func draftGlobals(p Project, file, bucket string) (draft, error) {
	d, err := openDraft(p, file, "names the bucket for the paths of catalogs, as ${globals:s3_bucket}")
	if err != nil {
		return d, err
	}
	if d.isNew {
		d.text, err = render("globals.yml", struct{ Bucket string }{bucket})
		return d, err
	}
	root, err := readYAML(filepath.Join(p.Dir, file))
	if err != nil || field(root, "s3_bucket") != nil {
		return d, err
	}
	d.text = appendLine(d.text, "s3_bucket: "+bucket)
	if root, err := parseYAML([]byte(d.text)); err != nil || field(root, "s3_bucket") == nil {
		line := fmt.Sprintf("add s3_bucket: %s by hand, then run 'kedroctl init' again", bucket)
		return d, &SettingsError{Source: file, Reason: errors.Join(edit.ErrShape, err).Error(), Next: line}
	}
	return d, nil
}
