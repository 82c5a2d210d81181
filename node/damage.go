package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"potluck/ledger"
)

// ErrNoBooks says that a node's books are gone.
var ErrNoBooks = errors.New("the node's books are gone")

// ErrNoKey says that a node's key is gone.
var ErrNoKey = errors.New("the node's key is gone, and without it this is another node")

// BooksError says what is wrong with a node's books or its key, and what helps.
// Nothing was changed.
type BooksError struct {
	Data string // the data directory
	Err  error  // wraps ledger.ErrCut, ledger.ErrDamaged, ErrNoBooks or ErrNoKey
}

// Error has the cure.
func (e *BooksError) Error() string { return e.Err.Error() + "; cure: " + e.cure() }

// Unwrap gives what is wrong.
func (e *BooksError) Unwrap() error { return e.Err }

func (e *BooksError) cure() string {
	books, key := filepath.Join(e.Data, "ledger"), filepath.Join(e.Data, "node.key")
	switch {
	case errors.Is(e.Err, ErrNoKey):
		return fmt.Sprintf("put %s back from a backup; or, if there is none, move %s away and run \"potluck recover\" with the 24 words: the shares beside it stay", key, books)
	case errors.Is(e.Err, ErrNoBooks):
		return fmt.Sprintf("put %s back; or run \"potluck recover\", which asks friends, or \"potluck ledger import\" with an export; \"potluck up --empty-books\" begins with empty ones: what was known of files, friends and credit is given up", books)
	case errors.Is(e.Err, ledger.ErrCut):
		return fmt.Sprintf("\"potluck ledger check --accept-cut\" gives up what is missing and goes on; \"potluck recover\", with %s moved away, asks friends", books)
	}
	return fmt.Sprintf("move %s away, and run \"potluck recover\", or \"potluck ledger import\" with an export: the shares beside it stay", books)
}

// cured adds what helps to an error about the books in a data directory.
func cured(data string, err error) error {
	var done *BooksError
	if err == nil || errors.As(err, &done) || !errors.Is(err, ledger.ErrCut) && !errors.Is(err, ledger.ErrDamaged) {
		return err
	}
	return &BooksError{Data: data, Err: err}
}

// traces gives what a data directory has that a node makes after its key and its
// books, or the books themselves.
func traces(data string) ([]string, error) {
	var all []string
	if made, err := ledger.Made(filepath.Join(data, "ledger")); err != nil {
		return nil, err
	} else if made {
		all = append(all, "ledger")
	}
	// A directory of shares that is empty may be a disk for them.
	for _, name := range []string{filepath.Join("shares", "incoming"), "port", "epoch", "audits.json", "authorities"} {
		if _, err := os.Lstat(filepath.Join(data, name)); err == nil {
			first, _, _ := strings.Cut(filepath.ToSlash(name), "/")
			all = append(all, first)
		} else if !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return all, nil
}

// checkWhole refuses a data directory from which the key or the books are gone,
// before anything is written there. New ones have neither, and nothing else.
func checkWhole(data string, keyGone, emptyBooks bool) error {
	left, err := traces(data)
	if err != nil {
		return err
	}
	lost := error(nil)
	switch {
	case len(left) == 0:
	case keyGone:
		lost = ErrNoKey
	case left[0] != "ledger" && !emptyBooks:
		lost = ErrNoBooks
	}
	if lost == nil {
		return nil
	}
	return &BooksError{Data: data, Err: fmt.Errorf("%w: %s has %s", lost, data, strings.Join(left, ", "))}
}
