package ledger

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/dgraph-io/badger/v4"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Kinds of events that the book writes itself. Bytes is the charge that the
// event is about.
const (
	KindMade         = "made"           // the books began
	KindCut          = "cut"            // the end of the books was lost, see Reason
	KindBehind       = "behind"         // this node signed that its books had an event that these have not
	KindClock        = "clock"          // the clock jumped; nothing was expired
	KindBefriend     = "befriend"       // an account was made a friend
	KindAccount      = "account"        // an account was changed, see Reason
	KindAddress      = "address"        // a peer has other addresses
	KindReserve      = "reserve"        // a pending lease was made
	KindResume       = "resume"         // its deadline was moved
	KindCommit       = "commit"         // it became a held lease
	KindStore        = "store"          // a held lease was made at once, for a small share
	KindAbort        = "abort"          // it was released by the owner
	KindCancel       = "cancel"         // a lease was cancelled by the owner
	KindExpire       = "expire"         // a lease ended
	KindEvict        = "evict"          // a lease was dropped by the operator
	KindRenew        = "renew"          // the end of an account's leases was moved
	KindDeleted      = "deleted"        // the bytes of a GOING share are gone
	KindNotDeleted   = "not-deleted"    // they couldn't be deleted, see Reason
	KindAdopt        = "adopt"          // a share was found without a row, and got one; a lease was made with it
	KindFound        = "found"          // the bytes of a LOST or CORRUPT share are there again, whole
	KindLost         = "lost"           // a share's bytes vanished
	KindCorrupt      = "corrupt"        // a share's bytes changed
	KindPlacing      = "placing"        // a host is about to be sent a share of ours
	KindPlace        = "place"          // a host holds a share of ours
	KindUnplacing    = "unplacing"      // a share of ours was removed, the host is to be told
	KindPlacedLost   = "placement-lost" // a host doesn't, though it did
	KindUnplace      = "unplace"        // a placement was dropped
	KindRepair       = "repair"         // shares of a file were made anew, used again or given up, see Reason
	KindAuthority    = "authority"      // leave to repair a file was given or taken, see Reason
	KindRepairedFor  = "repaired-for"   // a share was taken from a friend of its owner, in its owner's name
	KindFile         = "file"           // a file was put
	KindDropFile     = "drop-file"      // a file was forgotten
	KindInvite       = "invite"         // an invite was made
	KindInviteUsed   = "invite-used"    //
	KindInviteRevoke = "invite-revoked" //
	KindKnow         = "know"           // an account was made for a peer that is no friend
	KindStanding     = "standing"       // an account's standing was changed, see Reason
	KindOrder        = "order"          // a standing order was taken; evidence of these six: the BLAKE3 hash of the document
	KindRepay        = "repay"          // a repay order was taken
	KindConsent      = "consent"        // a server's consent to work for a principal was taken
	KindHousehold    = "household"      // a household document was taken
	KindStatement    = "statement"      // a statement was taken
	KindKeepsake     = "keepsake"       // a keepsake was taken
	KindRevocation   = "revocation"     // a revocation of repair authorities was taken
	KindConflict     = "order-conflict" // a peer signed two documents with one number; evidence: the proof
	KindFrozen       = "frozen"         // part of a pointer became frozen: what it carried when it ended
	KindRefresh      = "refresh"        // documents or terms ended, or began to count again
)

type eventWire struct {
	Seq      uint64 `cbor:"1,keyasint"`
	Time     int64  `cbor:"2,keyasint"`
	Kind     string `cbor:"3,keyasint"`
	Peer     []byte `cbor:"4,keyasint,omitempty"`
	Share    []byte `cbor:"5,keyasint,omitempty"`
	Bytes    int64  `cbor:"6,keyasint,omitempty"`
	Reason   string `cbor:"7,keyasint,omitempty"`
	Evidence []byte `cbor:"8,keyasint,omitempty"`
}

// encodeEvent gives what the chain hashes. The row is the chain value and this.
func encodeEvent(e Event) []byte {
	m := newRowMap(128 + len(e.Reason) + len(e.Evidence))
	m.number(1, int64(e.Seq))
	m.number(2, e.Time)
	m.key(3)
	m.b = append(appendHead(m.b, 0x60, len(e.Kind)), e.Kind...)
	m.data(4, wirePeer(e.Peer))
	if e.Share != nil {
		m.data(5, appendShare(nil, *e.Share))
	}
	m.some(6, int64(e.Bytes))
	m.text(7, e.Reason)
	m.data(8, e.Evidence)
	return m.b
}

func decodeEvent(seq uint64, row []byte) (e Event, encoded []byte, err error) {
	if len(row) < len(e.Chain) {
		return e, nil, fmt.Errorf("event row of %d bytes: %w", len(row), ErrDamaged)
	}
	encoded = row[len(e.Chain):]
	w, err := parse[eventWire]("event", encoded)
	if err != nil {
		return e, nil, err
	}
	e = Event{Seq: w.Seq, Time: w.Time, Kind: w.Kind, Peer: peer.ID(w.Peer), Bytes: potluck.Size(w.Bytes),
		Reason: w.Reason, Evidence: w.Evidence}
	copy(e.Chain[:], row)
	if w.Seq != seq {
		return e, nil, fmt.Errorf("event row %d says that it is %d: %w", seq, w.Seq, ErrDamaged)
	}
	if w.Share != nil {
		r := &keyReader{rest: w.Share}
		id := r.share()
		if err := r.end(w.Share); err != nil {
			return e, nil, err
		}
		e.Share = &id
	}
	if err := e.check(); err != nil {
		return e, nil, damaged("event", err)
	}
	return e, encoded, sameRow("event", encodeEvent(e), encoded)
}

// readNewest finds the newest event; empty tells that there is none.
func (b *Book) readNewest() (empty bool, err error) {
	txn := b.db.NewTransaction(false)
	defer txn.Discard()
	it := txn.NewIterator(badger.IteratorOptions{Reverse: true, Prefix: []byte{keyEvent}})
	defer it.Close()
	it.Seek([]byte{keyEvent, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	if !it.Valid() {
		return true, nil
	}
	key := it.Item().KeyCopy(nil)
	if len(key) != 1+timeLen {
		return false, fmt.Errorf("key %x has the wrong form: %w", key, ErrDamaged)
	}
	e, at, err := b.readEvent(binary.BigEndian.Uint64(key[1:]))
	b.head, b.seen, b.steps.last = at, at.seq, e.Time
	return false, err
}

func (b *Book) readEvent(seq uint64) (e Event, at head, err error) {
	txn := b.db.NewTransaction(false)
	defer txn.Discard()
	row, found, err := getFrom(txn, eventKey(seq))
	if err == nil && !found {
		err = fmt.Errorf("event %d is missing: %w", seq, ErrDamaged)
	}
	if err != nil {
		return e, at, err
	}
	e, _, err = decodeEvent(seq, row)
	return e, head{seq: seq, sum: e.Chain}, err
}

// Note writes an event that goes with no other change. Kind is needed; sequence,
// time and chain value are the book's. The evidence is borrowed until it returns.
func (b *Book) Note(ctx context.Context, e Event) error {
	return b.do(ctx, "note an event", true, func(t *tx) error {
		t.note(e)
		return nil
	})
}

// Events gives at most limit events (1 to 10,000) after a sequence number, in order.
func (b *Book) Events(ctx context.Context, after uint64, limit int) ([]Event, error) {
	limit = min(max(limit, 1), 10_000)
	var events []Event
	err := b.scan(ctx, span{prefix: []byte{keyEvent}, after: eventKey(after)}, func(key, row []byte) error {
		k := parts(key)
		seq := k.number()
		if err := k.end(key); err != nil {
			return err
		}
		e, _, err := decodeEvent(seq, row)
		if err != nil {
			return err
		}
		events = append(events, e)
		if len(events) == limit {
			return ErrStop
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	return events, nil
}

// Newest is the sequence number of the newest durable event. Counters, and which
// documents and disputes there are, stay as they are while it does.
func (b *Book) Newest() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen
}

// WaitEvent returns when there is an event after this sequence number, or with
// an error when ctx ends, the book fails or is closed.
func (b *Book) WaitEvent(ctx context.Context, after uint64) error {
	for {
		b.mu.Lock()
		seen, grown, err := b.seen, b.grown, b.failure
		b.mu.Unlock()
		if seen > after {
			return nil
		}
		if err != nil {
			return fmt.Errorf("wait for an event after %d: %w", after, err)
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		case <-b.gate.closing:
			return fmt.Errorf("wait for an event after %d: %w", after, ErrClosed)
		}
	}
}
