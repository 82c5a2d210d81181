package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger"
)

// What is done to the books of a node that doesn't run. Errors wrap ErrInUse when
// it does, and os.ErrNotExist when there is none.

// ExportBooks writes the books in a data directory as lines of JSON
// (docs/spec/ledger.md).
func ExportBooks(ctx context.Context, data string, w io.Writer) error {
	return offline(ctx, data, false, func(b *ledger.Book) error { return b.Export(ctx, w) })
}

// AcceptCut opens books whose end was cut, or that are an old copy, on the
// operator's word that what is missing is gone for good, and checks them.
func AcceptCut(ctx context.Context, data string) (r ledger.Report, err error) {
	err = offline(ctx, data, true, func(b *ledger.Book) error {
		r, err = b.Check(ctx)
		return err
	})
	return r, err
}

// ImportBooks makes the books in a data directory that has a node key and no
// books, from what ExportBooks wrote.
func ImportBooks(ctx context.Context, data string, r io.Reader) error {
	return locked(data, func(self peer.ID) error {
		c := offlineBooks(self, data)
		if made, err := ledger.Made(c.Dir); err == nil && made {
			return usagef("%s has books already, and must be empty; cure: move it away, and keep it until you are sure", c.Dir)
		}
		return ledger.Import(ctx, c, r)
	})
}

// offline opens the books that are there.
func offline(ctx context.Context, data string, accept bool, do func(*ledger.Book) error) error {
	return locked(data, func(self peer.ID) error {
		c := offlineBooks(self, data)
		if made, err := ledger.Made(c.Dir); err != nil {
			return err
		} else if !made {
			return absentError(fmt.Sprintf("there are no books in %s", c.Dir))
		}
		c.AcceptCut = accept
		b, err := ledger.Open(ctx, c)
		if err != nil {
			return cured(data, err)
		}
		return errors.Join(do(b), b.Close())
	})
}

func offlineBooks(self peer.ID, data string) ledger.Config {
	return ledger.Config{Self: self, Dir: filepath.Join(data, "ledger"), Clock: time.Now, Log: slog.New(slog.DiscardHandler)}
}

// absentError says what isn't there. It is os.ErrNotExist.
type absentError string

func (e absentError) Error() string { return string(e) }
func (absentError) Unwrap() error   { return os.ErrNotExist }

// keyed tells whether there is a node in a data directory: nil, an absentError, or
// that its key alone is gone.
func keyed(data string) error {
	_, err := os.Lstat(filepath.Join(data, "node.key"))
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := checkWhole(data, true, false); err != nil {
		return err
	}
	return absentError(fmt.Sprintf("there is no node in %s; name its data directory with --data", data))
}

// readOnly says what helps on a disk that takes no writes at all.
func readOnly(err error) error {
	if !errors.Is(err, syscall.EROFS) {
		return err
	}
	return fmt.Errorf("%w: the disk can only be read, and a node writes; cure: mount it for writing, or name another directory with --data", err)
}

// locked runs do while nobody else has the data directory open.
func locked(data string, do func(self peer.ID) error) error {
	key := filepath.Join(data, "node.key")
	if err := keyed(data); err != nil {
		return err
	}
	lock, err := lockFile(filepath.Join(data, "lock"))
	if err != nil {
		return fmt.Errorf("%s: %w", data, readOnly(err))
	}
	defer lock.Close()
	private, _, err := readKey(key)
	if err != nil {
		return err
	}
	self, err := peer.IDFromPrivateKey(private)
	if err != nil {
		return fmt.Errorf("node key: %w", err)
	}
	return do(self)
}
