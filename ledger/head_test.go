package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func copyBooks(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func note(t *testing.T, b *Book, n int, kind string) {
	t.Helper()
	for range n {
		if err := b.Note(t.Context(), Event{Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
}

func mustClose(t *testing.T, b *Book) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// swap puts another database under the head file of dir.
func swap(t *testing.T, dir, other string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, badgerDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(other, badgerDir), filepath.Join(dir, badgerDir)); err != nil {
		t.Fatal(err)
	}
}

func TestOldCopyIsNoticed(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	b := openBook(t, dir, c)
	note(t, b, 3, "old")
	mustClose(t, b)
	old := copyBooks(t, dir)
	b = openBook(t, dir, c)
	note(t, b, 2, "new")
	mustClose(t, b)
	swap(t, dir, old)
	if _, err := Open(t.Context(), config(dir, c)); !errors.Is(err, ErrCut) {
		t.Fatal(err)
	}
	accept := config(dir, c)
	accept.AcceptCut = true
	b, err := Open(t.Context(), accept)
	if err != nil {
		t.Fatal(err)
	}
	if events, err := b.Events(t.Context(), 4, 10); err != nil || len(events) != 1 || events[0].Kind != KindCut {
		t.Error(events, err)
	}
	mustClose(t, b)
	clean(t, openBook(t, dir, c)) // it was accepted for good
}

func TestOtherHistoryIsNoticed(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	b := openBook(t, dir, c)
	note(t, b, 3, "common")
	mustClose(t, b)
	other := copyBooks(t, dir)
	b = openBook(t, dir, c)
	note(t, b, 1, "here")
	mustClose(t, b)
	b = openBook(t, other, c)
	note(t, b, 5, "there")
	mustClose(t, b)
	swap(t, dir, other)
	if _, err := Open(t.Context(), config(dir, c)); !errors.Is(err, ErrCut) {
		t.Fatal(err)
	}
}

// A flipped bit in the log of a killed book silently cuts its tail; the head
// file tells.
func TestFlippedBitInLogIsNoticed(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	b := openBook(t, dir, c)
	note(t, b, 40, "kept")
	killed := copyBooks(t, dir)
	logs, err := filepath.Glob(filepath.Join(killed, badgerDir, "*.mem"))
	if err != nil || len(logs) != 1 {
		t.Fatal(logs, err)
	}
	content, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	content[bytes.LastIndex(content, []byte("kept"))] ^= 1
	if err := os.WriteFile(logs[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), config(killed, c)); !errors.Is(err, ErrCut) {
		t.Fatal(err)
	}
	// Without the flip the same copy opens.
	if !openBook(t, copyBooks(t, dir), c).Unclean() {
		t.Error("a killed book counts as closed")
	}
}

// A head file that is gone, or has no whole record, hides a cut tail: the operator
// has to accept that, and it is noted.
func TestMissingHeadFileIsRefused(t *testing.T) {
	c := newClock()
	from := t.TempDir()
	b := openBook(t, from, c)
	note(t, b, 3, "kept")
	mustClose(t, b)
	for name, lose := range map[string]func(path string) error{
		"gone":  os.Remove,
		"empty": func(path string) error { return os.Truncate(path, 0) },
	} {
		dir := copyBooks(t, from)
		if err := lose(filepath.Join(dir, headName)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := Open(t.Context(), config(dir, c)); !errors.Is(err, ErrCut) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		accept := config(dir, c)
		accept.AcceptCut = true
		b, err := Open(t.Context(), accept)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if events, err := b.Events(t.Context(), 4, 10); err != nil || len(events) != 1 || events[0].Kind != KindCut {
			t.Error(name, events, err)
		}
		mustClose(t, b)
		clean(t, openBook(t, dir, c))
	}
}

func TestHeadFileSurvivesTornWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "head")
	h, _, found, err := openHead(path)
	if err != nil || found {
		t.Fatal(found, err)
	}
	for seq := range uint64(4) {
		if err := h.write(head{seq: seq}, false); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.f.WriteAt([]byte("torn"), int64(h.gen%2)*headSlot+20); err != nil {
		t.Fatal(err)
	}
	h.f.Close()
	h, s, found, err := openHead(path)
	if err != nil || !found || s.seq != 2 {
		t.Fatal(s, found, err)
	}
	h.f.Close()
}

func FuzzHead(f *testing.F) {
	f.Add(headState{head: head{seq: 7, sum: digest(1)}, gen: 9, clean: true}.marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseHead(b)
		if err == nil && !bytes.Equal(s.marshal(), b) {
			t.Errorf("%x became %+v", b, s)
		}
	})
}
