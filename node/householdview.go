package node

import (
	"context"
	"errors"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger"
	"potluck/ledger/signed"
)

// Household gives this node's household.
func (n *Node) Household(ctx context.Context) (HouseholdView, error) {
	ns, err := n.names(ctx)
	if err != nil {
		return HouseholdView{}, err
	}
	mine, _, err := opened(ctx, n.book, signed.KindHousehold, n.self, "", signed.Document.Household)
	if err != nil {
		return HouseholdView{}, n.checked(err)
	}
	v := HouseholdView{Label: mine.Label, Number: mine.Number, Members: []HouseholdMember{}, Named: []HouseholdClaim{}}
	mutual := make(map[peer.ID]bool)
	err = n.book.Documents(ctx, signed.KindHousehold, func(row ledger.DocumentRow) error {
		h, err := row.Document.Household()
		if err != nil || row.Issuer == n.self {
			return err
		}
		mutual[row.Issuer] = h.Names(n.self, mine.Label)
		if slices.Contains(h.Members, n.self) {
			v.Named = append(v.Named, HouseholdClaim{ns.party(row.Issuer), h.Label})
		}
		return nil
	})
	for _, p := range mine.Members {
		v.Members = append(v.Members, HouseholdMember{ns.party(p), mutual[p]})
	}
	slices.SortFunc(v.Members, func(a, b HouseholdMember) int { return byName(a.Party, b.Party) })
	slices.SortFunc(v.Named, func(a, b HouseholdClaim) int { return byName(a.Party, b.Party) })
	return v, n.checked(err)
}

// SetHousehold says of which household this node is. It holds with those members
// that say the same.
func (n *Node) SetHousehold(ctx context.Context, r HouseholdRequest) (HouseholdView, error) {
	var members []peer.ID
	switch {
	case r.Leave && (r.Label != "" || len(r.Members) > 0):
		return HouseholdView{}, usagef("who leaves names no household")
	case !r.Leave && r.Label == "":
		return HouseholdView{}, usagef("name the household")
	}
	for _, text := range r.Members {
		a, err := n.Resolve(ctx, text)
		if err != nil {
			return HouseholdView{}, err
		}
		if !slices.Contains(members, a.Peer) {
			members = append(members, a.Peer)
		}
	}
	h, err := n.signHousehold(ctx, 0, r.Label, members)
	if err != nil {
		return HouseholdView{}, orderError(err)
	}
	ns, err := n.names(ctx)
	if err != nil {
		return HouseholdView{}, err
	}
	n.deliverNow(ctx, signed.Identity{Kind: signed.KindHousehold, Issuer: n.self}, h.Number, ns)
	return n.Household(ctx)
}

// Proof gives the proof that a peer signed two documents of one number, as a
// file that "credit verify" reads. Errors: *NotFoundError when there is none.
func (n *Node) Proof(ctx context.Context, a ledger.Account) ([]byte, error) {
	row, err := n.book.Document(ctx, signed.KindConflict, a.Peer, "")
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, &NotFoundError{What: "proof that " + a.Name + " signed two documents of one number"}
	}
	if err != nil {
		return nil, n.checked(err)
	}
	d := row.Document
	if row.Conflict != nil {
		d = *row.Conflict
	}
	return signed.FormatFile(d)
}
