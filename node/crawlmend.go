package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/shares"
)

// look is what is seen of one share's bytes.
type look struct {
	sight  sight
	header shares.Header // of seenWhole and seenOther
	stored potluck.Size  // likewise
	text   string        // how it differs, for people
	err    error         // of seenDamage and seenUnknown
}

// look looks at the bytes of one share; it reads the header alone. Of a share
// whose bytes are on their way, or going, nothing is looked at.
func (k *keep) look(ctx context.Context, p twin) look {
	if s := p.state(); s == ledger.ShareComing || s == ledger.ShareGoing {
		return look{sight: seenNothing}
	}
	info, err := k.store.Stat(ctx, p.id)
	h := info.Header
	l := look{sight: seenWhole, header: h, stored: info.Stored}
	switch {
	case errors.Is(err, shares.ErrNotFound):
		return look{sight: seenNothing, text: "the store has no bytes"}
	case errors.Is(err, shares.ErrDamaged):
		return look{sight: seenDamage, text: err.Error(), err: err}
	case err != nil:
		return look{sight: seenUnknown, text: err.Error(), err: err}
	case p.row == nil:
		l.text = fmt.Sprintf("the store has %d bytes, the books have no row", info.Stored)
	case h.Layout != p.row.Layout:
		l.sight, l.text = seenOther, fmt.Sprintf("the books have layout %+v, the store has %+v", p.row.Layout, h.Layout)
	case h.Root != p.row.Root || h.Manifest != p.row.Manifest:
		l.sight, l.text = seenOther, fmt.Sprintf("the books have root %v and manifest %v, the store has %v and %v", p.row.Root, p.row.Manifest, h.Root, h.Manifest)
	}
	return l
}

// mender does what a fault asks for. Each is looked at again, with the share's
// writer kept out, before anything is changed.
type mender struct {
	n      *Node
	report *CrawlReport

	found []ledger.Found // to be adopted
	leave []func()       // of their writers' places
}

// anonymousTerm is how long a share is kept whose owner has no account here.
const anonymousTerm = 60 * 24 * time.Hour

// mend looks at one share again, and mends it.
func (m *mender) mend(ctx context.Context, id potluck.ShareID) error {
	leave, ok := m.n.keep.tryEnter(id)
	if !ok {
		return nil // its bytes are being written
	}
	adopting := false
	defer func() {
		if !adopting {
			leave()
		}
	}()
	p, err := m.n.twinOf(ctx, id)
	if err != nil {
		return err
	}
	l := m.n.keep.look(ctx, p)
	if l.sight == seenUnknown {
		m.report.find(&m.report.Unknown, id, "can't be looked at: %s", l.text)
		return ctx.Err()
	}
	switch faults[p.state()][l.sight] {
	case faultLost:
		err = m.n.keep.mark(ctx, *p.row, ledger.ShareLost, l.text)
		m.did(err, &m.report.Lost, id, "lost: "+l.text)
	case faultCorrupt, faultOther:
		err = m.n.keep.mark(ctx, *p.row, ledger.ShareCorrupt, l.text)
		m.did(err, &m.report.Corrupt, id, "corrupt: "+l.text)
	case faultWreck:
		err = m.n.keep.setAside(ctx, id, l.text)
		m.did(err, &m.report.SetAside, id, "set aside: "+l.text)
	case faultReturn:
		return m.giveBack(ctx, *p.row)
	case faultNoRow:
		adopting = true
		m.found, m.leave = append(m.found, foundOf(l.header)), append(m.leave, leave)
		if len(m.found) == expireBatch {
			return m.adopt(ctx)
		}
	}
	return err
}

// did counts what was done, if it was.
func (m *mender) did(err error, count *int64, id potluck.ShareID, text string) {
	if err == nil {
		m.report.find(count, id, "%s", text)
	}
}

// twinOf reads the row of one share as it is now.
func (n *Node) twinOf(ctx context.Context, id potluck.ShareID) (twin, error) {
	row, err := n.book.Share(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return twin{id: id}, nil
	}
	return twin{id: id, row: &row}, err
}

// adopt makes rows for what was found. Nobody was asked for admission: the bytes
// lie here already. Their owners see them when they reconcile.
func (m *mender) adopt(ctx context.Context) error {
	defer m.close()
	if len(m.found) == 0 {
		return nil
	}
	adopted, err := m.n.book.Adopt(ctx, m.found, m.n.config.Clock().Add(anonymousTerm))
	for _, id := range adopted {
		m.report.find(&m.report.Adopted, id, "adopted: the store had it, the books had no row")
	}
	return err
}

// close lets the writers of what was to be adopted go on.
func (m *mender) close() {
	for _, leave := range m.leave {
		leave()
	}
	m.found, m.leave = nil, nil
}

// giveBack makes a share STABLE that was marked, if all of its bytes are right.
func (m *mender) giveBack(ctx context.Context, row ledger.ShareRow) error {
	err := m.n.keep.reread(ctx, row)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil { // as the books say
		return nil
	}
	err = ignoreChanged(m.n.book.MarkShare(ctx, row.ID, ledger.ShareStable, "all of its bytes were read, and have its root"))
	m.did(err, &m.report.Returned, row.ID, "returned: it was "+stateWord(row.State)+", and all of its bytes are there again")
	m.n.shrunk()
	return err
}

// foundOf is what a header says, in the words of the books.
func foundOf(h shares.Header) ledger.Found {
	return ledger.Found{Share: h.ID, Owner: ownerOf(h), Layout: h.Layout, Charge: shares.Charge(h.Layout), Root: h.Root,
		Manifest: h.Manifest, Created: max(h.Created, 0)}
}

// ownerOf is the peer whose key a header has; "" if it is none.
func ownerOf(h shares.Header) peer.ID {
	key, err := crypto.UnmarshalEd25519PublicKey(h.Owner[:])
	if err != nil {
		return ""
	}
	p, err := peer.IDFromPublicKey(key)
	if err != nil {
		return ""
	}
	return p
}

// tryEnter is enter that doesn't wait.
func (k *keep) tryEnter(id potluck.ShareID) (leave func(), ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.writers[id] != nil {
		return nil, false
	}
	mine := make(chan struct{})
	k.writers[id] = mine
	return func() { k.leave(id, mine) }, true
}

// mark notes that the bytes of a share aren't what the books say, so that nobody
// is told otherwise from now on, and lets its owners know.
func (k *keep) mark(ctx context.Context, row ledger.ShareRow, state ledger.ShareState, reason string) error {
	k.log.Error("a share isn't as the books say", "share", row.ID, "state", stateWord(state), "reason", reason)
	err := ignoreChanged(k.book.MarkShare(ctx, row.ID, state, reason[:min(len(reason), ledger.MaxReason)]))
	if err != nil {
		k.fatal(err)
		return err
	}
	row.State = state
	k.damaged(row)
	k.shrunk()
	return nil
}

// setAside takes what is no share and has no row out of the way of a share of
// that name. If we die before the event: it is set aside, and a log doesn't say so.
func (k *keep) setAside(ctx context.Context, id potluck.ShareID, reason string) error {
	k.log.Error("what lies in the place of a share is no share, and has no row; it is set aside", "share", id, "reason", reason)
	err := k.store.SetAside(ctx, id)
	if err == nil {
		err = k.book.Note(ctx, ledger.Event{Kind: kindAside, Share: &id, Reason: reason[:min(len(reason), ledger.MaxReason)]})
	}
	k.fatal(err)
	return err
}

// kindAside is the event of bytes that were set aside.
const kindAside = "set-aside"

// reread reads all bytes of a share that has a row. Errors wrap shares.ErrDamaged
// or shares.ErrNotFound, or else it is unknown how the bytes are.
func (k *keep) reread(ctx context.Context, row ledger.ShareRow) error {
	s, err := k.store.Open(ctx, row.ID)
	if err != nil {
		return err
	}
	if h := s.Header(); h.Layout != row.Layout || h.Root != row.Root || h.Manifest != row.Manifest {
		err = fmt.Errorf("%w: it has root %v and manifest %v, the books have %v and %v", shares.ErrDamaged, h.Root, h.Manifest, row.Root, row.Manifest)
	} else {
		err = s.Verify(ctx)
	}
	return errors.Join(err, s.Close())
}

// ignoreChanged passes over what an owner did meanwhile: it gave the share up.
func ignoreChanged(err error) error {
	if errors.Is(err, ledger.ErrNotFound) || errors.Is(err, ledger.ErrConflict) {
		return nil
	}
	return err
}
