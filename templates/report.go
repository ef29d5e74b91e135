package templates

import _ "embed"

//go:embed report/page.html.tmpl
var report string

// Report returns the html/template of the page of a run; package run/report fills it in.
func Report() string {
	return report
}
