package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/zeebo/blake3"

	"potluck"
	"potluck/ledger/signed"
)

// Statements bind the books' history: whoever signs one puts in where its own
// chain of events stands. What it signed so comes back from those who keep it; a
// head that the chain doesn't have means that these books are an old copy, or that
// their end was cut.

// Head gives where the chain of events stands, durably.
func (b *Book) Head(ctx context.Context) (signed.Head, error) {
	e, err := b.LastEvent(ctx)
	if err != nil {
		return signed.Head{}, fmt.Errorf("head of the books: %w", err)
	}
	h := signed.Head{Seq: e.Seq, Chain: e.Chain}
	if epoch := b.graph.epoch(); epoch > 1 {
		h.Epoch = epoch
	}
	return h, nil
}

// HasHead tells whether the chain of events has a head, of this life of the node.
func (b *Book) HasHead(ctx context.Context, h signed.Head) (has bool, err error) {
	if max(h.Epoch, 1) != b.graph.epoch() {
		return false, nil
	}
	err = b.view(ctx, func(v view) (err error) {
		has, err = hasHead(v, h)
		return err
	})
	return has, err
}

func hasHead(g getter, h signed.Head) (bool, error) {
	row, found, err := g.get(eventKey(h.Seq))
	return err == nil && found && len(row) >= len(h.Chain) && potluck.Digest(row[:len(h.Chain)]) == h.Chain, err
}

// Behind tells whether a statement that this node signed names a head of the
// chain of events that these books don't have: its sequence number, and the other
// party of that statement. Such books must sign nothing and take no new bytes:
// their numbers are used up and their figures are of the past. They stay so until
// they are opened with AcceptCut.
func (b *Book) Behind(ctx context.Context) (seq uint64, by peer.ID, ok bool) {
	var r behind
	err := b.view(ctx, func(v view) (err error) {
		r, err = getBehind(v)
		return err
	})
	return r.seq, r.by, err == nil && r.seq != 0
}

// behind is the row of it. Heads in statements from before accepted are known to
// be gone.
type behind struct {
	seq      uint64 // 0: not behind
	chain    potluck.Digest
	by       peer.ID
	found    int64
	accepted int64 // 0: never
}

type behindWire struct {
	Seq      uint64 `cbor:"1,keyasint,omitempty"`
	Chain    []byte `cbor:"2,keyasint,omitempty"`
	By       []byte `cbor:"3,keyasint,omitempty"`
	Found    int64  `cbor:"4,keyasint,omitempty"`
	Accepted int64  `cbor:"5,keyasint,omitempty"`
}

func encodeBehind(r behind) []byte {
	return marshal(behindWire{r.seq, wireDigest(r.chain), wirePeer(r.by), r.found, r.accepted})
}

func decodeBehind(b []byte) (r behind, err error) {
	w, err := unmarshal[behindWire]("behind", b)
	if err != nil {
		return r, err
	}
	r = behind{seq: w.Seq, by: peer.ID(w.By), found: w.Found, accepted: w.Accepted}
	r.chain, err = readDigest(w.Chain)
	if err == nil && (r.seq == 0) != (r.by == "") {
		err = fmt.Errorf("head %d of %q", r.seq, w.By)
	}
	if err == nil && r.seq == 0 && (r.found != 0 || r.chain != potluck.Digest{} || r.accepted == 0) {
		err = fmt.Errorf("it tells of nothing")
	}
	if err == nil && (r.seq > signed.MaxNumber || len(r.by) > MaxPeer) {
		err = fmt.Errorf("head %d of a peer with %d bytes", r.seq, len(r.by))
	}
	return r, damaged("behind", first(err, checkTimes(r.found, r.accepted)))
}

func getBehind(g getter) (behind, error) {
	r, _, err := load(g, []byte{keyBehind}, decodeBehind)
	return r, err
}

// ownHead gives this node's head in a statement that it signed itself. What others
// write about it alone proves nothing.
func (p *paper) ownHead(self peer.ID) (h signed.Head, other peer.ID) {
	switch {
	case p.byHost && p.id.Issuer == self:
		return p.statement.HostHead, p.id.Other
	case p.byOwner && p.id.Other == self:
		return p.statement.OwnerHead, p.id.Issuer
	}
	return signed.Head{}, ""
}

// remind holds the head that this node put into a statement against its chain of
// events.
func (t *tx) remind(p *paper) error {
	h, other := p.ownHead(t.graph.self)
	if h.Seq == 0 || max(h.Epoch, 1) < t.graph.epoch() {
		return nil // an older copy of the node may live on: its chain isn't this one
	}
	if has, err := hasHead(t, h); err != nil || has && max(h.Epoch, 1) == t.graph.epoch() {
		return err
	}
	old, err := getBehind(t)
	if err != nil || old.seq != 0 {
		return err
	}
	began, err := t.began()
	if err != nil || p.statement.Time <= max(began, old.accepted)+int64(signed.Tolerance/time.Second) {
		return err // it is about books before these
	}
	t.set([]byte{keyBehind}, encodeBehind(behind{seq: h.Seq, chain: h.Chain, by: other, found: t.now, accepted: old.accepted}))
	sum := blake3.Sum256(p.encoded)
	t.note(Event{Kind: KindBehind, Peer: other, Evidence: sum[:], Reason: fmt.Sprintf(
		"this node signed that its books had event %d with chain value %v, and these have not: they are an old copy, or their end was cut", h.Seq, h.Chain)})
	return nil
}

// began is when these books were made.
func (t *tx) began() (int64, error) {
	row, found, err := t.get(eventKey(1))
	if err != nil || !found {
		return 0, err
	}
	e, _, err := decodeEvent(1, row)
	return e.Time, err
}

// acceptCut notes that the operator knows what is gone.
func (t *tx) acceptCut(cut error) error {
	r, err := getBehind(t)
	if err != nil {
		return err
	}
	switch {
	case cut != nil:
		t.note(Event{Kind: KindCut, Reason: cut.Error()})
	case r.seq != 0:
		t.note(Event{Kind: KindCut, Peer: r.by, Reason: fmt.Sprintf("the operator accepts that these books don't have event %d, which this node had", r.seq)})
	default:
		return nil
	}
	t.set([]byte{keyBehind}, encodeBehind(behind{accepted: t.now}))
	return nil
}
