// Package project takes the directory of a Kedro project and gives what kedroctl needs to know of it: the fields of pyproject.toml, the settings in
// [tool.kedroctl], and the snapshot that introspection takes with the project's own interpreter; and it writes what `kedroctl init` adds.
//
// Rules:
//   - Kedro's configuration is resolved by Kedro alone. Catalog files are read here as plain YAML, only to copy entries with ${…} as written.
//   - Reading changes nothing in the tree: no telemetry id, no byte code, no environment made by a package manager.
//   - Init drafts every file before it writes the first, and never takes away what a person wrote.
//   - What the user can mend is a *[SettingsError], a *[ProjectError] or a *[NoPythonError], each with a hint.
package project
