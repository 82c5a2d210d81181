package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/node/keepsake"
	"potluck/p2p"
	"potluck/shares"
)

const (
	maxListed   = 1 << 22 // shares that one friend may list: a list without end ends here
	writeAtOnce = 64      // files written at the same time: the books sync them together
)

// listed is what friends say that they hold for this node.
type listed struct {
	mu    sync.Mutex
	files map[potluck.StorageIndex]*listedFile
	full  map[peer.ID]bool // who listed all of it
}

// listedFile is one share set as friends have it.
type listedFile struct {
	layout   potluck.Layout
	manifest potluck.Digest
	numbers  map[potluck.ShareNumber]bool // at whom ever
	known    bool                         // it has a row
	torn     bool                         // friends say different things of it
}

// adopt writes the rows of the shares that lie on this disk, as their headers
// say: it is a crawl, in which all lacks its row. Whose owner isn't known gets the
// anonymous account's lease.
func (w *recovery) adopt(ctx context.Context) error {
	r, err := w.n.Crawl(ctx, false)
	if err != nil {
		return fmt.Errorf("take up the shares on this disk: %w", err)
	}
	u, err := w.n.book.Usage(ctx, ledger.Anonymous)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return w.n.checked(err)
	}
	w.result.Unclaimed = u.HeldShares
	w.result.Adopted = r.Adopted - u.HeldShares
	if r.Adopted > 0 {
		w.tell(fmt.Sprintf("took up %d shares on this disk, %d of unknown owners", r.Adopted, u.HeldShares))
	}
	if r.SetAside > 0 {
		w.problem("%d damaged shares on this disk were set aside", r.SetAside)
	}
	return nil
}

// placements asks every friend that is here for all that it holds for this node,
// and writes it down.
func (w *recovery) placements(ctx context.Context) error {
	w.books = &listed{files: make(map[potluck.StorageIndex]*listedFile), full: make(map[peer.ID]bool)}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(recoverAtOnce)
	for i := range w.result.Friends {
		at := &w.result.Friends[i]
		if !w.n.host.Connected(at.Peer) {
			continue
		}
		g.Go(func() error {
			err := w.list(ctx, at)
			if err != nil && isTransport(err) {
				w.books.mu.Lock()
				defer w.books.mu.Unlock()
				at.Answered = false
				w.problem("%s doesn't say what it holds: %v", at.Name, err)
				return nil
			}
			return err
		})
	}
	return g.Wait()
}

// isTransport tells whether an error came from a peer or from the way to it.
func isTransport(err error) bool {
	var answer *p2p.Error
	return errors.Is(err, p2p.ErrUnreachable) || errors.Is(err, p2p.ErrTimeout) || errors.Is(err, p2p.ErrProtocol) || errors.As(err, &answer)
}

// list takes in what one friend holds. What it says counts like a receipt that
// was just given: the audits find out. It has its part of what books can count, so
// that nobody can leave no room for what others hold.
func (w *recovery) list(ctx context.Context, at *RecoveredAt) error {
	n := w.n
	from, refused := potluck.ShareID{}, 0
	most := potluck.MaxSize / potluck.Size(2*len(w.result.Friends)) // the other half is for what the backup says
	now := n.config.Clock().Unix()
	for at.Shares < maxListed {
		talk, cancel := context.WithTimeout(ctx, talkTime)
		a, err := n.host.List(talk, at.Peer, p2p.ListRequest{Role: p2p.AsOwner, Span: p2p.Span{From: from}})
		cancel()
		if err != nil {
			return err
		}
		placed := make([]ledger.Placement, 0, len(a.Items))
		for _, i := range a.Items {
			if i.Charge != shares.Charge(i.Layout) || i.Charge > most-at.Bytes {
				refused++
				continue
			}
			w.books.add(i)
			placed = append(placed, ledger.Placement{Share: i.Share, Host: at.Peer, Layout: i.Layout, Charge: i.Charge, Root: i.Root,
				Manifest: i.Manifest, Placed: now, LastGood: now, State: ledger.PlacedStable})
			at.Bytes += i.Charge
		}
		for part := range slices.Chunk(placed, ledger.MaxBatch) {
			if err := n.book.Place(ctx, part); err != nil {
				return n.checked(err)
			}
		}
		at.Shares += int64(len(placed))
		if !a.More {
			break
		}
		from = after(a.Items[len(a.Items)-1].Share)
	}
	w.books.mu.Lock()
	defer w.books.mu.Unlock()
	w.books.full[at.Peer] = true
	if refused > 0 {
		w.problem("%s lists %d shares with charges that can't be right; they don't count", at.Name, refused)
	}
	return nil
}

// after is the share ID that follows.
func after(id potluck.ShareID) potluck.ShareID {
	for i := id.Number; i < potluck.ShareNumber(255); {
		id.Number = i + 1
		return id
	}
	id.Number = 0
	for i := len(id.Index) - 1; i >= 0; i-- {
		if id.Index[i]++; id.Index[i] != 0 {
			break
		}
	}
	return id
}

// add notes a share. When friends say different things of one file the backup of
// the books decides, see mend: who came first isn't more right.
func (l *listed) add(i p2p.Item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.files[i.Share.Index]
	if f == nil {
		f = &listedFile{layout: i.Layout, manifest: i.Manifest, numbers: make(map[potluck.ShareNumber]bool, 1)}
		l.files[i.Share.Index] = f
	}
	if f.layout != i.Layout || f.manifest != i.Manifest {
		f.torn = true
		return
	}
	f.numbers[i.Share.Number] = true
}

// files takes in the backup of the books: what files are called, their caps, and
// where friends hold them who are away now. What friends hold beside that becomes
// a file without a name: it was put after the backup.
func (w *recovery) files(ctx context.Context) error {
	if w.content.Backup.Cap != "" {
		if err := w.backup(ctx); err != nil && !w.request.Bare {
			return fmt.Errorf("the backup of the books can't be read: %w; cure: run it again when more friends are back, or with --bare, without names and caps", err)
		} else if err != nil {
			w.problem("the backup of the books can't be read: %v", err)
		}
	}
	if err := w.recent(ctx); err != nil {
		return err
	}
	backups := make(map[potluck.StorageIndex]bool)
	for name, b := range map[string]keepsake.Backup{cursorBackup: w.content.Backup, cursorBefore: w.content.Previous} {
		if r, ok := readCap(b.Cap); ok {
			backups[r.Index()] = true
			if err := w.n.setBackupRow(ctx, name, b, "recovered"); err != nil {
				return err
			}
			if err := w.n.book.PutFile(ctx, ledger.File{Index: r.Index(), Manifest: r.Manifest, Layout: r.Layout, Name: backupName, Put: b.Time,
				Wanted: int(r.Layout.N), Cap: b.Cap}); err != nil {
				return w.n.checked(err)
			}
		}
	}
	g, writing := errgroup.WithContext(ctx)
	g.SetLimit(writeAtOnce)
	now := w.n.config.Clock().Unix()
	for index, f := range w.books.files {
		if f.known || backups[index] {
			continue
		}
		w.result.Files, w.result.Nameless = w.result.Files+1, w.result.Nameless+1
		g.Go(func() error {
			return w.n.book.PutFile(writing, ledger.File{Index: index, Manifest: f.manifest, Layout: f.layout, Put: now, Wanted: int(f.layout.N)})
		})
	}
	return w.n.checked(g.Wait())
}

// recent takes in the files that the keepsake itself names.
func (w *recovery) recent(ctx context.Context) error {
	all := !slices.ContainsFunc(w.result.Friends, func(f RecoveredAt) bool { return !f.Answered })
	for _, r := range w.content.Recent {
		c := caps.Read{Layout: r.Layout, Key: caps.Key(r.Key), Manifest: r.Manifest}
		known := w.books.files[c.Index()]
		if _, err := w.n.book.File(ctx, c.Index()); err == nil || known == nil && all {
			continue // the backup has it; or nobody has a share of it, as it was removed since
		} else if !errors.Is(err, ledger.ErrNotFound) {
			return w.n.checked(err)
		}
		row, _ := w.fileOf(keepsake.File{Index: c.Index(), Manifest: r.Manifest, Layout: r.Layout, Name: r.Name, Put: r.Put, Wanted: r.Wanted, Key: r.Key}, nil)
		if err := w.n.book.PutFile(ctx, row); err != nil {
			return w.n.checked(err)
		}
		if known != nil && (known.torn || known.manifest != row.Manifest || known.layout != row.Layout) {
			if err := w.mend(ctx, row); err != nil {
				return w.n.checked(err)
			}
		}
	}
	return nil
}

// backup gets the backup from friends and reads it.
func (w *recovery) backup(ctx context.Context) error {
	n := w.n
	c, err := caps.Parse(w.content.Backup.Cap)
	if err != nil {
		return err
	}
	spool, err := n.Spool()
	if err != nil {
		return err
	}
	defer spool.Close()
	w.tell(fmt.Sprintf("getting the backup of the books of %s", day(w.content.Backup.Time)))
	if _, err := n.files.Get(ctx, c, spool, files.GetOptions{}, nil); err != nil {
		return err
	}
	return w.readBackup(ctx, spool)
}

// readBackup writes the rows of a backup.
func (w *recovery) readBackup(ctx context.Context, spool *os.File) error {
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r, err := keepsake.NewReader(spool)
	if err != nil {
		return err
	}
	if r.Owner != w.n.self {
		return fmt.Errorf("it is of %v", r.Owner)
	}
	w.result.Backup = r.Time
	for _, f := range r.Friends {
		if _, err := w.n.book.Account(ctx, f.Peer); errors.Is(err, ledger.ErrNotFound) { // the keepsake had no room for it
			err = w.befriend(ctx, f)
			if err == nil && f.Friend {
				w.result.Friends = append(w.result.Friends, RecoveredAt{Peer: f.Peer, Name: f.Name})
			}
		} else if err != nil {
			return w.n.checked(err)
		}
	}
	g, writing := errgroup.WithContext(ctx)
	g.SetLimit(writeAtOnce)
	var torn []ledger.File
	for {
		f, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		row, placed := w.fileOf(f, r.Friends)
		if l := w.books.files[f.Index]; l != nil && (l.torn || l.manifest != f.Manifest || l.layout != f.Layout) {
			torn = append(torn, row)
		}
		g.Go(func() error { return w.n.book.PlaceFile(writing, placed, row) })
	}
	if err := g.Wait(); err != nil {
		return w.n.checked(err)
	}
	for part := range slices.Chunk(r.Names, ledger.MaxBatch) {
		if err := w.n.book.Recall(ctx, part); err != nil {
			return w.n.checked(err)
		}
	}
	for _, row := range torn {
		if err := w.mend(ctx, row); err != nil {
			return w.n.checked(err)
		}
	}
	return nil
}

// mend takes what a friend lists of another file than this node put under the
// same index out of the books again.
func (w *recovery) mend(ctx context.Context, row ledger.File) error {
	placed, err := w.n.book.Placements(ctx, row.Index)
	if err != nil {
		return err
	}
	for _, p := range placed {
		if p.Manifest == row.Manifest && p.Layout == row.Layout {
			continue
		}
		at := w.at(p.Host)
		at.Shares, at.Bytes = at.Shares-1, at.Bytes-p.Charge
		w.problem("%s lists share %v of another file than this node put; it doesn't count", at.Name, p.Share)
		if err := w.n.book.Unplace(ctx, p.Host, []potluck.ShareID{p.Share}); err != nil {
			return err
		}
	}
	return nil
}

// fileOf turns a record into rows. Where a friend listed all that it holds, its
// word goes before the backup's, which is older.
func (w *recovery) fileOf(f keepsake.File, friends []keepsake.Friend) (ledger.File, []ledger.Placement) {
	row := ledger.File{Index: f.Index, Manifest: f.Manifest, Layout: f.Layout, Name: f.Name, Put: f.Put, Wanted: f.Wanted}
	if len(f.Key) == len(caps.Key{}) {
		c := caps.Read{Layout: f.Layout, Key: caps.Key(f.Key), Manifest: f.Manifest}
		if c.Index() == f.Index {
			row.Cap = c.Text()
			w.result.Caps++
		}
	}
	w.result.Files++
	known := w.books.files[f.Index]
	if known != nil {
		known.known = true
	}
	var placed []ledger.Placement
	for _, h := range f.Shares {
		host := friends[h.Host].Peer
		if w.books.full[host] {
			continue
		}
		placed = append(placed, ledger.Placement{Share: potluck.ShareID{Index: f.Index, Number: h.Number}, Host: host, Layout: f.Layout,
			Charge: shares.Charge(f.Layout), Root: h.Root, Manifest: f.Manifest, Placed: h.Placed, LastGood: h.Placed, State: ledger.PlacedStable})
		at := w.at(host)
		at.Shares, at.Bytes = at.Shares+1, at.Bytes+shares.Charge(f.Layout)
	}
	return row, placed
}

// sums fills the totals of the result.
func (w *recovery) sums(ctx context.Context) error {
	for _, at := range w.result.Friends {
		w.result.Shares, w.result.Bytes = w.result.Shares+at.Shares, w.result.Bytes+at.Bytes
	}
	slices.SortFunc(w.result.Friends, func(a, b RecoveredAt) int { return cmp.Compare(a.Name, b.Name) })
	backups, err := w.n.backups(ctx)
	if err != nil {
		return err
	}
	for index, f := range w.books.files {
		if !backups[index] && len(f.numbers) >= int(f.layout.K) {
			w.result.Readable++
		}
	}
	return nil
}
