package vendored

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// Every file is the one that docs/decisions/dependencies.md names.
func TestFilesAreNamed(t *testing.T) {
	text, err := os.ReadFile("../../docs/decisions/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = fs.WalkDir(Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		sum := sha256.Sum256([]byte(Read(path)))
		if line := "internal/vendored/" + path; !strings.Contains(string(text), line) || !strings.Contains(string(text), hex.EncodeToString(sum[:])) {
			t.Errorf("%s has SHA-256 %x, which isn't in dependencies.md", path, sum)
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Errorf("%d files: %v", n, err)
	}
}
