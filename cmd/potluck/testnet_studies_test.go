package main

import (
	"os"
	"path/filepath"
	"testing"

	"potluck/testnet/scenario"
)

// Every study, at its small size, gives the figures that it states, and keeps
// its books after every event.
func TestStudies(t *testing.T) {
	files, err := filepath.Glob("../../testnet/studies/*/scenario.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d studies, %v", len(files), err)
	}
	buildProgram(t)
	for _, file := range files {
		dir, err := filepath.Abs(filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(dir, "README.md")); err != nil {
				t.Error("the study has no page")
			}
			if _, err := scenario.Load(filepath.Join(dir, "scenario.toml")); err != nil {
				t.Errorf("at full size: %v", err)
			}
			b := bench{t, t.TempDir()}
			b.must("sim", filepath.Join(dir, "scenario.toml"), "--small", "--check", "--expect", filepath.Join(dir, "expected.toml"))
		})
	}
}
