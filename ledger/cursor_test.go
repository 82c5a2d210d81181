package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Positions last over a restart, are forgotten, and are few and short.
func TestCursors(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	b, err := Open(t.Context(), config(dir, c))
	if err != nil {
		t.Fatal(err)
	}
	same := func(name string, want []byte) {
		t.Helper()
		if got, err := b.Cursor(t.Context(), name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	set := func(name string, at []byte) error { return b.SetCursor(t.Context(), name, at) }
	for n := range MaxCursors {
		if err := set(fmt.Sprint("loop ", n), bytes.Repeat([]byte{byte(n)}, MaxCursor)); err != nil {
			t.Fatal(err)
		}
	}
	events := clean(t, b).Events
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = openBook(t, dir, c)
	same("loop 5", bytes.Repeat([]byte{5}, MaxCursor))
	same("none", nil)
	if err := set("one more", []byte{1}); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if err := set("loop 5", nil); err != nil {
		t.Error(err)
	}
	same("loop 5", nil)
	if err := set("one more", []byte{1}); err != nil {
		t.Error(err)
	}
	for _, at := range [][]byte{{2}, {3}} {
		if err := set("one more", at); err != nil {
			t.Error(err)
		}
		same("one more", at)
	}
	for _, name := range []string{"", strings.Repeat("a", MaxCursorName+1), "\xff"} {
		if _, err := b.Cursor(t.Context(), name); !errors.Is(err, ErrInvalid) || !errors.Is(set(name, []byte{1}), ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := set("long", make([]byte, MaxCursor+1)); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if r := clean(t, b); r.Events != events {
		t.Error("cursors make events:", r.Events, events)
	}
}
