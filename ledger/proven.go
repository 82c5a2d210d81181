package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Kinds of events about proof (CREDIT.md section 7).
const (
	KindAuditFailed = "audit-failed" // a host couldn't give a slice that it should have; evidence: what was asked, and what came
	KindUnproven    = "unproven"     // what a host holds counts no longer: nothing proved it for too long
	KindProven      = "proven"       // it counts again
)

// Proof says since when nothing proves that a host holds what it should. It is
// of the account, not of each placement: audits are samples of all that a host
// holds, so they speak for all of it.
type Proof struct {
	Proven int64 `json:"proven"` // unix seconds: everything asked for until then was there
	Asked  int64 `json:"asked"`  // when audits had a turn last
	Lapsed bool  `json:"lapsed"` // its holdings count for nothing until the next good audit
}

func (p Proof) check() error { return checkTimes(p.Proven, p.Asked) }

// Audit is what one turn of audits at one host found.
type Audit struct {
	Good   []potluck.ShareID // slices of these came, and were right
	Failed []AuditFailure
	Bytes  potluck.Size // what they moved
	// Proven is the time until which the host left no question open; 0 when
	// nothing is to be said about that.
	Proven int64
}

// AuditFailure is one slice that a host should have had and hasn't.
type AuditFailure struct {
	Share    potluck.ShareID
	Root     potluck.Digest // against which it was asked; a placement with another one by now stays
	Reason   string         // at most MaxReason bytes
	Evidence []byte         // of all failures together at most MaxEvidence bytes
}

// Audited books a turn of audits: placements that were right get their time,
// those that failed are lost at once and earn nothing, with an event that has the
// evidence; the day's counts and the account's proof move with them. It is one
// operation. A host whose proof had lapsed earns again. lost are the placements
// that were stable before. Errors: ErrNotFound when the host has no account,
// ErrInvalid.
func (b *Book) Audited(ctx context.Context, host peer.ID, a Audit) (lost []potluck.ShareID, err error) {
	if err := first(checkPeer(host), a.check()); err != nil {
		return nil, fmt.Errorf("book audits: %w: %w", err, ErrInvalid)
	}
	err = b.do(ctx, "book audits", false, func(t *tx) error {
		lost = nil
		if _, _, err := knownAccount(t, host); err != nil {
			return err
		}
		for _, id := range a.Good {
			if err := t.good(host, id); err != nil {
				return err
			}
		}
		for _, f := range a.Failed {
			gone, err := t.failed(host, f)
			if err != nil {
				return err
			}
			if gone {
				lost = append(lost, f.Share)
			}
		}
		day := Past{Peer: host, Day: DayOf(t.now), Deeds: Deeds{AuditsGood: int64(len(a.Good)), AuditsFailed: int64(len(lost)), AuditBytes: int64(a.Bytes)}}
		if err := t.record(day); err != nil {
			return err
		}
		return t.proved(host, a)
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}

func (a Audit) check() error {
	if n := len(a.Good) + len(a.Failed); n > MaxBatch {
		return fmt.Errorf("%d audits, at most %d", n, MaxBatch)
	}
	evidence := 0
	for _, f := range a.Failed {
		evidence += len(f.Evidence)
		if err := checkText("reason", f.Reason, MaxReason); err != nil {
			return err
		}
	}
	if evidence > MaxEvidence {
		return fmt.Errorf("evidence of %d bytes, at most %d together", evidence, MaxEvidence)
	}
	return first(checkSize("audited bytes", a.Bytes), checkTimes(a.Proven))
}

// good notes the time of a right slice, which is no change of what anybody holds.
func (t *tx) good(host peer.ID, id potluck.ShareID) error {
	p, there, err := getPlacement(t, id, host)
	if err != nil || !there || p.State != PlacedStable || p.LastGood >= t.now {
		return err
	}
	p.LastGood = t.now
	t.set(sharePeerKey(keyPlacement, id, host), encodePlacement(p))
	return nil
}

func (t *tx) failed(host peer.ID, f AuditFailure) (gone bool, err error) {
	p, there, err := getPlacement(t, f.Share, host)
	if err != nil || !there || p.State != PlacedStable || p.Root != f.Root {
		return false, err
	}
	t.note(Event{Kind: KindAuditFailed, Peer: host, Share: &f.Share, Bytes: p.Charge, Reason: f.Reason, Evidence: f.Evidence})
	p.State = PlacedLost
	return true, t.place(p, f.Reason)
}

// proved moves a host's proof. It never goes back: what was proved once was there.
func (t *tx) proved(host peer.ID, a Audit) error {
	p, _, err := getProof(t, host)
	if err != nil {
		return err
	}
	p.Asked = t.now
	if len(a.Good) > 0 {
		p.Proven = max(p.Proven, min(a.Proven, t.now))
	}
	if p.Lapsed && !t.graph.late(p, t.now) {
		p.Lapsed = false
		t.note(Event{Kind: KindProven, Peer: host, Reason: "an audit was good"})
	}
	t.putProof(host, p)
	return nil
}

// beginProof starts the time of a host that held nothing until now: its first
// receipt is its proof. Later receipts prove nothing of what it had before.
func (t *tx) beginProof(host peer.ID) error {
	if t.graph.window == 0 {
		return nil
	}
	p, _, err := getProof(t, host)
	if err != nil {
		return err
	}
	if p.Lapsed {
		t.note(Event{Kind: KindProven, Peer: host, Reason: "it begins anew: it held nothing"})
	}
	t.putProof(host, Proof{Proven: t.now, Asked: p.Asked})
	return nil
}

// Proof gives the proof of one account's holdings; the zero Proof when nothing
// was ever asked or placed.
func (b *Book) Proof(ctx context.Context, p peer.ID) (proof Proof, err error) {
	err = b.view(ctx, func(v view) error {
		proof, _, err = getProof(v, p)
		return err
	})
	return proof, err
}

// ProofWindow is for how long a proof counts; 0: for ever.
func (b *Book) ProofWindow() time.Duration { return time.Duration(b.graph.window) * time.Second }

// lapses is how many proofs end in one operation: their rows and events fit.
const lapses = 256

// lapse ends the proofs whose time is over, and begins those that books from
// before there were any lack. full tells that there are more.
func (t *tx) lapse() (full bool) {
	g := t.graph
	if g.window == 0 {
		return false
	}
	n := 0
	for _, host := range slices.Sorted(maps.Keys(g.earned)) {
		p, known := g.proofs[host]
		if known && (p.Lapsed || !g.late(p, t.now)) {
			continue
		}
		if n++; n > lapses {
			return true
		}
		if !known {
			t.putProof(host, Proof{Proven: t.now})
			continue
		}
		p.Lapsed = true
		t.note(Event{Kind: KindUnproven, Peer: host, Bytes: g.earned[host],
			Reason: fmt.Sprintf("nothing proves since %s that it holds them", time.Unix(p.Proven, 0).UTC().Format(time.DateOnly))})
		t.putProof(host, p)
	}
	return false
}

// late tells whether a proof is too old.
func (g *graph) late(p Proof, now int64) bool { return g.window > 0 && now >= p.Proven+g.window }

// boundProofs names the times at which proofs end.
func (g *graph) boundProofs(proofs map[peer.ID]Proof) {
	if g.window == 0 {
		return
	}
	for p, proof := range proofs {
		if _, earns := g.earned[p]; earns && !proof.Lapsed {
			g.due = min(g.due, proof.Proven+g.window)
		}
	}
}

func (t *tx) putProof(host peer.ID, p Proof) {
	t.set(peerKey(keyProven, host), encodeProven(p))
	if t.proofs == nil {
		t.proofs = make(map[peer.ID]Proof, 1)
	}
	t.proofs[host] = p
}

func getProof(g getter, p peer.ID) (Proof, bool, error) {
	return load(g, peerKey(keyProven, p), decodeProven)
}

// A proof's row is an array: proven, asked, and 1 if it lapsed, else 0.
const proofThree = 0x83

func encodeProven(p Proof) []byte {
	b := appendNumber(append(make([]byte, 0, 20), proofThree), uint64(p.Proven))
	b = appendNumber(b, uint64(p.Asked))
	if p.Lapsed {
		return append(b, 1)
	}
	return append(b, 0)
}

func decodeProven(b []byte) (p Proof, err error) {
	if len(b) == 0 || b[0] != proofThree {
		return p, fmt.Errorf("proven row of %d bytes isn't an array of 3: %w", len(b), ErrDamaged)
	}
	var v [3]int64
	rest, ok := b[1:], true
	for i := range v {
		if v[i], rest, ok = takeNumber(rest); !ok {
			return p, fmt.Errorf("proven row has field %d in a wrong form: %w", i, ErrDamaged)
		}
	}
	if len(rest) != 0 || v[2] > 1 {
		return p, fmt.Errorf("proven row is not in its one encoding: %w", ErrDamaged)
	}
	p = Proof{Proven: v[0], Asked: v[1], Lapsed: v[2] == 1}
	return p, damaged("proven", p.check())
}

// loadProofs reads all proofs into an empty graph.
func (g *graph) loadProofs(ctx context.Context, v view) error {
	return v.scan(ctx, span{prefix: []byte{keyProven}}, func(key, row []byte) error {
		k := parts(key)
		p := k.peer()
		proof, err := decodeProven(row)
		if err := first(k.end(key), err); err != nil {
			return err
		}
		g.proofs[p] = proof
		return nil
	})
}

// past checks the rows of history and of proofs.
func (c *checker) past() error {
	known := func(p peer.ID) error {
		if _, ok := c.stored[p]; !ok {
			return errors.New("it has no account")
		}
		return nil
	}
	err := c.each(keyHistory, func(key, row []byte) error {
		r, err := readPast(key, row)
		return first(err, known(r.Peer))
	})
	if err != nil {
		return err
	}
	return c.each(keyProven, func(key, row []byte) error {
		k := parts(key)
		p := k.peer()
		_, err := decodeProven(row)
		return first(k.end(key), err, known(p))
	})
}
