package project

// Project is a directory with a pyproject.toml that has [tool.kedro], as read from disk.
type Project struct {
	Dir            string // absolute
	Package        string // package_name
	Name           string // project_name
	KedroInit      string // kedro_init_version
	SourceDir      string // absolute; source_dir, by default src
	RequiresPython string // [project] requires-python, "" where it says nothing
	Env            string // the configuration environment that Settings are resolved for
	Settings       Settings
}
