package project

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// draftCatalog makes the catalog file of the environment. Written before, it is made anew as long as its hash shows that nobody changed it;
// changed, it stays, and the note says what it lacks. Where nothing is to be said there is no file.
func draftCatalog(ctx context.Context, p Project, conf confPlace, take func(context.Context, string) (Snapshot, error)) ([]draft, error) {
	env := p.Env
	if !exists(filepath.Join(p.Dir, conf.source, env)) {
		env = conf.baseEnv // Kedro refuses an environment without a directory
	}
	snapshot, err := take(ctx, env)
	if err != nil {
		return nil, err
	}
	conf.source, conf.baseEnv = firstOf(snapshot.ConfSource, conf.source), firstOf(snapshot.BaseEnv, conf.baseEnv)
	d, err := openDraft(p, path.Join(conf.source, p.Env, "catalog.yml"), catalogWhy)
	if err != nil {
		return nil, err
	}
	if unread(&d, conf) {
		return []draft{d}, nil
	}
	owned := d.isNew || isOurs(d.text)
	e, err := entriesFor(p, conf, d, owned)
	if err != nil {
		return nil, err
	}
	e.build(snapshot)
	d.note = strings.Join(e.notes, "; ")
	if !owned {
		d.kept, d.note = true, keptNote(e)
		return []draft{d}, nil
	}
	if d.isNew && len(e.out) == 0 {
		return nil, nil
	}
	d.text, err = catalogText(e)
	return []draft{d}, err
}

// unread says whether Kedro would not read the file, and keeps it as it is then.
func unread(d *draft, conf confPlace) bool {
	if matches(conf.catalog, "catalog.yml") {
		return false
	}
	d.kept, d.note = true, fmt.Sprintf("CONFIG_LOADER_ARGS in settings.py makes Kedro read the catalog of %s only: write entries into such a file by hand",
		strings.Join(conf.catalog, ", "))
	return true
}

const catalogWhy = "puts on S3 what the base catalog has on this machine or in memory"

func entriesFor(p Project, conf confPlace, d draft, owned bool) (*entries, error) {
	file := filepath.Join(p.Dir, d.path)
	except := ""
	if owned {
		except = file
	}
	e, err := newEntries(p, conf, p.Env, except)
	if err != nil {
		return nil, err
	}
	e.pickles = len(p.Dependencies) == 0 || slices.ContainsFunc(p.Dependencies, func(r string) bool { return DistributionName(r) == "kedro-datasets" })
	if owned && !d.isNew {
		err = e.ours.read(file)
	}
	return e, err
}

func keptNote(e *entries) string {
	lacking := slices.Sorted(maps.Keys(e.out))
	if len(lacking) == 0 {
		return "yours; it has all that is needed"
	}
	return "yours; without an S3 entry: " + strings.Join(lacking, ", ")
}

// hashLine is the line of the header that shows whether the file is as we wrote it.
var hashLine = regexp.MustCompile(`(?m)^# kedroctl: ([0-9a-f]{16})$`)

func isOurs(text string) bool {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	at := hashLine.FindStringSubmatchIndex(text)
	return at != nil && text[at[2]:at[3]] == hashOf(text[at[1]:])
}

// hashOf takes the text without blank space around it, as editors trim that.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(strings.TrimSpace(text)))
	return hex.EncodeToString(sum[:8])
}

func catalogText(e *entries) (string, error) {
	text, err := e.text()
	if err != nil {
		return "", fmt.Errorf("write catalog: %w", err)
	}
	return render("catalog.yml", struct{ Hash, Entries string }{hashOf(text), text})
}
