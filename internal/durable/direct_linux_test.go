package durable

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// What is read past the cache is what was written, at every length and offset, also
// when it wasn't synced, and past the end there is nothing.
func TestDirectReads(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	for _, size := range []int{0, 1, 4095, 4096, 4097, directStep - 1, directStep, directStep + 1, 3*directStep + 5000} {
		want := make([]byte, size)
		random.Read(want)
		path := filepath.Join(t.TempDir(), "long")
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		d := openDirect(f)
		if d == nil {
			t.Skip("!!!!! NOT TESTED: reads past the page cache: this file system has none !!!!!")
		}
		if _, err := d.readAt(make([]byte, 1), 0); errors.Is(err, errors.ErrUnsupported) {
			t.Skip("!!!!! NOT TESTED: reads past the page cache: this file system has none !!!!!")
		}
		got, err := io.ReadAll(io.NewSectionReader(readerAt(d.readAt), 0, int64(size)+1))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: read %d, %v", size, len(got), err)
		}
		for range 50 {
			off, p := rand.IntN(size+1), make([]byte, rand.IntN(2*directStep))
			n, err := d.readAt(p, int64(off))
			if n != min(len(p), size-off) || (n < len(p)) != (err == io.EOF) || err != nil && err != io.EOF || !bytes.Equal(p[:n], want[off:off+n]) {
				t.Fatalf("%d bytes at %d of %d: %d, %v", len(p), off, size, n, err)
			}
		}
		if err := errors.Join(d.close(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

type readerAt func(p []byte, off int64) (int, error)

func (r readerAt) ReadAt(p []byte, off int64) (int, error) { return r(p, off) }

// Where a file system doesn't read past the cache, a flow goes on by the cache.
func TestFlowGoesOnByTheCache(t *testing.T) {
	path := filepath.Join(t.TempDir(), "long")
	want := bytes.Repeat([]byte("potluck "), 2<<20)
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := NewFlowReader(f)
	if r.direct != nil {
		r.direct.now.buf = r.direct.now.buf[1:] // what isn't aligned is refused
	}
	got, err := io.ReadAll(io.NewSectionReader(r, 0, int64(len(want))))
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
