package ledger

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// getter reads one row. The value must not be changed, and is good until the
// operation or view ends.
type getter interface {
	get(key []byte) (value []byte, found bool, err error)
}

// tx is what an operation sees: the database, the accepted operations before it
// in the batch, and its own writes. It is thrown away when the operation is
// refused.
type tx struct {
	batch  *batch
	graph  *graph            // credit as it stood before the operation
	now    int64             // unix seconds, once per operation
	writes map[string][]byte // nil: deleted
	events []Event
	size   int64 // after finish: as Badger counts it
	head   head  // after finish

	// What the graph takes over when the operation is accepted.
	usages   []counted // the last one of a peer counts
	accounts map[peer.ID]bool
	entries  map[docKey]*entry
	proofs   map[peer.ID]Proof
	look     bool      // documents changed or time passed
	scarcity *scarcity // once it was asked for
	laid     int       // bytes of the rows of entries
	more     bool      // the operation did as much as fits, and must be run again
}

// pieceBytes is how many bytes of documents an operation writes that may be run
// again for the rest: a third of what a transaction takes.
const pieceBytes = 200 << 10

// full tells an operation to stop, and be run again.
func (t *tx) full() bool {
	t.more = t.laid >= pieceBytes
	return t.more
}

func (t *tx) get(key []byte) ([]byte, bool, error) {
	if v, ok := t.writes[string(key)]; ok {
		return v, v != nil, nil
	}
	if v, ok := t.batch.writes[string(key)]; ok {
		return v, v != nil, nil
	}
	if v, known := t.batch.recent.get(key); known {
		return v, v != nil, nil
	}
	v, found, err := getFrom(t.batch.txn, key)
	if found && len(v) > 0 {
		t.batch.recent.put(string(key), v)
	}
	return v, found, err
}

func getFrom(txn *badger.Txn, key []byte) ([]byte, bool, error) {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read row %x: %w: %w", key, errUnread, err)
	}
	v, err := item.ValueCopy(nil)
	if err != nil {
		return nil, false, fmt.Errorf("read row %x: %w: %w", key, errUnread, err)
	}
	return v, true, nil
}

// set keeps value, which must not be nil.
func (t *tx) set(key, value []byte) { t.writes[string(key)] = value }

func (t *tx) mark(key []byte) { t.set(key, []byte{}) }

func (t *tx) del(key []byte) { t.writes[string(key)] = nil }

// note adds an event; sequence, time and chain value are given by the book.
func (t *tx) note(e Event) { t.events = append(t.events, e) }

// finish writes the events' rows and counts bytes.
func (t *tx) finish(h head) error {
	for _, e := range t.events {
		e.Seq, e.Time = h.seq+1, t.now
		if err := e.check(); err != nil {
			return fmt.Errorf("event: %w: %w", err, ErrInvalid)
		}
		encoded := encodeEvent(e)
		h = h.next(encoded)
		t.set(eventKey(h.seq), append(h.sum[:len(h.sum):len(h.sum)], encoded...))
	}
	t.head = h
	for k, v := range t.writes {
		if len(v) > maxRow {
			return fmt.Errorf("row %x of %d bytes, at most %d: %w", k, len(v), maxRow, ErrInvalid)
		}
		t.size += int64(len(k)+len(v)) + 12
	}
	return nil
}

// load reads and decodes one row.
func load[T any](g getter, key []byte, decode func([]byte) (T, error)) (v T, found bool, err error) {
	b, found, err := g.get(key)
	if err != nil || !found {
		return v, false, err
	}
	v, err = decode(b)
	return v, err == nil, err
}

func getAccount(g getter, p peer.ID) (Account, bool, error) {
	return load(g, peerKey(keyAccount, p), func(b []byte) (Account, error) { return decodeAccount(p, b) })
}

func getShare(g getter, id potluck.ShareID) (share, bool, error) {
	return load(g, shareKey(keyShare, id), func(b []byte) (share, error) { return decodeShare(id, b) })
}

func getLease(g getter, id potluck.ShareID, owner peer.ID) (Lease, bool, error) {
	return load(g, sharePeerKey(keyLease, id, owner), func(b []byte) (Lease, error) { return decodeLease(owner, b) })
}

func getPlacement(g getter, id potluck.ShareID, host peer.ID) (Placement, bool, error) {
	return load(g, sharePeerKey(keyPlacement, id, host), func(b []byte) (Placement, error) { return decodePlacement(id, host, b) })
}

// knownAccount reads an account with its counters. A counter row that is missing
// is damage, and so are counters without their account.
func knownAccount(g getter, p peer.ID) (Account, Usage, error) {
	a, known, err := getAccount(g, p)
	if err != nil {
		return a, Usage{}, err
	}
	u, counted, err := load(g, peerKey(keyUsage, p), decodeUsage)
	switch {
	case err != nil:
		return a, u, err
	case known && !counted:
		return a, u, fmt.Errorf("counters of %v are missing: %w", p, ErrDamaged)
	case !known && counted:
		return a, u, fmt.Errorf("account of %v is missing, its counters are there: %w", p, ErrDamaged)
	case !known:
		return a, u, fmt.Errorf("account of %v: %w", p, ErrNotFound)
	}
	return a, u, nil
}

func getTotals(g getter) (Usage, error) {
	u, found, err := load(g, []byte{keyTotals}, decodeUsage)
	if err == nil && !found {
		err = fmt.Errorf("totals are missing: %w", ErrDamaged)
	}
	return u, err
}

// count adds a change to an account's counters and to the totals.
func (t *tx) count(p peer.ID, change Usage) error {
	if change == (Usage{}) {
		return nil
	}
	u, found, err := load(t, peerKey(keyUsage, p), decodeUsage)
	if err == nil && !found {
		err = fmt.Errorf("counters of %v are missing: %w", p, ErrDamaged)
	}
	if err != nil {
		return err
	}
	totals, err := getTotals(t)
	if err != nil {
		return err
	}
	if u, err = u.plus(change); err != nil {
		return fmt.Errorf("account of %v: %w", p, err)
	}
	if totals, err = totals.plus(change); err != nil {
		return fmt.Errorf("totals: %w", err)
	}
	totals.Newest = 0
	t.putUsage(p, u)
	t.set([]byte{keyTotals}, encodeUsage(totals))
	return nil
}

// putUsage writes an account's counters.
func (t *tx) putUsage(p peer.ID, u Usage) {
	t.set(peerKey(keyUsage, p), encodeUsage(u))
	if n := len(t.usages); n > 0 && t.usages[n-1].peer == p {
		t.usages[n-1].usage = u
		return
	}
	t.usages = append(t.usages, counted{p, u})
}

// counted are an account's counters after an operation.
type counted struct {
	peer  peer.ID
	usage Usage
}
