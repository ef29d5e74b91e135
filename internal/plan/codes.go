package plan

// Codes of findings. They are stable, and docs/findings.md explains each.
const (
	// The project as it is loaded.
	CodeEnvironmentMissing  = "environment-missing"
	CodeGlobalsMissing      = "globals-missing"
	CodeImportFailed        = "import-failed"
	CodeKedroMismatch       = "kedro-mismatch"
	CodeNamespaceSplit      = "namespace-interrupted"
	CodeParameterMissing    = "parameter-missing"
	CodeParametersDropped   = "parameters-dropped"
	CodePipelineLeftOut     = "pipeline-left-out"
	CodeProjectRaises       = "project-raises"
	CodeProjectWarns        = "project-warns"
	CodeRuntimeMissing      = "runtime-parameter-missing"
	CodeRuntimeParameters   = "runtime-parameters"
	CodeSecretInEnvironment = "secret-in-environment"

	// Data.
	CodeClassLocalOnly     = "class-local-only"
	CodeClassRenamed       = "class-renamed"
	CodeClassOwn           = "class-own"
	CodeCredentials        = "credentials"
	CodeCrossingElsewhere  = "crossing-elsewhere"
	CodeCrossingLocal      = "crossing-local"
	CodeCrossingMemory     = "crossing-memory"
	CodeInputLocal         = "input-local"
	CodeInputMissing       = "input-missing"
	CodeOutputLost         = "output-lost"
	CodePathCollision      = "path-collision"
	CodePathOutside        = "path-outside"
	CodePathReserved       = "path-reserved"
	CodePathShared         = "path-shared"
	CodeSandboxEscape      = "sandbox-escape"
	CodeTranscodingDiffers = "transcoding-differs"
	CodeVersionLatest      = "version-latest"

	// What the image has not, or has otherwise.
	CodeConfigExposed   = "config-exposed"
	CodeConfigLeftOut   = "config-left-out"
	CodeEntryDiffers    = "entry-differs"
	CodeImageHeavy      = "image-heavy"
	CodeLocalDiffers    = "local-differs"
	CodeLocalOnly       = "local-only"
	CodeLoggingFactory  = "logging-factory"
	CodeLoggingFile     = "logging-file"
	CodeMLflowLocal     = "mlflow-local"
	CodePythonDiffers   = "python-differs"
	CodePythonMismatch  = "python-mismatch"
	CodeS3fsMissing     = "s3fs-missing"
	CodeVariableMissing = "variable-missing"
	CodeWheelLacks      = "wheel-lacks"

	// Nodes and hooks.
	CodeHooks            = "hooks"
	CodeManyParents      = "many-parents"
	CodeNodeUnnamed      = "node-unnamed"
	CodePipelineComposed = "pipeline-composed"
	CodePipelinesApart   = "pipelines-apart"

	// Groups.
	CodeConfirmsMoved     = "confirms-moved"
	CodeGroupCycle        = "group-cycle"
	CodeGroupsOverlap     = "groups-overlap"
	CodeGroupsUnmatched   = "groups-unmatched"
	CodeNodeName          = "node-name"
	CodeSettingsUnmatched = "settings-unmatched"
)
