package project

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Survey is what a project's files alone tell before [Init]: neither Python nor AWS is asked.
type Survey struct {
	First      bool   // the settings name no bucket for the environment yet
	Bucket     string // that its globals name; "": none
	Dockerfile string // one that is there and that the settings say nothing of; "": none
	BaseBucket string // that base's globals name, and that [Init] takes where nobody says otherwise; "": none
	Seen       []Seen
}

// Seen is something that is there already, and what it means for kedroctl.
type Seen struct {
	Thing   string `json:"thing"` // a file, relative to the project, or what was counted
	Meaning string `json:"meaning"`
}

// Look surveys a project. What cannot be read is passed over: [Init] and the checks say so.
func Look(p Project) (Survey, error) {
	conf := p.conf()
	_, m, err := find(p.Dir)
	if err != nil {
		return Survey{}, err
	}
	s := Survey{First: ownBucket(p, m) == ""}
	if s.First {
		s.bucket(p, conf, m)
	}
	s.environments(p, conf)
	s.sources(p)
	if dockerfile, err := os.ReadFile(filepath.Join(p.Dir, "Dockerfile")); err == nil && p.Settings.Image.Dockerfile == "" && p.Settings.Image.Use == "" {
		s.Dockerfile = "Dockerfile"
		meaning := "kedroctl makes an image of its own; yours is neither read nor changed, unless [tool.kedroctl.image] dockerfile names it"
		if strings.Contains(string(dockerfile), "apt-get install") {
			meaning += "; name Debian packages that it installs in [tool.kedroctl.image] system_packages"
		}
		s.add("Dockerfile", meaning)
	}
	return s, nil
}

func (s *Survey) add(thing, meaning string) { s.Seen = append(s.Seen, Seen{thing, meaning}) }

// bucket takes over a bucket that the project names. One that base computes is unknown, and gives way to one of the environment's own.
func (s *Survey) bucket(p Project, conf confPlace, m manifest) {
	base := path.Join(conf.source, conf.baseEnv, "globals.yml")
	s.Bucket, _ = globalsBucket(p, path.Join(conf.source, p.Env, "globals.yml"))
	if s.Bucket != "" {
		return
	}
	if s.BaseBucket = baseBucket(p, conf, m); s.BaseBucket != "" {
		s.add(base, fmt.Sprintf("s3_bucket is %s: the bucket of %s too, unless another is chosen", s.BaseBucket, p.Env))
		return
	}
	if root, err := readYAML(filepath.Join(p.Dir, base)); err == nil && field(root, "s3_bucket") != nil {
		s.add(base, fmt.Sprintf("names an s3_bucket too: %s gets one of its own, which goes before it", p.Env))
	}
}

// environments tells what lies on S3 already.
func (s *Survey) environments(p Project, conf confPlace) {
	root := filepath.Join(p.Dir, conf.source)
	files, err := os.ReadDir(filepath.Join(root, p.Env))
	if s.First && err == nil && len(files) > 0 {
		s.add(path.Join(conf.source, p.Env), "is there: what it has is kept")
	}
	if n := onS3(p, conf, p.Env); n > 0 {
		s.add(counted(n, "dataset")+" on S3", "they stay where they are; 'kedroctl plan' lists the access that jobs get for them")
	}
	others, _ := os.ReadDir(root)
	for _, dir := range others {
		if name := dir.Name(); dir.IsDir() && name != conf.baseEnv && name != p.Env && name != "local" && onS3(p, confPlace{conf.source, name, conf.catalog}, name) > 0 {
			s.add(path.Join(conf.source, name), fmt.Sprintf("has a catalog on S3: 'kedroctl --env %s init' prepares that environment", name))
		}
	}
}

// onS3 counts the entries of an environment, over those of base, that have a path on S3.
func onS3(p Project, conf confPlace, env string) int {
	e, err := newEntries(p, conf, env, "")
	if err != nil {
		return 0
	}
	n := 0
	for key, entry := range e.base.entries {
		if own := e.env.entries[key]; own != nil {
			entry = own
		}
		if e.remote(key, entry) {
			n++
		}
	}
	for key, entry := range e.env.entries {
		if e.base.entries[key] == nil && e.remote(key, entry) {
			n++
		}
	}
	return n
}

// remote says whether an entry has a path on S3, in a nested definition too.
func (e *entries) remote(key string, n *yaml.Node) bool {
	if strings.HasPrefix(key, "_") || n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i].Value, n.Content[i+1]
		if value.Kind == yaml.MappingNode && e.remote(name, value) {
			return true
		}
		if value.Kind == yaml.ScalarNode && isPathKey(name) && s3Scheme.MatchString(e.expand(value.Value, 0)) {
			return true
		}
	}
	return false
}

var (
	s3Scheme  = regexp.MustCompile(`^s3[an]?://`)
	namespace = regexp.MustCompile(`\bnamespace\s*=\s*([^\s,)]+)`)
)

// sources tells what groups follow, and a runner as Kedro's guide has it.
func (s *Survey) sources(p Project) {
	files, _ := SourceFiles(p)
	spaces := 0
	for _, file := range files {
		if path.Ext(file) != ".py" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(p.Dir, file))
		if err != nil {
			continue
		}
		if match := namespace.FindSubmatch(text); match != nil && string(match[1]) != "None" {
			spaces++
		}
		if strings.Contains(string(text), "class AWSBatchRunner(") {
			s.add(file, "the runner of Kedro's guide may stay; kedroctl does not need it")
		}
	}
	if spaces > 0 {
		s.add("namespaces in "+counted(spaces, "file"), "each becomes a job; 'kedroctl plan --compare' shows other ways")
		return
	}
	s.add("no namespaces", "jobs follow the registered pipelines; 'kedroctl plan --compare' shows other ways")
}

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
