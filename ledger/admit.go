package ledger

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/credit"
)

const million = 1_000_000

// admit asks the network whether owner may add so much (CREDIT.md section 4). rate
// is what the account may add today; below 0: there is no such bound. free is the most that would be
// accepted; the error is a *potluck.Refusal.
func (g *graph) admit(owner peer.ID, room, asked, rate potluck.Size) (free potluck.Size, err error) {
	g.mu.Lock()
	d := g.book.Admit(credit.ID(owner), room, asked)
	g.mu.Unlock()
	if rate >= 0 {
		d = slow(d, asked, rate)
	}
	if d.Refusal != nil {
		return d.Free, d.Refusal
	}
	return d.Free, nil
}

// ask is admit for bytes that are taken when they are accepted: it looks no
// farther than it must.
func (g *graph) ask(owner peer.ID, room, asked potluck.Size) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d := g.book.Ask(credit.ID(owner), room, asked); d.Refusal != nil {
		return d.Refusal
	}
	return nil
}

// slow brings a decision down to what an account that is slowed may add today.
func slow(d credit.Decision, asked, rate potluck.Size) credit.Decision {
	d.Free = min(d.Free, rate)
	switch {
	case d.Refusal != nil:
		r := *d.Refusal
		r.Free, r.Short = d.Free, asked-d.Free
		d.Refusal = &r
	case asked > d.Free:
		d.Refusal = &potluck.Refusal{Code: potluck.CodeRate, Asked: asked, Free: d.Free, Short: asked - d.Free,
			Cures: []potluck.Cure{{Kind: potluck.CureWait}}}
	}
	return d
}

// admit decides on bytes that an operation adds, and counts them when the account
// is slowed. A sponsored peer without an account gets one.
func (t *tx) admit(owner peer.ID, room Room, asked potluck.Size) error {
	unknown, err := t.unknown(owner)
	if err != nil {
		return err
	}
	totals, err := getTotals(t)
	if err != nil {
		return err
	}
	slowed, left := rate{}, potluck.Size(-1)
	if t.graph.slowed[owner] {
		if slowed, err = getRate(t, owner); err != nil {
			return err
		}
		left = slowed.left(t.now)
	}
	if left < 0 {
		err = t.graph.ask(owner, room.free(totals), asked)
	} else {
		_, err = t.graph.admit(owner, room.free(totals), asked, left)
	}
	if err != nil || asked == 0 {
		return err
	}
	if left >= 0 {
		t.set(peerKey(keyRate, owner), encodeRate(slowed.add(t.now, asked)))
	}
	if unknown {
		return t.know(owner, "", nil)
	}
	return nil
}

// unknown tells whether a peer has no account.
func (t *tx) unknown(p peer.ID) (bool, error) {
	_, known, err := t.get(peerKey(keyAccount, p))
	if err != nil || known {
		return false, err
	}
	if _, _, err := knownAccount(t, p); !isMissing(err) {
		return false, err // its counters are there
	}
	return true, nil
}

// quote is admit without any change.
func (v view) quote(g *graph, owner peer.ID, room Room, asked potluck.Size, now int64) (potluck.Size, error) {
	a, _, err := knownAccount(v, owner)
	if err != nil && !isMissing(err) {
		return 0, err
	}
	totals, err := getTotals(v)
	if err != nil {
		return 0, err
	}
	a.Peer = owner
	return v.answer(g, a, room.free(totals), asked, now)
}

// answer is what an account's ask is answered, with so much room.
func (v view) answer(g *graph, a Account, room, asked potluck.Size, now int64) (potluck.Size, error) {
	left := potluck.Size(-1)
	if a.Standing.Step == credit.StepSlowed {
		slowed, err := getRate(v, a.Peer)
		if err != nil {
			return 0, err
		}
		left = slowed.left(now)
	}
	return g.admit(a.Peer, room, asked, left)
}

// rate is what a slowed account added, by hours since 1970, ascending. An hour
// counts until all of it is a day ago, so that no 24 hours have more than
// credit.SlowedPerDay.
type rate []hour

type hour struct {
	number int64
	bytes  potluck.Size
}

const (
	secondsOfHour = 3600
	rateHours     = 25
)

// within drops the hours that don't count any more. Hours of the future come of
// a clock that was set back: they don't count either.
func (r rate) within(now int64) rate {
	at := now / secondsOfHour
	return slices.DeleteFunc(slices.Clone(r), func(h hour) bool { return h.number <= at-rateHours || h.number > at })
}

func (r rate) left(now int64) potluck.Size {
	left := credit.SlowedPerDay
	for _, h := range r.within(now) {
		left -= h.bytes
	}
	return max(0, left)
}

func (r rate) add(now int64, n potluck.Size) rate {
	r, at := r.within(now), now/secondsOfHour
	if last := len(r) - 1; last >= 0 && r[last].number == at {
		r[last].bytes += n
		return r
	}
	return append(r, hour{at, n})
}
