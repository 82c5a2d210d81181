package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Dispute is a holding that the two sides count otherwise, though they compared
// their books (CREDIT.md section 8). Both versions stand until they agree, and the
// smaller figure counts.
type Dispute struct {
	Host     peer.ID `json:"host"`
	Owner    peer.ID `json:"owner"` // one of the two is this node
	Since    int64   `json:"since"` // unix seconds; kept while it lasts
	Told     int64   `json:"told"`  // when an event told of it last
	Mine     Summary `json:"mine"`
	Theirs   Summary `json:"theirs"`   // their word alone; as far as they signed it, that is in the evidence
	Reason   string  `json:"reason"`   // for people, at most MaxReason bytes
	Evidence []byte  `json:"evidence"` // JSON, at most MaxProof bytes
}

// MaxProof is the greatest length of a dispute's evidence in bytes.
const MaxProof = 32 << 10

// Kinds of events about disputes.
const (
	KindDispute = "dispute" // a peer counts otherwise; evidence: what both say
	KindAgreed  = "agreed"  // it doesn't any more
)

// disputeEvery is how many seconds pass at least between two events about one
// dispute whose figures change.
const disputeEvery = daySeconds

// Dispute keeps a dispute, or its newest figures when there is one already; Since
// and Told are the book's. The evidence is borrowed until it returns. told says
// whether it is news: an event was made. Errors: ErrNotFound when the peer has no
// account, ErrInvalid.
func (b *Book) Dispute(ctx context.Context, d Dispute) (told bool, err error) {
	if err := d.check(b.self); err != nil {
		return false, fmt.Errorf("keep a dispute: %w: %w", err, ErrInvalid)
	}
	err = b.do(ctx, "keep a dispute", true, func(t *tx) error {
		told = false
		if _, _, err := knownAccount(t, d.peer(b.self)); err != nil {
			return err
		}
		old, there, err := getDispute(t, d.Host, d.Owner)
		if err != nil {
			return err
		}
		d.Since, d.Told = t.now, t.now
		if there {
			d.Since, d.Told = old.Since, old.Told
		}
		if told = !there || d.changed(old) && max(t.now-old.Told, old.Told-t.now) >= disputeEvery; told {
			d.Told = t.now
			t.note(Event{Kind: KindDispute, Peer: d.peer(b.self), Bytes: max(d.Mine.Bytes-d.Theirs.Bytes, d.Theirs.Bytes-d.Mine.Bytes),
				Reason: d.Reason, Evidence: d.Evidence})
		}
		t.set(disputeKey(d.Host, d.Owner), encodeDispute(d))
		return nil
	})
	return told && err == nil, err
}

// Agree forgets the dispute about a holding, if there is one, and tells so in an
// event.
func (b *Book) Agree(ctx context.Context, host, owner peer.ID, reason string) error {
	if err := first(checkPeer(host), checkPeer(owner), checkText("reason", reason, MaxReason)); err != nil {
		return fmt.Errorf("end a dispute: %w: %w", err, ErrInvalid)
	}
	if _, there, err := b.dispute(ctx, host, owner); err != nil || !there {
		return err
	}
	return b.do(ctx, "end a dispute", false, func(t *tx) error {
		d, there, err := getDispute(t, host, owner)
		if err != nil || !there {
			return err
		}
		t.del(disputeKey(host, owner))
		t.note(Event{Kind: KindAgreed, Peer: d.peer(b.self), Reason: reason})
		return nil
	})
}

// dispute reads without waiting for the batcher.
func (b *Book) dispute(ctx context.Context, host, owner peer.ID) (d Dispute, there bool, err error) {
	err = b.view(ctx, func(v view) error {
		d, there, err = getDispute(v, host, owner)
		return err
	})
	return d, there, err
}

// Disputes lists what is disputed, by host, then by owner.
func (b *Book) Disputes(ctx context.Context) ([]Dispute, error) {
	var all []Dispute
	err := b.scan(ctx, span{prefix: []byte{keyDispute}}, func(key, row []byte) error {
		d, err := readDispute(key, row)
		all = append(all, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read disputes: %w", err)
	}
	return all, nil
}

// changed tells whether the figures are others.
func (d Dispute) changed(old Dispute) bool { return d.Mine != old.Mine || d.Theirs != old.Theirs }

// peer is the other side.
func (d Dispute) peer(self peer.ID) peer.ID {
	if d.Host == self {
		return d.Owner
	}
	return d.Host
}

func (d Dispute) check(self peer.ID) error {
	if d.Host == d.Owner || d.Host != self && d.Owner != self {
		return errors.New("one of host and owner must be this node")
	}
	return d.checkFields()
}

func (d Dispute) checkFields() error {
	if len(d.Evidence) > MaxProof {
		return fmt.Errorf("evidence of %d bytes, at most %d", len(d.Evidence), MaxProof)
	}
	for _, s := range []Summary{d.Mine, d.Theirs} {
		if err := first(checkSize("bytes", s.Bytes), checkSize("shares", potluck.Size(s.Shares))); err != nil {
			return err
		}
	}
	return first(checkPeer(d.Host), checkPeer(d.Owner), checkText("reason", d.Reason, MaxReason), checkTimes(d.Since, d.Told))
}

func disputeKey(host, owner peer.ID) []byte { return appendPeer(peerKey(keyDispute, host), owner) }

type disputeWire struct {
	Since    int64       `cbor:"1,keyasint"`
	Told     int64       `cbor:"2,keyasint"`
	Mine     summaryWire `cbor:"3,keyasint"`
	Theirs   summaryWire `cbor:"4,keyasint"`
	Reason   string      `cbor:"5,keyasint,omitempty"`
	Evidence []byte      `cbor:"6,keyasint,omitempty"`
}

type summaryWire struct {
	_      struct{} `cbor:",toarray"`
	Bytes  int64
	Shares int64
	Digest potluck.Digest
}

func wireSummary(s Summary) summaryWire {
	return summaryWire{Bytes: int64(s.Bytes), Shares: s.Shares, Digest: s.Digest}
}

func (w summaryWire) summary() Summary {
	return Summary{Bytes: potluck.Size(w.Bytes), Shares: w.Shares, Digest: w.Digest}
}

func encodeDispute(d Dispute) []byte {
	return marshal(disputeWire{Since: d.Since, Told: d.Told, Mine: wireSummary(d.Mine), Theirs: wireSummary(d.Theirs),
		Reason: d.Reason, Evidence: d.Evidence})
}

func decodeDispute(host, owner peer.ID, b []byte) (Dispute, error) {
	w, err := unmarshal[disputeWire]("dispute", b)
	if err != nil {
		return Dispute{}, err
	}
	d := Dispute{Host: host, Owner: owner, Since: w.Since, Told: w.Told, Mine: w.Mine.summary(), Theirs: w.Theirs.summary(),
		Reason: w.Reason, Evidence: w.Evidence}
	return d, damaged("dispute", d.checkFields())
}

func readDispute(key, row []byte) (Dispute, error) {
	k := parts(key)
	host, owner := k.peer(), k.peer()
	if err := k.end(key); err != nil {
		return Dispute{}, err
	}
	return decodeDispute(host, owner, row)
}

func getDispute(g getter, host, owner peer.ID) (Dispute, bool, error) {
	return load(g, disputeKey(host, owner), func(b []byte) (Dispute, error) { return decodeDispute(host, owner, b) })
}

// disputes are between this node and a peer that has an account.
func (c *checker) disputes() error {
	return c.each(keyDispute, func(key, row []byte) error {
		d, err := readDispute(key, row)
		if err != nil {
			return err
		}
		if err := d.check(c.self); err != nil {
			return err
		}
		if _, known := c.stored[d.peer(c.self)]; !known {
			return fmt.Errorf("a dispute with %v, which has no account", d.peer(c.self))
		}
		return nil
	})
}
