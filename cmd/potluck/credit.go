package main

import (
	"context"
	"fmt"
	"strings"

	"potluck"
	"potluck/gateway/api"
)

type creditCmd struct {
	Show    creditShowCmd    `cmd:"" default:"1" help:"Show what you have where, what points to you, and what you point away (default)."`
	To      creditToCmd      `cmd:"" help:"Point credit that you have at others to a peer."`
	Revoke  creditRevokeCmd  `cmd:"" help:"Take pointers to a peer back."`
	Decline creditDeclineCmd `cmd:"" help:"Take no credit that a peer points to you."`
	Eval    creditEvalCmd    `cmd:"" help:"Decide a case that is given as a file; no node is needed."`
	Verify  creditVerifyCmd  `cmd:"" help:"Check a signed document in a file; no node is needed."`
	Proof   creditProofCmd   `cmd:"" help:"Print the proof that a peer signed two documents of one number."`
}

type creditShowCmd struct{}

// Run shows this node's credit at a glance.
func (s *creditShowCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	v, err := node.Credit(ctx)
	if err != nil || c.JSON {
		return c.emitUnless(err, v)
	}
	return c.showCredit(v)
}

// showCredit prints one table for each thing that there is.
func (c *cli) showCredit(v api.CreditOverview) error {
	parts := []struct {
		title, none string
		table       *table
	}{
		{"what you have at others", "you have nothing at others: no friend or sponsor is known", creditTable(v.Mine)},
		{"what points to you", "nobody points credit to you", inTable(v.In)},
		{"what you point away", "you point no credit away", outTable(v.Out)},
		{"who repays your debts for you", "you repay those who hold your data yourself", repayTable(v.Repay)},
		{"whose debts you repay", "you work for nobody", workTable(v.WorksFor)},
	}
	for _, p := range parts {
		if len(p.table.rows) == 0 {
			c.printf("%s", p.none)
			continue
		}
		c.printf("%s:", p.title)
		if err := p.table.write(c.out); err != nil {
			return err
		}
	}
	if len(v.Order.Declined) > 0 {
		c.printf("you take no credit from %s", names(v.Order.Declined))
	}
	if v.Order.Number > 0 {
		c.printf("your standing order is number %d, good until %s; your node signs it anew each week", v.Order.Number, when(v.Order.Expires))
	}
	c.printf("as of %s", when(v.AsOf))
	return nil
}

func creditTable(all []api.CreditAt) *table {
	t := newTable("at", ">free for you", ">holds for you", ">your own", ">short", "standing there", "connected", "as of", "pointed to you by")
	for _, a := range all {
		connected := pick(a.Connected, "yes", "no")
		if !a.Known {
			t.add(a.Name, "unknown", "-", "-", "-", "unknown", connected, "never", "")
			continue
		}
		t.add(a.Name, showPlenty(a.Free), a.Held, showPlenty(a.Supply), a.Short, a.Step, connected, when(a.AsOf), sponsors(a.Sponsors))
	}
	return t
}

// sponsors gives "bob 1 GiB of 2 GiB, carol 0 B of 5 GiB".
func sponsors(all []api.SponsorView) string {
	parts := make([]string, len(all))
	for i, s := range all {
		parts[i] = fmt.Sprintf("%s %v of %s", s.Name, s.Used, showLimit(s.Limit))
	}
	return strings.Join(parts, ", ")
}

// showLimit gives an upper bound; a negative one is none.
func showLimit(s potluck.Size) string {
	if s < 0 {
		return "no limit"
	}
	return showPlenty(s)
}

// showPlenty gives a size; one that no disk has is without limit, such as a
// household's gift.
func showPlenty(s potluck.Size) string {
	if s >= 1024*potluck.TiB {
		return "no limit"
	}
	return s.String()
}

func inTable(all []api.PointerView) *table {
	t := newTable("from", "at", "as much as", "kind", ">used by you", "since", "until", "state")
	for _, p := range all {
		t.add(p.From.Name, hostName(p.Host), amount(p), pick(p.Loan, "loan", "gift"), p.Used, when(p.Since), when(p.Expires), p.State)
	}
	return t
}

// outTable leaves out what is used: only the hosts know that.
func outTable(all []api.PointerView) *table {
	t := newTable("to", "at", "as much as", "kind", "since", "until", "state")
	for _, p := range all {
		t.add(p.To.Name, hostName(p.Host), amount(p), pick(p.Loan, "loan", "gift"), when(p.Since), when(p.Expires), p.State)
	}
	return t
}

func hostName(host *api.Party) string {
	if host == nil {
		return "any host"
	}
	return host.Name
}

// amount gives a pointer's bounds: "2 GiB", "40 %", "40 %, at most 2 GiB".
func amount(p api.PointerView) string {
	switch {
	case p.Limit != nil && p.SharePPM != nil:
		return fmt.Sprintf("%s, at most %v", showPercent(*p.SharePPM), *p.Limit)
	case p.Limit != nil:
		return p.Limit.String()
	case p.SharePPM != nil:
		return showPercent(*p.SharePPM)
	}
	return "all"
}

func repayTable(all []api.RepayView) *table {
	t := newTable("node", ">share of your debts", "works for you", "until")
	for _, r := range all {
		t.add(r.Name, showPercent(r.SharePPM), pick(r.Consent, "yes", "no"), when(r.Expires))
	}
	return t
}

func workTable(all []api.WorkView) *table {
	t := newTable("peer", ">share of its debts", ">held for it", "until")
	for _, w := range all {
		if !w.Allotted {
			t.add(w.Name, "not named yet", "-", when(w.Expires))
			continue
		}
		t.add(w.Name, showPercent(w.SharePPM), w.Bytes, when(w.Expires))
	}
	return t
}

// names joins the names of peers.
func names(all []api.Party) string {
	list := make([]string, len(all))
	for i, p := range all {
		list[i] = p.Name
	}
	return strings.Join(list, ", ")
}
