package ledger

import (
	"fmt"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/credit"
)

// maxTime is the last second that a row may name: the year 36812. It keeps sums
// of times and their keys far from overflow.
const maxTime = 1 << 40

// The checks below guard both doors: what callers hand in, and what is read.

func checkPeer(p peer.ID) error {
	if len(p) < 1 || len(p) > MaxPeer {
		return fmt.Errorf("peer ID of %d bytes, want 1 to %d", len(p), MaxPeer)
	}
	return nil
}

func checkText(what, s string, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("%s of %d bytes, at most %d", what, len(s), limit)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s is not UTF-8", what)
	}
	return nil
}

func checkSize(what string, s potluck.Size) error {
	if s < 0 || s > potluck.MaxSize {
		return fmt.Errorf("%s of %d bytes is not between 0 and %d", what, s, potluck.MaxSize)
	}
	return nil
}

func checkTimes(times ...int64) error {
	for _, t := range times {
		if t < 0 || t > maxTime {
			return fmt.Errorf("time %d is not between 0 and %d", t, int64(maxTime))
		}
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (t Terms) check() error {
	if t.RatioPPM < 0 || t.RatioPPM > MaxRatioPPM {
		return fmt.Errorf("ratio of %d ppm is not between 0 and %d", t.RatioPPM, int64(MaxRatioPPM))
	}
	return first(checkSize("gift", t.Gift), checkSize("opening", t.Opening),
		checkSize("paid", t.Paid), checkTimes(t.PaidUntil))
}

func (a Account) check() error {
	if len(a.Addrs) > MaxAddrs {
		return fmt.Errorf("%d addresses, at most %d", len(a.Addrs), MaxAddrs)
	}
	for _, s := range a.Addrs {
		if err := checkText("address", s, MaxAddr); err != nil {
			return err
		}
	}
	return first(checkPeer(a.Peer), checkText("name", a.Name, MaxName),
		checkText("household", a.Household, MaxName), a.Terms.check(), a.Theirs.check(),
		checkTimes(a.FirstSeen, a.LastSeen, a.LeasesUntil), checkStanding(a.Standing))
}

// maxGoodwill is the greatest factor of delays, in millionths.
const maxGoodwill = 4 * million

func checkStanding(s credit.Standing) error {
	switch {
	case s.Step > credit.StepEvicting || s.Told > credit.StepEvicting:
		return fmt.Errorf("standing: step %d, told of %d, at most %d", s.Step, s.Told, credit.StepEvicting)
	case s.GoodwillPPM < 0 || s.GoodwillPPM > maxGoodwill:
		return fmt.Errorf("standing: goodwill of %d ppm is not between 0 and %d", s.GoodwillPPM, maxGoodwill)
	case s.Short < 0:
		return fmt.Errorf("standing: shortfall of %d bytes", s.Short)
	}
	return first(checkTimes(s.Since, s.Breach, s.ToldAt, s.Service, s.Evicted), checkText("reason", s.Reason.String(), MaxReason))
}

func checkShareID(id potluck.ShareID, l potluck.Layout) error {
	if err := l.Validate(); err != nil {
		return err
	}
	if uint8(id.Number) >= l.N {
		return fmt.Errorf("share number %d is not below n = %d", id.Number, l.N)
	}
	return nil
}

func checkCharge(c potluck.Size) error {
	if c < 1 || c > potluck.MaxSize {
		return fmt.Errorf("charge of %d bytes is not between 1 and %d", c, potluck.MaxSize)
	}
	return nil
}

func (p Placement) check() error {
	if p.State < PlacedStable || p.State > PlacedGoing {
		return fmt.Errorf("placement state %d is not known", p.State)
	}
	if len(p.Receipt) > MaxReceipt {
		return fmt.Errorf("receipt of %d bytes, at most %d", len(p.Receipt), MaxReceipt)
	}
	return first(checkPeer(p.Host), checkShareID(p.Share, p.Layout), checkCharge(p.Charge),
		checkTimes(p.Placed, p.LastGood))
}

func (f File) check() error {
	if f.Wanted < 0 || f.Wanted > potluck.MaxShares {
		return fmt.Errorf("%d shares wanted is not between 0 and %d", f.Wanted, potluck.MaxShares)
	}
	return first(f.Layout.Validate(), checkText("file name", f.Name, MaxFileName), checkText("cap", f.Cap, MaxCap), checkTimes(f.Put))
}

func (i Invite) check() error {
	if i.State < InviteLive || i.State > InviteRevoked {
		return fmt.Errorf("invite state %d is not known", i.State)
	}
	if (i.State == InviteUsed) != (i.UsedBy != "") {
		return fmt.Errorf("invite in state %d was used by %q", i.State, i.UsedBy)
	}
	if len(i.UsedBy) > MaxPeer {
		return checkPeer(i.UsedBy)
	}
	return first(checkText("name", i.Name, MaxName), i.Terms.check(), checkTimes(i.Created, i.Expires))
}

func (e Event) check() error {
	if e.Kind == "" {
		return fmt.Errorf("event without a kind")
	}
	if len(e.Evidence) > MaxEvidence {
		return fmt.Errorf("evidence of %d bytes, at most %d", len(e.Evidence), MaxEvidence)
	}
	if len(e.Peer) > MaxPeer {
		return checkPeer(e.Peer)
	}
	return first(checkText("kind", e.Kind, MaxKind), checkText("reason", e.Reason, MaxReason),
		checkSize("event", e.Bytes), checkTimes(e.Time))
}
