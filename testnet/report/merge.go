package report

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Merge joins the folders of all shards of a run into one, with the bytes that
// one run of all jobs has. The shards stay as they are. Shards of different
// scenarios or programs, shards that are missing, twice there or not done, and
// files that were cut or changed are refused.
func Merge(ctx context.Context, dir string, shards []string) error {
	if len(shards) == 0 {
		return fmt.Errorf("there are no shards to merge")
	}
	by, id, err := readShards(shards)
	if err != nil {
		return err
	}
	done, err := prepare(dir, Manifest{Identity: id, Files: []File{}})
	if err != nil {
		return err
	}
	if done {
		return finished(dir, nil)
	}
	return gather(ctx, dir, id, func(job int) string { return by[job%len(by)] })
}

// readShards puts the folders in the order of their shards.
func readShards(shards []string) (by []string, id Identity, err error) {
	var first Manifest
	for i, dir := range shards {
		m, err := readManifest(dir)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil, id, fmt.Errorf("%s is no shard: there is no %s in it", dir, manifestName)
		case err != nil:
			return nil, id, err
		case m.Shard == nil:
			return nil, id, fmt.Errorf("%s is a whole run, not a shard: there is nothing to merge", dir)
		case !m.Done:
			return nil, id, fmt.Errorf("%s, shard %d of %d, isn't done: run it again to its end", dir, m.Shard.Index, m.Shard.Of)
		}
		if i == 0 {
			first, by = m, make([]string, min(m.Shard.Of, maxShards))
		}
		if d := m.differs(first.Identity); d != "" {
			return nil, id, fmt.Errorf("%s is of another run than %s: %s", dir, shards[0], d)
		}
		if m.Shard.Of != first.Shard.Of || m.Shard.Of > maxShards {
			return nil, id, fmt.Errorf("%s is shard %d of %d, %s one of %d: cut the run into equally many", dir, m.Shard.Index, m.Shard.Of, shards[0], first.Shard.Of)
		}
		if other := by[m.Shard.Index]; other != "" {
			return nil, id, fmt.Errorf("%s and %s are both shard %d of %d: leave one out", other, dir, m.Shard.Index, m.Shard.Of)
		}
		by[m.Shard.Index] = dir
		if err := checkParts(dir, m); err != nil {
			return nil, id, err
		}
	}
	var missing []string
	for i, dir := range by {
		if dir == "" {
			missing = append(missing, fmt.Sprint(i))
		}
	}
	if len(missing) > 0 {
		return nil, id, fmt.Errorf("%d of %d shards are missing: %s", len(missing), len(by), strings.Join(missing[:min(len(missing), 20)], ", "))
	}
	return by, first.Identity, nil
}

// maxShards bounds into how many shards a run is cut.
const maxShards = 1_000_000

// checkParts compares the small files of a shard with its manifest. The large
// ones are compared while they are joined.
func checkParts(dir string, m Manifest) error {
	for _, f := range m.Files {
		if !filepath.IsLocal(f.Name) {
			return fmt.Errorf("%s is %w: it names the file %q", filepath.Join(dir, manifestName), ErrDamaged, f.Name)
		}
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		if err := checkFile(filepath.Join(dir, f.Name), f, io.Discard); err != nil {
			return err
		}
	}
	return nil
}

// hashFile describes a file of parts/ as it is.
func hashFile(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return File{}, fmt.Errorf("read %s: %w", path, err)
	}
	return File{Name: partsName + "/" + filepath.Base(path), Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// finished looks whether a run that says that it is done is whole, and does what a crash
// may have kept from its end.
func finished(dir string, shard *Shard) error {
	m, err := Check(dir)
	if err != nil || shard != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, htmlName)); errors.Is(err, os.ErrNotExist) {
		if err := writeHTML(dir, m); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(dir, partsName))
}

// Check compares every file of a run's folder with the manifest.
func Check(dir string) (Manifest, error) {
	m, err := readManifest(dir)
	if errors.Is(err, os.ErrNotExist) {
		return m, fmt.Errorf("%s has no %s: no run was made there: %w", dir, manifestName, os.ErrNotExist)
	}
	if err != nil {
		return m, err
	}
	if !m.Done {
		return m, fmt.Errorf("the run in %s isn't done: run the same command again to its end", dir)
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(f.Name) {
			return m, fmt.Errorf("%s is %w: it names the file %q", filepath.Join(dir, manifestName), ErrDamaged, f.Name)
		}
		if err := checkFile(filepath.Join(dir, f.Name), f, io.Discard); err != nil {
			return m, err
		}
	}
	return m, nil
}

// Rebuild writes report.html of a finished run anew, after every file was compared
// with the manifest.
func Rebuild(dir string) error {
	m, err := Check(dir)
	if err != nil {
		return err
	}
	if m.Shard != nil {
		return fmt.Errorf("%s has shard %d of %d: merge all shards first", dir, m.Shard.Index, m.Shard.Of)
	}
	return writeHTML(dir, m)
}
