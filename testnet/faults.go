package testnet

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ShareFiles gives the files of the complete shares in a data directory, in
// order.
func ShareFiles(dataDir string) ([]string, error) {
	var found []string
	root := filepath.Join(dataDir, "shares")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "incoming" {
			return fs.SkipDir
		}
		if d.Type().IsRegular() {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("shares under %s: %w", dataDir, err)
	}
	return found, nil
}

// Flip inverts one bit of a file, as a dying disk would.
func Flip(path string, at int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		return fmt.Errorf("flip a bit of %s: %w", path, err)
	}
	b[0] ^= 0x10
	_, err = f.WriteAt(b[:], at)
	return err
}
