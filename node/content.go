package node

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
)

// Put spreads a source over friends; see files.Client.Put. It closes src.
func (n *Node) Put(ctx context.Context, src files.Source, o files.PutOptions, report func(files.Progress)) (files.PutResult, error) {
	r, err := n.put(ctx, src, o, report)
	if err == nil && r.Layout.N > 0 && !o.Forget {
		n.souvenir.wake(r.Index, n.config.Clock().Unix())
	}
	return r, err
}

// put is Put of what the keepsake needn't name.
func (n *Node) put(ctx context.Context, src files.Source, o files.PutOptions, report func(files.Progress)) (files.PutResult, error) {
	if err := n.writable(); err != nil {
		return files.PutResult{}, errors.Join(err, src.Close())
	}
	n.putting.RLock()
	defer n.putting.RUnlock()
	n.begun.Add(1)
	defer n.ended.Add(1)
	tell, end := n.work(WorkPut, o.Name, report)
	defer end()
	r, err := n.files.Put(ctx, src, o, tell)
	if err == nil {
		err = n.noted(ctx, o, &r)
	}
	return r, n.checked(err)
}

// Get reads a file of a cap; see files.Client.Get.
func (n *Node) Get(ctx context.Context, c caps.Cap, dst io.Writer, o files.GetOptions, report func(files.Progress)) (files.GetResult, error) {
	name := ""
	if read, ok := c.(caps.Read); ok {
		name = n.nameOf(ctx, read.Index())
	}
	tell, end := n.work(WorkGet, name, report)
	defer end()
	r, err := n.files.Get(ctx, c, dst, o, tell)
	defer n.shrunk() // it may have found placements lost
	n.blame(ctx, r.Blamed)
	return r, n.checked(err)
}

// blame writes down which hosts answered wrongly, and that what was asked for
// doesn't count any more. The bytes themselves are no evidence for others, so
// nothing else follows from it but what people do.
func (n *Node) blame(ctx context.Context, blamed []files.Blame) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	for _, b := range blamed {
		if err := n.lost(ctx, b.Host, b.Share, n.accuse(ctx, b)); err != nil {
			n.log.Error("can't mark a placement", "err", n.checked(err))
		}
	}
}

// accuse writes down that a host answered wrongly, and gives the reason as the
// books have it.
func (n *Node) accuse(ctx context.Context, b files.Blame) string {
	n.log.Warn("a host answered wrongly", "peer", b.Host, "name", b.Name, "share", b.Share, "reason", b.Reason)
	reason := strings.ToValidUTF8(b.Reason[:min(len(b.Reason), ledger.MaxReason)], "")
	if err := n.book.Note(ctx, ledger.Event{Kind: "blame", Peer: b.Host, Share: &b.Share, Reason: reason}); err != nil {
		n.fatal(err)
		n.log.Error("can't write an event", "err", err)
	}
	return reason
}

// lost marks a placement whose host can't give it: it counts no longer
// (CREDIT.md section 7).
func (n *Node) lost(ctx context.Context, host peer.ID, share potluck.ShareID, reason string) error {
	rows, err := n.book.Placements(ctx, share.Index)
	if err != nil {
		return err
	}
	for _, p := range rows {
		if p.Host == host && p.Share == share && p.State == ledger.PlacedStable {
			return n.book.Mark(ctx, host, []potluck.ShareID{share}, ledger.PlacedLost, reason)
		}
	}
	return nil
}

// Remove ends this node's leases on a file; see files.Client.Remove. Errors:
// *NotFoundError when this node has put no such file.
func (n *Node) Remove(ctx context.Context, c caps.Cap) (files.RemoveResult, error) {
	if err := n.writable(); err != nil {
		return files.RemoveResult{}, err
	}
	if small, ok := c.(caps.Literal); ok {
		return n.dropSmall(ctx, small)
	}
	r, err := n.files.Remove(ctx, c)
	defer n.shrunk()
	if errors.Is(err, ledger.ErrNotFound) {
		return r, &NotFoundError{What: "file of this cap among those that this node put"}
	}
	return r, n.checked(err)
}

// Where tells where the shares of a file are; see files.Client.Where.
func (n *Node) Where(ctx context.Context, c caps.Cap) (files.WhereResult, error) {
	r, err := n.files.Where(ctx, c)
	defer n.shrunk() // it may have found placements lost
	for _, at := range r.Shares {
		if at.State == files.ShareLost {
			id := potluck.ShareID{Index: r.Index, Number: at.Number}
			err = errors.Join(err, n.lost(ctx, at.Host, id, "the host says that it doesn't hold it"))
		}
	}
	return r, n.checked(err)
}

// Events gives at most limit events after a number, in order.
func (n *Node) Events(ctx context.Context, after uint64, limit int) ([]Event, error) {
	rows, err := n.book.Events(ctx, after, limit)
	if err != nil {
		return nil, n.checked(err)
	}
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return nil, n.checked(err)
	}
	names := map[peer.ID]string{n.self: "you"}
	for _, a := range accounts {
		names[a.Peer] = a.Name
	}
	all := make([]Event, len(rows))
	for i, e := range rows {
		all[i] = Event{Seq: e.Seq, Time: e.Time, Kind: e.Kind, Peer: e.Peer, Name: names[e.Peer], Share: e.Share,
			Bytes: e.Bytes, Reason: e.Reason, Evidence: showEvidence(e.Evidence)}
	}
	return all, nil
}

// LastEvent is the number of the newest event; 0 when there is none.
func (n *Node) LastEvent(ctx context.Context) (uint64, error) {
	e, err := n.book.LastEvent(ctx)
	if errors.Is(err, ledger.ErrNotFound) {
		return 0, nil
	}
	return e.Seq, n.checked(err)
}

// WaitEvent returns when there is an event after a number.
func (n *Node) WaitEvent(ctx context.Context, after uint64) error {
	return n.book.WaitEvent(ctx, after)
}

// Spool makes an unnamed file in the data directory for bytes that are on
// their way in. It vanishes when it is closed, or when the process dies.
func (n *Node) Spool() (*os.File, error) {
	f, err := os.CreateTemp(n.dir.join("tmp"), "spool-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// SpoolRoom is how many bytes a spool may hold now: what is free on the disk
// above the floor.
func (n *Node) SpoolRoom(ctx context.Context) (int64, error) {
	room, err := n.room(ctx)
	return int64(room.Disk), err
}

// LimitMemory makes this process collect garbage early: a node at home shares
// its machine with others. It is for the main function of a process that runs
// one node.
func LimitMemory() {
	const soft = 128 << 20 // bytes that the Go runtime tries to stay under
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(soft)
}
