// Package build takes a Kedro project and its snapshot and gives an image in a registry: the project's wheel, the input key that names all a build may
// read, the image that the Docker Engine's BuildKit, or this package without an engine, makes of wheel, dependencies and configuration, and its digest at
// Amazon ECR.
//
// The stages stand for themselves: [Package] makes the wheel, [Engine.Build] or [Assembler.Build] the image, [Engine.Smoke] proves that the image holds the same
// pipelines as the project, [Engine.Push] sends it. [InputKey] and [Registry.Find] tell beforehand whether any of it is needed.
//
// Nothing in the user's tree is changed, and nothing secret leaves it: conf/local is never read, and a file with literal credentials stays out of
// the build context (see [Left]).
package build
