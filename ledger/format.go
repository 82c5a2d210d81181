package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"potluck/internal/durable"
)

// formatVersion is the version of everything in the books' directory. It is
// kept in a file beside the database, so that books of a newer program are
// recognised before their database is touched.
const formatVersion = 1

const (
	formatFile = "format"
	formatText = "potluck ledger %d\n"
)

// checkFormat reads the marker, or writes it into a directory without books.
func checkFormat(dir string, made bool) error {
	path := filepath.Join(dir, formatFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, badgerDir)); err == nil || made {
			return fmt.Errorf("%s is missing beside a database: %w", formatFile, ErrDamaged)
		}
		return durable.WriteFile(path, fmt.Appendf(nil, formatText, formatVersion), 0o600)
	}
	if err != nil {
		return err
	}
	version, err := parseFormat(text)
	if err != nil {
		return fmt.Errorf("%s: %w", formatFile, err)
	}
	if version > formatVersion {
		return fmt.Errorf("books have format %d, this program knows up to %d: %w", version, formatVersion, ErrNewer)
	}
	return nil
}

func parseFormat(text []byte) (version uint32, err error) {
	if len(text) > 64 {
		return 0, fmt.Errorf("marker of %d bytes: %w", len(text), ErrDamaged)
	}
	_, err = fmt.Sscanf(string(text), formatText, &version)
	if err != nil || version < 1 || fmt.Sprintf(formatText, version) != string(text) {
		return 0, fmt.Errorf("%q is not a marker: %w", text, ErrDamaged)
	}
	return version, nil
}
