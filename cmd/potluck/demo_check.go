package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"potluck"
)

// makeFile generates the file, or hashes the one that was named.
func (d *demo) makeFile(context.Context) (err error) {
	if d.file = d.File; d.file == "" {
		d.file = filepath.Join(d.dir, "file")
		if err := generate(d.file, demoSize); err != nil {
			return err
		}
	} else if d.file, err = filepath.Abs(d.file); err != nil {
		return err
	}
	d.report.SHA256, d.report.Size, err = sha256File(d.file)
	if err != nil {
		return err
	}
	d.say("the file: %s, %v, sha256 %s", d.file, d.report.Size, d.report.SHA256)
	return nil
}

// generate writes pseudo-random bytes, the same in every demo.
func generate(path string, size potluck.Size) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(f, rand.NewChaCha8([32]byte{}), int64(size)); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func sha256File(path string) (string, potluck.Size, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return "", 0, fmt.Errorf("hash %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), potluck.Size(n), nil
}

// check proves all books, and that they agree with each other.
func (d *demo) check(ctx context.Context) (err error) {
	d.report.Nodes, err = d.checkAll(ctx)
	if err == nil {
		d.say("ledger check: every counter is the sum of its rows, every store has what its books say, and every two books agree, at all %d nodes", len(d.report.Nodes))
	}
	return err
}

func (d *demo) finish() error {
	d.report.OK, d.report.Seconds = true, time.Since(d.start).Seconds()
	if d.c.JSON {
		return d.c.emit(d.report)
	}
	if err := nodeTable(d.report.Nodes).write(d.c.out); err != nil {
		return err
	}
	if !d.Keep {
		d.c.printf("ok, in %.1f s", d.report.Seconds)
	}
	return nil
}

// howToLook says what to do with a net that is left running.
func (d *demo) howToLook() error {
	if d.c.JSON {
		return nil
	}
	program := d.program()
	var pids []string
	d.c.printf("the net is left running; look at it with, for example:")
	for _, p := range d.net.All() {
		d.c.printf("  %s --data %s who", program, p.Dir)
		pids = append(pids, fmt.Sprint(p.Pid()))
	}
	d.c.printf("  %s --data %s get -o got %s", program, d.reader.Dir, d.report.Put.Cap)
	d.c.printf("end it with: kill %s; then remove %s", strings.Join(pids, " "), d.dir)
	d.c.printf("ok, in %.1f s", d.report.Seconds)
	return nil
}
