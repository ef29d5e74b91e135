package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// check finds what would fail or surprise in the jobs besides where single datasets lie.
func (d *data) check(o Options) {
	d.checkTranscoding()
	d.noteStaged()
	d.checkSharedPaths()
	d.checkCredentials()
	d.checkEnvironment()
	d.checkOpen(o)
	d.checkRuntime()
	d.checkParameters(o.Params)
	d.checkDropped(o.Params)
	d.checkSnapshot()
}

// checkTranscoding compares the sides of a dataset: at another path than the side that is saved (or uploaded) they would read something else.
func (d *data) checkTranscoding() {
	for _, name := range sortedKeys(d.sides) {
		from := d.definition(name)
		for _, side := range d.sides[name] {
			to := definition(d.snapshot, side)
			if placeOf(from) != placeOf(to) || localPath(from.Path) != localPath(to.Path) {
				d.find(Error, CodeTranscodingDiffers, side, fmt.Sprintf("it is at %s, and another side of %s at %s", where(to), name, where(from)),
					"give all sides of a transcoded dataset the same path")
			}
		}
	}
}

// noteStaged says which classes are given files on disk.
func (d *data) noteStaged() {
	staged := map[string][]string{} // class: names
	for _, row := range d.rows {
		if row.Action != Stage {
			continue
		}
		for _, side := range d.sides[row.Name] {
			if class := definition(d.snapshot, side).Type; d.wantsDisk(class) {
				staged[class] = append(staged[class], side)
			}
		}
	}
	for _, class := range sortedKeys(staged) {
		code, why := CodeClassLocalOnly, "it cannot load and save under s3://"
		if isOwn(class, d.snapshot.Package) {
			code, why = CodeClassOwn, "only the project knows whether its own class can load and save under s3://"
		}
		d.find(Note, code, class, why+": jobs fetch the files of "+strings.Join(staged[class], ", ")+" to their disk, and send them after each save",
			"a path in S3 in the catalog of the environment spares the copies, where the class can use that")
	}
}

func where(def project.Dataset) string {
	switch placeOf(def) {
	case memory:
		return "no path, in memory"
	case nowhere:
		return "no path"
	}
	return def.Path
}

// checkSharedPaths finds datasets that end at one path in the bucket. Where the project has them at different paths that is an error; where it has
// them at one path it is its own intention, but no edge orders those who use it.
func (d *data) checkSharedPaths() {
	at := map[string][]string{}  // path: names, those left out that are loaded only after they are saved
	from := map[string]Dataset{} // path: the first dataset there
	for _, row := range d.rows {
		if !strings.HasPrefix(row.Path, "s3") {
			continue
		}
		key := strings.TrimRight(row.Path, "/")
		if first, seen := from[key]; !seen {
			from[key] = row
		} else if origin(first) != origin(row) {
			d.find(Error, CodePathCollision, row.Name, fmt.Sprintf("it would lie at %s like %s, and the project has them at %s and %s",
				row.Path, first.Name, origin(row), origin(first)), "change one of the paths")
		}
		if adopted := row.Role != d.role(row.Name); !adopted {
			at[key] = append(at[key], row.Name)
		}
	}
	for _, key := range sortedKeys(at) {
		d.noteShared(key, at[key])
	}
}

// origin is where the project has a dataset.
func origin(row Dataset) string {
	if row.Local != "" {
		return row.Local
	}
	return strings.TrimRight(row.Path, "/")
}

func (d *data) noteShared(path string, names []string) {
	made := slices.ContainsFunc(names, func(name string) bool { return d.role(name) != Input })
	if len(names) > 1 && made {
		d.find(Note, CodePathShared, strings.Join(names, ", "), "they all lie at "+path+"; only data that nodes hand over orders those who use it", "")
	}
}

// datasetNames are all names of datasets that nodes use, each side of a transcoded one for itself, sorted.
func (d *data) datasetNames() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for _, sides := range d.sides {
			for _, name := range sides {
				if !yield(name) {
					return
				}
			}
		}
	})
}

// checkCredentials warns of credentials that no secret holds: conf/local, where most projects keep them, is never in the image.
func (d *data) checkCredentials() {
	users := map[string][]string{}
	for _, name := range d.datasetNames() {
		entry := definition(d.snapshot, name).Credentials
		if _, secret := d.settings.Credentials[entry]; entry != "" && !secret {
			users[entry] = append(users[entry], name)
		}
	}
	for _, entry := range sortedKeys(users) {
		d.find(Warning, CodeCredentials, entry, "credentials of "+strings.Join(users[entry], ", ")+": conf/local is not in the image",
			fmt.Sprintf("keep the entry as JSON in a secret and name it: %q = \"arn:…\" in [tool.kedroctl.credentials]; S3 needs none, jobs have a role", entry))
	}
}

// secretName is a name of a variable that mostly holds a secret.
var secretName = regexp.MustCompile(`(?i)(^|_)(passw(or)?d|passphrase|secret|token|credentials?|(api|secret|access|account|private)_?key)$`)

// checkEnvironment warns of secrets among the jobs' variables: whoever may look at the job definition reads them.
func (d *data) checkEnvironment() {
	for _, name := range sortedKeys(d.settings.Job.Environment) {
		if secretName.MatchString(name) && d.settings.Job.Environment[name] != "" {
			d.find(Warning, CodeSecretInEnvironment, name, "it looks like a secret, and all who may describe jobs in the account can read it",
				"keep it in Secrets Manager or Parameter Store, and name its ARN in [tool.kedroctl.job] secrets")
		}
	}
}

// checkOpen finds runtime parameters without a default. A deployment does without them, no run does: Kedro loads the whole configuration.
func (d *data) checkOpen(o Options) {
	level := Error
	if o.Whole {
		level = Note
	}
	for _, name := range d.snapshot.NotGiven(o.Params) {
		d.find(level, CodeRuntimeMissing, name, "the configuration has no default for it, so each run has to give it",
			"give it with --params "+name+"=…, or write a default")
	}
}

func (d *data) checkRuntime() {
	for _, name := range d.datasetNames() {
		if definition(d.snapshot, name).Runtime {
			d.find(Note, CodeRuntimeParameters, name, "its definition depends on runtime parameters; another --params may give another path", "")
		}
	}
}

// checkParameters finds parameters that nodes take and neither a file nor --params gives.
func (d *data) checkParameters(given []string) {
	for _, name := range d.snapshot.MissingParameters {
		key := strings.TrimPrefix(name, "params:")
		isGiven := slices.ContainsFunc(given, func(g string) bool { return within(g, key) || within(key, g) })
		if loaders := d.loaders[name]; len(loaders) > 0 && !isGiven {
			d.find(Error, CodeParameterMissing, name, "node "+d.nodes[loaders[0]].Name+" takes it, and no parameters file has it",
				"add it to the parameters of base or "+d.snapshot.Env+", or give it with --params "+key+"=…")
		}
	}
}

// checkDropped finds parameters that Kedro loses because --params names another one beside them: it merges what is given into the parameters of each
// environment, and an environment's entry then replaces that of base as a whole.
func (d *data) checkDropped(given []string) {
	lost, level := map[string][]string{}, map[string]string{} // by the top-level entry
	for _, name := range d.snapshot.DroppedParameters {
		top, _, _ := strings.Cut(name, ".")
		beside := slices.ContainsFunc(given, func(g string) bool { return strings.HasPrefix(g, top+".") })
		replaced := slices.ContainsFunc(given, func(g string) bool { return within(name, g) || within(g, name) })
		if !beside || replaced || !d.takes(name) {
			continue
		}
		lost[top] = append(lost[top], name)
		if len(d.loaders["params:"+name]) > 0 || level[top] == Error {
			level[top] = Error // Kedro does not start without it
		} else {
			level[top] = Warning
		}
	}
	for _, top := range sortedKeys(lost) {
		d.find(level[top], CodeParametersDropped, "params:"+top, fmt.Sprintf("--params names a part of it, and as environment %s has parameters of its own, Kedro drops the rest: %s",
			d.snapshot.Env, strings.Join(lost[top], ", ")),
			fmt.Sprintf("give these with --params too, or write all of %s into the parameters of %s; CONFIG_LOADER_ARGS with merge_strategy {\"parameters\": \"soft\"} keeps them", top, d.snapshot.Env))
	}
}

// takes says whether a node loads a parameter, by itself or as a part of another one.
func (d *data) takes(parameter string) bool {
	if len(d.loaders["parameters"]) > 0 {
		return true
	}
	for input := range d.loaders {
		if key, is := strings.CutPrefix(input, "params:"); is && (within(parameter, key) || within(key, parameter)) {
			return true
		}
	}
	return false
}
