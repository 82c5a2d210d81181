// Package vendored holds the scripts and styles of others that our pages show
// themselves with, as they were published; docs/decisions/dependencies.md has
// their versions, licences and hashes.
package vendored

import "embed"

//go:embed uplot preact d3
var files embed.FS

// Files gives them: uplot/ draws lines over time, preact/ keeps a page as its
// data says, d3/ lays graphs out. The licences lie beside.
func Files() embed.FS { return files }

// Read gives one of them. A name that isn't there is a mistake in the program,
// and panics.
func Read(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic("vendored: " + err.Error())
	}
	return string(b)
}
