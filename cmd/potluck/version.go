package main

import (
	"runtime"
	"runtime/debug"

	"potluck"
)

type versionCmd struct{}

// versionInfo is the JSON of "version".
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source, where the build knows it
	Modified bool   `json:"modified,omitempty"` // the source had changes that weren't committed
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

// Run prints the version.
func (v *versionCmd) Run(c *cli) error {
	info := versionInfo{Version: potluck.Version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, s := range build.Settings {
			switch s.Key {
			case "vcs.revision":
				info.Revision = s.Value
			case "vcs.modified":
				info.Modified = s.Value == "true"
			}
		}
	}
	if c.JSON {
		return c.emit(info)
	}
	c.printf("potluck %s (%s, %s/%s)", info.Version, info.Go, info.OS, info.Arch)
	if info.Revision != "" {
		c.printf("revision %s", info.Revision)
	}
	return nil
}
