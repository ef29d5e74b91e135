package project

// Project is a directory with a pyproject.toml that has [tool.kedro], as read from disk.
type Project struct {
	Dir            string // absolute
	Package        string // package_name
	Name           string // project_name
	KedroInit      string // kedro_init_version
	SourceDir      string // absolute; source_dir, by default src
	RequiresPython string // [project] requires-python or Poetry's python, "" where neither says anything

	// Dependencies are the requirements as declared, with extras and markers, in PEP 508 form (Poetry's own translated), and those of image.extras;
	// DependencyFile is the file that holds them, relative to the project: pyproject.toml, or what a dynamic declaration
	// reads, such as requirements.txt.
	Dependencies   []string
	DependencyFile string

	Env      string // the configuration environment that Settings are resolved for
	Settings Settings
}
