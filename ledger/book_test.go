package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

func TestOpenRefusesNewerBooks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, formatFile), []byte("potluck ledger 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), config(dir, newClock()))
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "format 7") || !strings.Contains(err.Error(), "up to 1") {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, badgerDir)); err == nil {
		t.Error("the newer database was touched")
	}
	for _, text := range []string{"", "potluck ledger 1", "potluck ledger 01\n", "potluck ledger 0\n", "potluck ledger 1\n\n", strings.Repeat("x", 65)} {
		if _, err := parseFormat([]byte(text)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestOpenRefusesDatabaseWithoutFormat(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, badgerDir), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), config(dir, newClock())); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}

func TestOneProcessOnly(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	b := openBook(t, dir, c)
	if _, err := Open(t.Context(), config(dir, c)); !errors.Is(err, ErrLocked) {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if openBook(t, dir, c).Unclean() {
		t.Error("a closed book counts as killed")
	}
}

func TestClosedBook(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice)
	waiter := make(chan error)
	go func() { waiter <- b.WaitEvent(context.Background(), 1000) }()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, readErr := b.Account(t.Context(), alice)
	_, reserveErr := b.Reserve(t.Context(), alice, roomy, []Reservation{reservation(c, shareID(1, 1), 1)})
	for _, err := range []error{<-waiter, readErr, reserveErr, b.Note(t.Context(), Event{Kind: "x"})} {
		if !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
}

// A refused operation leaves no trace, even with others in its batch.
func TestRefusedOperationLeavesNoTrace(t *testing.T) {
	b, _ := newBooks(t)
	refusal := errors.New("no")
	hold := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.do(t.Context(), "hold", false, func(*tx) error { <-hold; return nil }); err != nil {
			t.Error(err)
		}
	})
	key := func(n int) []byte { return fmt.Appendf([]byte{keyFile}, "%016d", n) }
	row := encodeFile(File{Layout: layout, Manifest: digest(1)})
	for n := range 20 {
		wg.Go(func() {
			err := b.do(t.Context(), "test", false, func(t *tx) error {
				t.set(key(n), row)
				t.note(Event{Kind: "test"})
				if n%2 == 1 {
					return refusal
				}
				return nil
			})
			if (n%2 == 1) != errors.Is(err, refusal) {
				t.Error(n, err)
			}
		})
	}
	close(hold)
	wg.Wait()
	if r := clean(t, b); r.Files != 10 || r.Events != 11 {
		t.Errorf("%+v", r)
	}
}

// Operations that don't fit into one transaction together are split; one that
// can't fit alone is refused.
func TestTransactionsAreSplit(t *testing.T) {
	b, _ := newBooks(t)
	rows := int(b.db.MaxBatchCount())
	big := func(from, n int) func(*tx) error {
		return func(t *tx) error {
			for i := range n {
				t.set(fmt.Appendf([]byte{keyFile}, "%016d", from+i), encodeFile(File{Layout: layout, Manifest: digest(1)}))
			}
			return nil
		}
	}
	if err := b.do(t.Context(), "test", false, big(0, rows)); !errors.Is(err, ErrTooBig) {
		t.Fatal(err)
	}
	block := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.do(t.Context(), "test", false, func(*tx) error { <-block; return nil }) })
	const calls = 6
	for n := range calls {
		wg.Go(func() {
			if err := b.do(t.Context(), "test", false, big(n*rows, rows*2/5)); err != nil {
				t.Error(err)
			}
		})
	}
	close(block)
	wg.Wait()
	if r := clean(t, b); r.Files != int64(calls*(rows*2/5)) {
		t.Errorf("%d rows, want %d", r.Files, calls*(rows*2/5))
	}
}

func TestAbandonedOperationDoesNothing(t *testing.T) {
	b, _ := newBooks(t)
	begun, block := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = b.do(t.Context(), "test", false, func(*tx) error { close(begun); <-block; return nil })
	})
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(func() {
		err := b.do(ctx, "test", false, func(t *tx) error { t.note(Event{Kind: "late"}); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(block)
	})
	cancel()
	wg.Wait()
	if r := clean(t, b); r.Events != 1 {
		t.Errorf("%d events", r.Events)
	}
}

// After a failed commit nothing is acknowledged any more.
func TestFailedCommitStopsTheBook(t *testing.T) {
	c := newClock()
	b, err := Open(t.Context(), config(t.TempDir(), c))
	if err != nil {
		t.Fatal(err)
	}
	befriend(t, b, alice)
	waiter := make(chan error)
	go func() { waiter <- b.WaitEvent(t.Context(), 1000) }()
	err = b.do(t.Context(), "test", false, func(t *tx) error {
		t.note(Event{Kind: "unknown"})
		t.batch.txn.Discard() // so that the commit fails
		return nil
	})
	if !errors.Is(err, ErrFailed) || !errors.Is(err, badger.ErrDiscardedTxn) {
		t.Fatal(err)
	}
	for _, err := range []error{<-waiter, b.Note(t.Context(), Event{Kind: "x"}), b.Befriend(t.Context(), Account{Peer: bob})} {
		if !errors.Is(err, ErrFailed) {
			t.Error(err)
		}
	}
	if _, err := b.Account(t.Context(), alice); err != nil {
		t.Error("reads go on:", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestMissingCounterIsDamage(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	for _, key := range [][]byte{peerKey(keyUsage, alice), peerKey(keyAccount, bob)} {
		if err := b.do(t.Context(), "test", false, func(t *tx) error { t.del(key); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	_, quoted := b.Quote(t.Context(), alice, roomy, 1)
	_, reserved := b.Reserve(t.Context(), bob, roomy, []Reservation{reservation(c, shareID(1, 0), 1)})
	_, read := b.Usage(t.Context(), alice)
	for _, err := range []error{quoted, reserved, read, b.Befriend(t.Context(), Account{Peer: bob})} {
		if !errors.Is(err, ErrDamaged) {
			t.Error(err)
		}
	}
}
