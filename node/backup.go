package node

import (
	"bufio"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/node/keepsake"
)

// The backup of the books is an ordinary file at friends, with a random key. Its
// cap is in the keepsake and, as a cursor, in the books.
const (
	cursorBackup = "backup"        // the newest
	cursorBefore = "backup before" // the one before it: friends who were away may have only its cap
	backupName   = "backup of the books"
)

// backupRow reads a cursor: when, the hash of what was backed up, the cap.
func (n *Node) backupRow(ctx context.Context, name string) (b keepsake.Backup, sum string, err error) {
	row, err := n.book.Cursor(ctx, name)
	if err != nil || len(row) == 0 {
		return b, "", n.checked(err)
	}
	if _, err := fmt.Sscanf(string(row), "%d %s %s", &b.Time, &sum, &b.Cap); err != nil {
		return b, "", fmt.Errorf("cursor %q in the books: %w", name, err)
	}
	return b, sum, nil
}

func (n *Node) setBackupRow(ctx context.Context, name string, b keepsake.Backup, sum string) error {
	if b.Cap == "" {
		return nil
	}
	return n.checked(n.book.SetCursor(ctx, name, fmt.Appendf(nil, "%d %s %s", b.Time, sum, b.Cap)))
}

// backup puts a new backup when one is due, or now, if the books say something
// else than the last one did, and removes the one before the last.
func (n *Node) backup(ctx context.Context, now bool) error {
	last, sum, err := n.backupRow(ctx, cursorBackup)
	if err != nil {
		return err
	}
	if !now && !n.backupDue(last) {
		return nil
	}
	when := n.config.Clock().Unix() // what is put from now on it may not have
	src, next, err := n.writeBackup(ctx)
	if err != nil {
		return err
	}
	if next == "" || next == sum && last.Cap != "" {
		return src.Close()
	}
	// It may be read when a few friends are left, and it is small.
	r, err := n.put(ctx, src, files.PutOptions{Preset: files.Paranoid, Random: true, Name: backupName}, nil)
	if err != nil {
		return err
	}
	before, _, err := n.backupRow(ctx, cursorBefore)
	if err != nil {
		return err
	}
	// If we die before the cursors are written, the new backup is a file like any
	// other; between them, the last one is named twice.
	if err := n.setBackupRow(ctx, cursorBefore, last, sum); err != nil {
		return err
	}
	if err := n.setBackupRow(ctx, cursorBackup, keepsake.Backup{Cap: r.Cap, Time: when}, next); err != nil {
		return err
	}
	if err := n.lookRecent(ctx, true); err != nil { // what it has needs no other place
		return err
	}
	return n.dropBackup(ctx, before)
}

// backupDue tells whether the last backup is old, the first one is wanted, or more
// files wait for one than a keepsake names.
func (n *Node) backupDue(last keepsake.Backup) bool {
	now := n.config.Clock()
	waiting, oldest := n.recents.waiting()
	if last.Cap == "" {
		return waiting > 0 && now.Sub(time.Unix(oldest, 0)).Abs() >= backupFirst
	}
	age := now.Sub(time.Unix(last.Time, 0)).Abs()
	return age >= backupEvery || waiting > keepsake.MaxRecent && age >= backupFirst
}

// dropBackup removes a backup that no keepsake names any more.
func (n *Node) dropBackup(ctx context.Context, b keepsake.Backup) error {
	if b.Cap == "" {
		return nil
	}
	c, err := caps.Parse(b.Cap)
	if err != nil {
		return fmt.Errorf("cap of an old backup: %w", err)
	}
	var gone *NotFoundError
	if _, err := n.Remove(ctx, c); err != nil && !errors.As(err, &gone) {
		return err
	}
	return nil
}

// writeBackup writes the books as a source for a put, and the hash of what they
// say; "" when there is no file in them but backups.
func (n *Node) writeBackup(ctx context.Context) (files.Source, string, error) {
	spool, err := n.Spool()
	if err != nil {
		return nil, "", err
	}
	sum, err := n.fillBackup(ctx, spool)
	if err != nil {
		return nil, "", errors.Join(err, spool.Close())
	}
	st, err := spool.Stat()
	if err != nil {
		return nil, "", errors.Join(err, spool.Close())
	}
	return spooled{spool, potluck.Size(st.Size())}, sum, nil
}

// spooled is a file without a name that nobody else writes to.
type spooled struct {
	*os.File
	size potluck.Size
}

func (s spooled) Size() potluck.Size { return s.size }
func (s spooled) Check() error       { return nil }
func (s spooled) Name() string       { return backupName }

// fillBackup writes all files but backups, with their placements, and what names
// meant.
func (n *Node) fillBackup(ctx context.Context, to io.Writer) (sum string, err error) {
	friends, err := n.companions(ctx)
	if err != nil {
		return "", err
	}
	slices.SortFunc(friends, func(a, b keepsake.Friend) int { return cmp.Compare(a.Peer, b.Peer) }) // the same books, the same records
	skip, err := n.backups(ctx)
	if err != nil {
		return "", err
	}
	out := bufio.NewWriterSize(to, 1<<20)
	w, err := keepsake.NewWriter(out, keepsake.Head{Owner: n.self, Time: n.config.Clock().Unix(), Friends: friends})
	if err != nil {
		return "", err
	}
	places := make(map[peer.ID]int, len(friends))
	for i, f := range friends {
		places[f.Peer] = i
	}
	any := false
	err = n.book.Files(ctx, func(f ledger.File) error {
		if skip[f.Index] {
			return nil
		}
		any = true
		row, err := n.backupFile(ctx, f, places)
		if err != nil {
			return err
		}
		return w.File(row)
	})
	if err != nil {
		return "", n.checked(err)
	}
	err = n.book.Versions(ctx, func(v ledger.Version) error {
		if skip[v.Index] || v.Name == backupName {
			return nil
		}
		any = any || v.Cap != ""
		return w.Name(v)
	})
	if err != nil || !any {
		return "", n.checked(err)
	}
	if err := errors.Join(w.Close(), out.Flush()); err != nil {
		return "", err
	}
	sums := w.Sum()
	return hex.EncodeToString(sums[:]), nil
}

// backups are the indexes of the backups themselves.
func (n *Node) backups(ctx context.Context) (map[potluck.StorageIndex]bool, error) {
	all := make(map[potluck.StorageIndex]bool)
	for _, name := range []string{cursorBackup, cursorBefore} {
		b, _, err := n.backupRow(ctx, name)
		if err != nil {
			return nil, err
		}
		if r, ok := readCap(b.Cap); ok {
			all[r.Index()] = true
		}
	}
	return all, nil
}

// readCap parses the text of a read cap.
func readCap(text string) (caps.Read, bool) {
	c, err := caps.Parse(strings.TrimSpace(text))
	r, ok := c.(caps.Read)
	return r, err == nil && ok
}

// backupFile gives a file's record. What isn't held by anybody is left out.
func (n *Node) backupFile(ctx context.Context, f ledger.File, places map[peer.ID]int) (keepsake.File, error) {
	out := keepsake.File{Index: f.Index, Manifest: f.Manifest, Layout: f.Layout, Name: f.Name, Put: f.Put, Wanted: f.Wanted}
	if r, ok := readCap(f.Cap); ok && r.Index() == f.Index {
		out.Key = r.Key[:]
	}
	placed, err := n.book.Placements(ctx, f.Index)
	if err != nil {
		return out, err
	}
	for _, p := range placed {
		if at, ok := places[p.Host]; ok && p.State == ledger.PlacedStable {
			out.Shares = append(out.Shares, keepsake.Held{Number: p.Share.Number, Host: at, Root: p.Root, Placed: p.Placed})
		}
	}
	return out, nil
}
