// Package realtest gives tests with the build tag real the parts that scripts/test-real has made. Where one is missing the test is skipped; under CI=true
// it fails, but for Terraform, which no package index has.
package realtest
