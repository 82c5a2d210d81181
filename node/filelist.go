package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"potluck"
	"potluck/ledger"
)

// FilesPart selects files, in the order of their storage indexes.
type FilesPart struct {
	After potluck.StorageIndex // only files after this one; the zero index: from the first
	Limit int                  // of files; 0: all
}

// Files lists the files that this node put, or a part of them.
func (n *Node) Files(ctx context.Context, part FilesPart) ([]FileRow, error) {
	if part.Limit < 0 {
		return nil, usagef("a limit of %d files", part.Limit)
	}
	rows := []FileRow{}
	err := n.book.FilesAfter(ctx, part.After, func(f ledger.File, placed int) error {
		rows = append(rows, FileRow{Index: f.Index, Name: f.Name, Size: f.Layout.Size, Layout: f.Layout, Put: f.Put, Wanted: f.Wanted, Placed: placed, Cap: f.Cap})
		if part.Limit > 0 && len(rows) == part.Limit {
			return ledger.ErrStop
		}
		return nil
	})
	return rows, n.checked(err)
}

// FilesSummary sums up how safe all files are, from what friends signed for: a file
// that k shares give back, and of which p are placed, survives the loss of p − k.
type FilesSummary struct {
	AsOf     int64 `json:"as_of"`
	Files    int64 `json:"files"`
	Lost     int64 `json:"lost"`     // fewer shares are placed than give the file back
	Thin     int64 `json:"thin"`     // fewer are placed than were wanted
	Survives int   `json:"survives"` // the least that a file survives, below 0 when one is lost; 0 without files
}

func (s *FilesSummary) add(f ledger.File, placed int) {
	spare := placed - int(f.Layout.K)
	if s.Files == 0 || spare < s.Survives {
		s.Survives = spare
	}
	s.Files++
	if spare < 0 {
		s.Lost++
	}
	if placed < f.Wanted {
		s.Thin++
	}
}

// summed is the newest summary. It reads a row for each file and each share of one,
// so it is made anew only when events tell of a change, and takes at most a part of
// the time.
type summed struct {
	mu   sync.Mutex
	of   FilesSummary
	seq  uint64 // the newest event that it knows of; 0: it was never made
	due  bool   // something changed since
	made time.Time
	took time.Duration
}

const (
	summaryPart   = 20   // of the time one part at most goes into summaries
	summaryEvents = 1024 // so many new events count as a change unread
)

// changesFiles names the events after which a file is known, forgotten, or held by
// others than before.
var changesFiles = []string{ledger.KindFile, ledger.KindDropFile, ledger.KindPlace, ledger.KindPlacing, ledger.KindPlacedLost, ledger.KindUnplace, ledger.KindUnplacing}

// FilesSummary sums up all files. What it says may be older than the books by twenty
// times what it took to make; AsOf tells.
func (n *Node) FilesSummary(ctx context.Context) (FilesSummary, error) {
	s := &n.summed
	s.mu.Lock()
	defer s.mu.Unlock()
	last, err := n.LastEvent(ctx) // before the files are read: a change after it is seen the next time
	if err != nil {
		return FilesSummary{}, err
	}
	if err := s.look(ctx, n.book, last); err != nil {
		return FilesSummary{}, n.checked(err)
	}
	now := n.config.Clock().Unix()
	if !s.due {
		s.of.AsOf = now
		return s.of, nil
	}
	if !s.made.IsZero() && time.Since(s.made) < summaryPart*s.took {
		return s.of, nil
	}
	sum, begun := FilesSummary{AsOf: now}, time.Now()
	err = n.book.FilesAfter(ctx, potluck.StorageIndex{}, func(f ledger.File, placed int) error {
		sum.add(f, placed)
		return nil
	})
	if err != nil {
		return FilesSummary{}, n.checked(err)
	}
	s.of, s.due, s.made, s.took = sum, false, time.Now(), time.Since(begun)
	return s.of, nil
}

// look reads what happened since the last look, up to an event.
func (s *summed) look(ctx context.Context, book *ledger.Book, last uint64) error {
	before := s.seq
	if s.due = s.due || s.made.IsZero() || last-before > summaryEvents; s.due || last == before {
		s.seq = last
		return nil
	}
	events, err := book.Events(ctx, before, int(last-before))
	if err != nil {
		return err
	}
	s.due = slices.ContainsFunc(events, func(e ledger.Event) bool { return slices.Contains(changesFiles, e.Kind) })
	s.seq = last
	return nil
}
