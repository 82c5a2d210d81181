package main

import (
	"context"
	"fmt"
	"strings"

	"potluck"
	"potluck/gateway/api"
)

type whyCmd struct {
	Peer string `arg:"" help:"A peer: petname, peer ID, or the start of either."`
}

// Run tells why this node serves a peer, and why that one serves it.
func (w *whyCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	v, err := node.Why(ctx, w.Peer)
	if err != nil || c.JSON {
		return c.emitUnless(err, v)
	}
	c.printf("%s", v.Sentence)
	c.showServe(v)
	c.showServed(v.Served)
	for _, m := range v.More {
		c.printf("%s", m)
	}
	c.printf("as of %s", when(v.AsOf))
	return nil
}

// showServe prints the figures behind what a peer has here.
func (c *cli) showServe(v api.WhyView) {
	s := v.Serve
	c.printf("what %s has here:", v.Name)
	if s.Sentence != v.Sentence {
		c.printf("  %s", s.Sentence)
	}
	c.printf("  its own    %s = %s", showPlenty(s.Supply), supplyParts(s))
	for _, e := range s.EarnedFor {
		if e.Bytes != s.Earned || e.Name != "you" {
			c.printf("             of that it holds %v for %s", e.Bytes, e.Name)
		}
	}
	c.printf("  uses       %v = %v held + %v reserved + %v lent", s.Demand, s.Held, s.Reserved, s.Loans)
	if len(s.Funding) > 0 {
		c.printf("  paid by    %s", funding(s.Funding))
	}
	for _, f := range s.In {
		c.printf("  gets       %s", flow(f, "from"))
	}
	for _, f := range s.Out {
		c.printf("  points     %s", flow(f, "to"))
	}
	c.printf("  could add  %s", showPlenty(s.Free))
	if s.Short > 0 {
		c.printf("  short      %v of what it uses isn't covered", s.Short)
	}
}

// supplyParts gives the sum of which a supply is the total.
func supplyParts(s api.ServeView) string {
	parts := []string{fmt.Sprintf("%s × %v held for you", showRatio(s.RatioPPM), s.Earned)}
	for _, p := range []struct {
		bytes potluck.Size
		text  string
	}{{s.Gift, "gift"}, {s.Opening, "opening"}, {s.Paid, "paid until " + when(s.PaidUntil)}} {
		if p.bytes > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", showPlenty(p.bytes), p.text))
		}
	}
	return strings.Join(parts, " + ")
}

// funding gives "own 2 GiB, via server2 1 GiB, via client1 → bob 3 B".
func funding(all []api.FundView) string {
	parts := make([]string, len(all))
	for i, f := range all {
		way := "own"
		if len(f.Via) > 0 {
			way = "via " + chain(f.Via)
		}
		parts[i] = fmt.Sprintf("%s %v", way, f.Bytes)
	}
	return strings.Join(parts, ", ")
}

// chain gives the way that credit takes, the payer first.
func chain(via []api.Party) string { return strings.ReplaceAll(names(via), ", ", " → ") }

func flow(f api.FlowView, word string) string {
	return fmt.Sprintf("%v of %s %s %s%s", f.Bytes, showLimit(f.Capacity), word, f.Name, pick(f.Frozen, ", frozen", ""))
}

// showServed prints what this node has at a peer, in that one's words.
func (c *cli) showServed(a api.CreditAt) {
	c.printf("what you have at %s:", a.Name)
	c.printf("  %s", a.Sentence)
	if !a.Known {
		return
	}
	c.printf("  your own   %s; it counts %v that you hold", showPlenty(a.Supply), a.Earned)
	c.printf("  you use    %v = %v held + %v reserved + %v lent", a.Held+a.Reserved+a.Loans, a.Held, a.Reserved, a.Loans)
	if len(a.Sponsors) > 0 {
		c.printf("  pointed    by %s", sponsors(a.Sponsors))
	}
	c.printf("  could add  %s; your standing there is %s", showPlenty(a.Free), a.Step)
	if a.Short > 0 {
		c.printf("  short      %v of what you use isn't covered", a.Short)
	}
	c.printf("  told       %s", when(a.AsOf))
}
