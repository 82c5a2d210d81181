package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"potluck/internal/durable"
)

// diskWrite gives the seconds until so many bytes are durable, written to
// several files at once in pieces of 256 KiB, each synced at its end, and the
// CPU seconds that this took. The files are removed again.
func diskWrite(dir string, bytes int64, files int) (wall, cpu float64, err error) {
	buf := randomBytes(256<<10, 6)
	each := bytes / int64(files)
	before, err := cpuTime()
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	var g errgroup.Group
	for i := range files {
		g.Go(func() error { return writeSynced(filepath.Join(dir, fmt.Sprintf("disk-%d", i)), buf, each) })
	}
	err = g.Wait()
	wall = time.Since(start).Seconds()
	after, failed := cpuTime()
	for i := range files {
		os.Remove(filepath.Join(dir, fmt.Sprintf("disk-%d", i))) // the whole folder goes at the end anyway
	}
	return wall, (after - before).Seconds(), errors.Join(err, failed)
}

func writeSynced(path string, buf []byte, bytes int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := durable.NewFlowWriter(f) // plain writes are slower where fresh pages are dear: the limit is the best way known
	for left := bytes; left > 0; left -= int64(len(buf)) {
		if _, err := w.Write(buf[:min(left, int64(len(buf)))]); err != nil {
			return err
		}
	}
	return f.Sync()
}

// syncWait gives the seconds that one append of 4 KiB takes to be durable while
// so many files are appended to at once.
func syncWait(dir string, files int) (float64, error) {
	const rounds = 50
	buf := randomBytes(4<<10, 7)
	start := time.Now()
	var g errgroup.Group
	for i := range files {
		g.Go(func() error {
			path := filepath.Join(dir, fmt.Sprintf("sync-%d", i))
			f, err := os.Create(path)
			if err != nil {
				return err
			}
			defer os.Remove(path) // the whole folder goes at the end anyway
			defer f.Close()
			for range rounds {
				if _, err := f.Write(buf); err != nil {
					return err
				}
				if err := f.Sync(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	return time.Since(start).Seconds() / rounds, err
}
