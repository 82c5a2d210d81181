package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/libp2p/go-libp2p/core/peer"
)

// A window is the unit of presence and of the time for which bytes were kept: a
// quarter of an hour, counted only while this node itself was up and online.
const (
	WindowSeconds = 15 * 60
	DayWindows    = daySeconds / WindowSeconds
	HistoryDays   = 400 // for so many days history is kept
	daySeconds    = 24 * 60 * 60
)

// Deeds is what is counted for one account over one day or several. All are 0 or more.
type Deeds struct {
	Held         int64 `json:"held_windows"`   // byte-windows: charged bytes that this node kept for the peer, summed over windows
	Earned       int64 `json:"earned_windows"` // byte-windows of what the peer kept for this node
	In           int64 `json:"bytes_in"`       // bytes that the peer sent to this node
	Out          int64 `json:"bytes_out"`      // bytes that this node sent to the peer
	Seen         int64 `json:"windows_seen"`   // windows in which the peer was connected
	Of           int64 `json:"windows_of"`     // windows in which this node would have known
	AuditsGood   int64 `json:"audits_good"`    // slices that the peer proved
	AuditsFailed int64 `json:"audits_failed"`  // slices that it should have had and hasn't
	AuditBytes   int64 `json:"audit_bytes"`    // what audits of the peer moved, a part of In
	Paid         int64 `json:"paid_windows"`   // byte-windows of Held within the paid term, as it was in each window
}

// Past is one row of history.
type Past struct {
	Peer peer.ID `json:"peer"`
	Day  int64   `json:"day"` // days since 1970, UTC
	Deeds
}

// DayOf gives the day of a time in unix seconds.
func DayOf(unix int64) int64 { return max(unix, 0) / daySeconds }

// Plus sums two parts of a history; what leaves 63 bits stays at their end.
func (d Deeds) Plus(e Deeds) Deeds {
	a, b := d.figures(), e.figures()
	for i, v := range b {
		if a[i] > math.MaxInt64-v {
			a[i] = math.MaxInt64
		} else {
			a[i] += v
		}
	}
	return deeds(a)
}

// figures gives the figures in the order of the row.
func (d Deeds) figures() [10]int64 {
	return [10]int64{d.Held, d.Earned, d.In, d.Out, d.Seen, d.Of, d.AuditsGood, d.AuditsFailed, d.AuditBytes, d.Paid}
}

func deeds(v [10]int64) Deeds {
	return Deeds{Held: v[0], Earned: v[1], In: v[2], Out: v[3], Seen: v[4], Of: v[5], AuditsGood: v[6], AuditsFailed: v[7], AuditBytes: v[8], Paid: v[9]}
}

func (d Deeds) check() error {
	for _, v := range d.figures() {
		if v < 0 {
			return fmt.Errorf("figure %d of a history is below 0", v)
		}
	}
	if d.Paid > d.Held {
		return fmt.Errorf("%d byte-windows paid of %d held", d.Paid, d.Held)
	}
	if d.Seen > d.Of || d.Of > DayWindows {
		return fmt.Errorf("%d windows seen of %d, of %d a day", d.Seen, d.Of, DayWindows)
	}
	return nil
}

// Record adds to the history of accounts. Rows of peers without an account are
// left out; rows add up until their day is over, and make no events. A day has
// DayWindows windows at most: what is over them doesn't count. Errors: ErrInvalid.
func (b *Book) Record(ctx context.Context, rows []Past) error {
	for _, r := range rows {
		if err := first(checkPeer(r.Peer), checkTimes(r.Day), r.Deeds.check()); err != nil {
			return fmt.Errorf("record history: %w: %w", err, ErrInvalid)
		}
	}
	return pieces(rows, func(part []Past) error {
		return b.do(ctx, "record history", false, func(t *tx) error {
			for _, r := range part {
				if err := t.record(r); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (t *tx) record(r Past) error {
	_, known, err := t.get(peerKey(keyAccount, r.Peer))
	if err != nil || !known || r.Deeds == (Deeds{}) {
		return err
	}
	key := historyKey(r.Peer, r.Day)
	old, _, err := load(t, key, decodeDeeds)
	if err != nil {
		return err
	}
	sum := old.Plus(r.Deeds)
	sum.Of = min(sum.Of, DayWindows)
	sum.Seen = min(sum.Seen, sum.Of)
	t.set(key, encodeDeeds(sum))
	return nil
}

// History gives the rows of one account from one day to another, both included,
// by day. Days on which nothing was counted have none.
func (b *Book) History(ctx context.Context, p peer.ID, from, to int64) ([]Past, error) {
	var all []Past
	days := span{prefix: peerKey(keyHistory, p)}
	if from > 0 {
		days.after = historyKey(p, from-1)
	}
	err := b.scan(ctx, days, func(key, row []byte) error {
		r, err := readPast(key, row)
		if err != nil {
			return err
		}
		if r.Day > to {
			return ErrStop
		}
		all = append(all, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read history of %v: %w", p, err)
	}
	return all, nil
}

// DeedsOn gives what was counted on one day, by peer: a row for each account.
func (b *Book) DeedsOn(ctx context.Context, day int64) (map[peer.ID]Deeds, error) {
	all := make(map[peer.ID]Deeds)
	err := b.view(ctx, func(v view) error {
		peers, err := v.peers()
		if err != nil {
			return err
		}
		for p := range peers {
			d, counted, err := load(v, historyKey(p, day), decodeDeeds)
			if err != nil {
				return err
			}
			if counted {
				all[p] = d
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read history of a day: %w", err)
	}
	return all, nil
}

// Uptime gives in which part of the windows of the last days, today included, a
// peer was seen, in millionths, and how many windows that is from. Of no windows
// nothing is known: 0 of 0.
func (b *Book) Uptime(ctx context.Context, p peer.ID, days int) (ppm, windows int64, err error) {
	today := DayOf(b.clock().Unix())
	rows, err := b.History(ctx, p, today-int64(days)+1, today)
	if err != nil {
		return 0, 0, err
	}
	var sum Deeds
	for _, r := range rows {
		sum = sum.Plus(r.Deeds)
	}
	if sum.Of == 0 {
		return 0, 0, nil
	}
	return sum.Seen * 1_000_000 / sum.Of, sum.Of, nil
}

// ForgetHistory drops the rows of days before one, at most MaxBatch a call, and tells how
// many went.
func (b *Book) ForgetHistory(ctx context.Context, before int64) (gone int, err error) {
	var keys [][]byte
	err = b.scan(ctx, span{prefix: []byte{keyHistory}}, func(key, row []byte) error {
		r, err := readPast(key, row)
		if err == nil && r.Day < before {
			keys = append(keys, append([]byte(nil), key...))
		}
		if err == nil && len(keys) == MaxBatch {
			err = ErrStop
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read old history: %w", err)
	}
	if len(keys) == 0 {
		return 0, nil
	}
	return len(keys), b.do(ctx, "forget history", false, func(t *tx) error {
		for _, k := range keys {
			t.del(k)
		}
		return nil
	})
}

func historyKey(p peer.ID, day int64) []byte {
	return binary.BigEndian.AppendUint64(peerKey(keyHistory, p), uint64(day))
}

func readPast(key, row []byte) (r Past, err error) {
	k := parts(key)
	r.Peer, r.Day = k.peer(), int64(k.number())
	if err := first(k.end(key), damaged("history", checkTimes(r.Day))); err != nil {
		return r, err
	}
	r.Deeds, err = decodeDeeds(row)
	return r, err
}

// historyNine is an array of nine.
const historyNine = 0x89

func encodeDeeds(d Deeds) []byte {
	figures := d.figures()
	some := figures[:]
	if d.Paid == 0 {
		some = some[:len(some)-1]
	}
	b := append(make([]byte, 0, 64), historyNine+byte(len(some)-9))
	for _, v := range some {
		b = appendNumber(b, uint64(v))
	}
	return b
}

func decodeDeeds(b []byte) (Deeds, error) {
	if len(b) == 0 || b[0] != historyNine && b[0] != historyNine+1 {
		return Deeds{}, fmt.Errorf("history row of %d bytes isn't an array of 9 or 10: %w", len(b), ErrDamaged)
	}
	var v [10]int64
	rest, ok := b[1:], true
	for i := range 9 + int(b[0]-historyNine) {
		if v[i], rest, ok = takeNumber(rest); !ok {
			return Deeds{}, fmt.Errorf("history row has figure %d in a wrong form: %w", i, ErrDamaged)
		}
	}
	if len(rest) != 0 {
		return Deeds{}, fmt.Errorf("history row has %d bytes too many: %w", len(rest), ErrDamaged)
	}
	d := deeds(v)
	if b[0] != historyNine && d.Paid == 0 {
		return Deeds{}, fmt.Errorf("history row with a tenth figure that says nothing: %w", ErrDamaged)
	}
	return d, damaged("history", d.check())
}
