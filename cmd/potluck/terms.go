package main

import (
	"context"
	"fmt"
	"strings"

	"potluck"
	"potluck/gateway/api"
	"potluck/ledger"
)

// termsFlags are the terms that a friend is given. What isn't said stays.
type termsFlags struct {
	Ratio     *ratio `placeholder:"R" help:"Bytes given for each byte that the friend holds: 1, 0.5, 50%."`
	Gift      *size  `placeholder:"SIZE" help:"Bytes given without return."`
	Opening   *size  `placeholder:"SIZE" help:"Bytes given in advance, so that two friends can begin."`
	Paid      *size  `placeholder:"SIZE" help:"Bytes given until --paid-until."`
	PaidUntil *day   `placeholder:"DATE" help:"First day on which --paid is over: 2026-12-31."`
}

// change gives what was said; said is false when nothing was.
func (t termsFlags) change() (c api.TermsChange, said bool) {
	c = api.TermsChange{RatioPPM: (*int64)(t.Ratio), Gift: (*potluck.Size)(t.Gift), Opening: (*potluck.Size)(t.Opening),
		Paid: (*potluck.Size)(t.Paid), PaidUntil: (*int64)(t.PaidUntil)}
	return c, t != termsFlags{}
}

// overDefaults gives the default terms with what was said; nil when nothing was.
func (t termsFlags) overDefaults() *api.Terms {
	c, said := t.change()
	if !said {
		return nil
	}
	terms := ledger.DefaultTerms()
	set(&terms.RatioPPM, c.RatioPPM)
	set(&terms.Gift, c.Gift)
	set(&terms.Opening, c.Opening)
	set(&terms.Paid, c.Paid)
	set(&terms.PaidUntil, c.PaidUntil)
	return &terms
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// showTerms gives terms in one clause, in the words of the flags.
func showTerms(t api.Terms) string {
	parts := []string{"ratio " + showRatio(t.RatioPPM), fmt.Sprintf("opening %v", t.Opening)}
	switch {
	case t.Gift == potluck.MaxSize:
		parts = append(parts, "gift without limit")
	case t.Gift > 0:
		parts = append(parts, fmt.Sprintf("gift %v", t.Gift))
	}
	if t.Paid > 0 {
		parts = append(parts, fmt.Sprintf("paid %v until %s", t.Paid, when(t.PaidUntil)))
	}
	return strings.Join(parts, ", ")
}

type termsCmd struct {
	Peer string `arg:"" help:"A friend: petname, peer ID, or the start of either."`
	termsFlags
}

// Help says more than one line.
func (t *termsCmd) Help() string {
	return "Without flags the terms are only shown. Lower terms take nothing away that is held already: they refuse new bytes."
}

// Run shows or changes the terms with one friend.
func (t *termsCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	var terms api.PeerTerms
	if change, said := t.change(); said {
		terms, err = node.SetTerms(ctx, t.Peer, change)
	} else {
		terms, err = node.Terms(ctx, t.Peer)
	}
	if err != nil || c.JSON {
		return c.emitUnless(err, terms)
	}
	c.printf("%s may have here: %s", terms.Name, showTerms(terms.Terms))
	c.printf("you may have there: %s", showTerms(terms.Theirs))
	return nil
}
