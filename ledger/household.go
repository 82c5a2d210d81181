package ledger

import (
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// fileHousehold writes a household document. A friend that becomes one household
// with this node is given everything; one that leaves, nothing any more.
func (t *tx) fileHousehold(e *entry) error {
	before := t.desk()
	candidates := []peer.ID{e.key.issuer}
	if e.key.issuer == before.self {
		candidates = slices.Concat(before.household(before.self).Members, e.paper.household.Members)
	}
	slices.Sort(candidates)
	was := make(map[peer.ID]bool)
	for _, p := range candidates {
		was[p] = before.together(p, before.self)
	}
	t.putEntry(e)
	after := t.desk()
	for _, p := range slices.Compact(candidates) {
		if now := after.together(p, after.self); now != was[p] {
			if err := t.house(p, now, after.household(p).Label); err != nil {
				return err
			}
		}
	}
	return nil
}

// house writes a friend's gift and household; of other peers nothing is changed.
func (t *tx) house(p peer.ID, member bool, label string) error {
	a, _, err := t.known(p)
	if err != nil || a == nil || !a.Friend {
		return err
	}
	reason := fmt.Sprintf("of one household, %q: its gift is unlimited", label)
	a.Terms.Gift, a.Household = potluck.MaxSize, label
	if !member {
		reason = "left the household: its gift is over"
		a.Terms.Gift, a.Household = 0, ""
	}
	t.note(Event{Kind: KindAccount, Peer: p, Reason: reason})
	return t.putAccount(*a)
}
