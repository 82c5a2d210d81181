package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"github.com/zeebo/blake3"
)

// digests gives every file of a directory but locks, by name.
func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "lock" {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = fmt.Sprintf("%x", blake3.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Of books that lack a part nothing is made up: they are refused as they lie there.
func TestHalfBooks(t *testing.T) {
	c := newClock()
	from := t.TempDir()
	b := openBook(t, from, c)
	note(t, b, 3, "kept")
	mustClose(t, b)
	manifest := filepath.Join(badgerDir, badger.ManifestFilename)
	for _, lost := range []struct {
		parts string
		made  bool
		want  error
	}{
		{headName, true, ErrCut},
		{manifest, true, ErrDamaged},
		{badgerDir, true, ErrDamaged},
		{formatFile, true, ErrDamaged},
		{manifest + " " + headName, true, ErrDamaged},
		{badgerDir + " " + formatFile, true, ErrDamaged},
		{formatFile + " " + headName, true, ErrDamaged},
		{badgerDir + " " + headName, false, nil},
	} {
		dir := copyBooks(t, from)
		for _, part := range strings.Fields(lost.parts) {
			if err := os.RemoveAll(filepath.Join(dir, part)); err != nil {
				t.Fatal(err)
			}
		}
		if made, err := Made(dir); err != nil || made != lost.made {
			t.Errorf("without %s: made %v, %v", lost.parts, made, err)
		}
		before := digests(t, dir)
		b, err := Open(t.Context(), config(dir, c))
		if !errors.Is(err, lost.want) {
			t.Errorf("without %s: %v, want %v", lost.parts, err, lost.want)
		}
		if err == nil {
			mustClose(t, b)
			continue
		}
		if after := digests(t, dir); !maps.Equal(before, after) {
			t.Errorf("without %s: refused, and changed from %v to %v", lost.parts, before, after)
		}
	}
}

// A death while the first books are being made leaves what the next Open takes up.
func TestCutBeginning(t *testing.T) {
	c := newClock()
	for _, files := range []string{"", "lock", "lock format", "lock format head", "lock format head ballast"} {
		dir := t.TempDir()
		for _, name := range strings.Fields(files) {
			text := ""
			if name == formatFile {
				text = fmt.Sprintf(formatText, formatVersion)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b, err := Open(t.Context(), config(dir, c))
		if err != nil {
			t.Errorf("after %q: %v", files, err)
			continue
		}
		clean(t, b)
		mustClose(t, b)
	}
}
