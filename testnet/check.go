package testnet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"potluck"
	"potluck/gateway/api"
)

// Check holds a net against its invariants, and returns all that is wrong, one
// error for each: every node's books are the sums of their rows, its store is
// what its books say, and for every two of the nodes, what the host's books
// hold for the owner is what the owner's books placed there, share by share and
// byte by byte. The invariants of credit hold too (checkCredit). Nodes that are
// unknown to the story are left out by the caller.
func Check[N Node](ctx context.Context, nodes ...N) error {
	var wrong []error
	for _, n := range nodes {
		wrong = append(wrong, checkNode(ctx, n))
	}
	for _, host := range nodes {
		for _, owner := range nodes {
			if host.Peer() != owner.Peer() {
				wrong = append(wrong, checkPair(ctx, host, owner))
			}
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return err // figures of credit follow from these
	}
	return checkCredit(ctx, nodes)
}

func checkNode(ctx context.Context, n Node) error {
	r, err := n.API().Check(ctx)
	if err != nil {
		return fmt.Errorf("check %s: %w", n.Label(), err)
	}
	problems := slices.Concat(r.Books.Problems, r.Store.Problems)
	if r.Clean == (len(problems) == 0) && r.Clean {
		return nil
	}
	return fmt.Errorf("check %s: clean is %v, with %d problems: %s", n.Label(), r.Clean, len(problems), strings.Join(problems, "; "))
}

// checkPair compares both books of one direction.
func checkPair(ctx context.Context, host, owner Node) error {
	held, err := heldFor(ctx, host, owner)
	if err != nil {
		return err
	}
	placed, err := placedAt(ctx, owner, host)
	if err != nil {
		return err
	}
	if maps.Equal(held, placed) {
		return nil
	}
	return fmt.Errorf("%s and %s don't agree: %s", host.Label(), owner.Label(), difference(host.Label(), held, owner.Label(), placed))
}

// sharesOf gives the rows of one node about another: none when they have no
// account with each other.
func sharesOf(ctx context.Context, at, about Node) (api.PeerShares, error) {
	rows, err := at.API().Shares(ctx, about.Peer().String())
	var e *api.Error
	if errors.As(err, &e) && e.Kind == api.KindNotFound {
		return api.PeerShares{}, nil
	}
	if err != nil {
		return rows, fmt.Errorf("shares of %s with %s: %w", at.Label(), about.Label(), err)
	}
	return rows, nil
}

// heldFor gives the charges of the leases that a host's books have for an
// owner. One that is still pending is an error: no story ends with one.
func heldFor(ctx context.Context, host, owner Node) (map[potluck.ShareID]potluck.Size, error) {
	rows, err := sharesOf(ctx, host, owner)
	if err != nil {
		return nil, err
	}
	held := map[potluck.ShareID]potluck.Size{}
	var sum potluck.Size
	for _, r := range rows.IHold {
		if r.Pending {
			return nil, fmt.Errorf("%s has %v reserved for %s's share %v", host.Label(), r.Charge, owner.Label(), r.Share)
		}
		held[r.Share] = r.Charge
		sum += r.Charge
	}
	if s := rows.Sums.IHold; s.Bytes != sum || s.Shares != int64(len(held)) {
		return nil, fmt.Errorf("%s says that it holds %d shares and %d bytes for %s, the rows are %d and %d",
			host.Label(), s.Shares, s.Bytes, owner.Label(), len(held), sum)
	}
	return held, nil
}

// placedAt gives the charges of the placements that count in an owner's books.
func placedAt(ctx context.Context, owner, host Node) (map[potluck.ShareID]potluck.Size, error) {
	rows, err := sharesOf(ctx, owner, host)
	if err != nil {
		return nil, err
	}
	placed := map[potluck.ShareID]potluck.Size{}
	var sum potluck.Size
	for _, r := range rows.HoldsForMe {
		if r.Counted {
			placed[r.Share] = r.Charge
			sum += r.Charge
		}
	}
	if s := rows.Sums.HoldForMe; s.Bytes != sum || s.Shares != int64(len(placed)) {
		return nil, fmt.Errorf("%s says that %s holds %d shares and %d bytes for it, the rows are %d and %d",
			owner.Label(), host.Label(), s.Shares, s.Bytes, len(placed), sum)
	}
	return placed, nil
}

// difference names the first few shares that only one side has, or that differ.
func difference(host string, held map[potluck.ShareID]potluck.Size, owner string, placed map[potluck.ShareID]potluck.Size) string {
	var out []string
	for id, charge := range held {
		if p, ok := placed[id]; !ok {
			out = append(out, fmt.Sprintf("%v is held by %s (%d bytes) and not in the books of %s", id, host, charge, owner))
		} else if p != charge {
			out = append(out, fmt.Sprintf("%v is %d bytes at %s and %d in the books of %s", id, charge, host, p, owner))
		}
	}
	for id, charge := range placed {
		if _, ok := held[id]; !ok {
			out = append(out, fmt.Sprintf("%v is in the books of %s (%d bytes) and not held by %s", id, owner, charge, host))
		}
	}
	slices.Sort(out)
	if more := len(out) - 5; more > 0 {
		out = append(out[:5], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, "; ")
}
