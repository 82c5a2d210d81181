package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"potluck/gateway/api"
)

type whoCmd struct {
	Peer string `arg:"" optional:"" help:"Only this friend, with the rows that its figures are the sums of."`
	All  bool   `help:"Who holds how much for whom among all that you know, as they signed it and friends published it."`
	CSV  bool   `name:"csv" help:"With --all: lines for other programs."`
}

// Run tells who holds how much for whom, and why.
func (w *whoCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	if w.CSV && !w.All || w.All && w.Peer != "" {
		return usagef("--csv goes with --all, and --all with no friend")
	}
	if w.All {
		return w.matrix(ctx, c, node)
	}
	if w.Peer != "" {
		return w.rows(ctx, c, node)
	}
	who, err := node.Who(ctx)
	if err != nil || c.JSON {
		return c.emitUnless(err, who)
	}
	t := newTable("friend", ">holds for you", ">shares", ">you hold", ">shares", ">reserved", ">free here", "connected", "standing", "credit via", "why you serve it")
	for _, r := range who.Rows {
		t.add(r.Name, r.HoldsForMe.Bytes, r.HoldsForMe.Shares, r.IHold.Bytes, r.IHold.Shares, r.IHold.Reserved, r.Free,
			pick(r.Connected, "yes", "no"), standing(r.Friend), sponsoring(r.CreditFrom), r.Reason)
	}
	sums := who.Totals
	t.add("all", sums.HoldForMe.Bytes, sums.HoldForMe.Shares, sums.IHold.Bytes, sums.IHold.Shares, sums.IHold.Reserved, "", "", "", "", "")
	if err := t.write(c.out); err != nil {
		return err
	}
	c.printf("%s, as of %s", who.Me.Name, when(who.AsOf))
	disputed, err := node.Disputes(ctx)
	if n := len(disputed); n > 0 {
		c.printf("%s disputed: see \"potluck disputes\"", plural(n, "holding")+pick(n == 1, " is", " are"))
	}
	return err
}

// sponsoring names whose credit pays for what a peer has here, beside its own.
func sponsoring(all []api.FundView) string {
	var parts []string
	for _, f := range all {
		if len(f.Via) > 0 {
			parts = append(parts, fmt.Sprintf("%s %v", chain(f.Via), f.Bytes))
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

// rows prints the rows behind one friend's figures, as they come.
func (w *whoCmd) rows(ctx context.Context, c *cli, node *api.Client) error {
	s, err := node.FirstShares(ctx, w.Peer)
	if err != nil {
		return err
	}
	if c.JSON {
		return emitShares(ctx, c, node, s)
	}
	sums := s.Sums
	c.printf("%s holds for you: %v in %s", s.Name, sums.HoldForMe.Bytes, plural(sums.HoldForMe.Shares, "share"))
	if len(s.HoldsForMe) > 0 {
		t := newTable("share", ">bytes", "state", "counted", "placed", "last good")
		err := node.EachPlaced(ctx, s, func(r api.PlacedRow) error {
			t.add(r.Share, int64(r.Charge), r.State, pick(r.Counted, "yes", "no"), when(r.Placed), when(r.LastGood))
			return t.fill(c.out)
		})
		if err := cmp.Or(err, t.write(c.out)); err != nil {
			return err
		}
	}
	c.printf("you hold for %s: %v in %s, %v reserved", s.Name, sums.IHold.Bytes, plural(sums.IHold.Shares, "share"), sums.IHold.Reserved)
	if len(s.IHold) > 0 {
		t := newTable("share", ">bytes", "state", "lease", "since")
		err := node.EachHeld(ctx, s, func(r api.HeldRow) error {
			t.add(r.Share, int64(r.Charge), r.State, pick(r.Pending, "reserved", "held"), when(r.Since))
			return t.fill(c.out)
		})
		if err := cmp.Or(err, t.write(c.out)); err != nil {
			return err
		}
	}
	c.showStated("stated of what you hold", s.Stated.IHold)
	c.showStated("stated of what it holds for you", s.Stated.HoldForMe)
	c.printf("as of %s", when(s.AsOf))
	return nil
}

// emitShares prints the object of "who PEER", its long lists row by row.
func emitShares(ctx context.Context, c *cli, node *api.Client, s api.PeerShares) error {
	if !s.More {
		return c.emit(s)
	}
	brief := s
	brief.IHold, brief.HoldsForMe, brief.More = []api.HeldRow{}, []api.PlacedRow{}, false
	text, err := json.Marshal(brief)
	if err != nil {
		return err
	}
	const held, placed = `"i_hold":[]`, `"holds_for_me":[]`
	head, rest, _ := strings.Cut(escapeJSON(string(text)), held)
	middle, tail, _ := strings.Cut(rest, placed)
	if _, err := io.WriteString(c.out, head+strings.TrimSuffix(held, "[]")); err != nil {
		return err
	}
	rows := array{w: c.out}
	if err := node.EachHeld(ctx, s, func(r api.HeldRow) error { return rows.add(r) }); err != nil {
		return err
	}
	if err := rows.end(middle + strings.TrimSuffix(placed, "[]")); err != nil {
		return err
	}
	rows = array{w: c.out}
	if err := node.EachPlaced(ctx, s, func(r api.PlacedRow) error { return rows.add(r) }); err != nil {
		return err
	}
	return rows.end(tail + "\n")
}

// showStated prints statements; when the two nodes don't agree, both words.
func (c *cli) showStated(role string, all []api.Statement) {
	for _, s := range all {
		c.printf("%s, number %d of %s: %v in %s, by %s", role, s.Number, when(s.Time), s.Bytes, plural(s.Shares, "share"),
			pick(s.Signed == "both", "both", "the "+s.Signed+" alone"))
	}
}
