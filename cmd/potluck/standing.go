package main

import (
	"context"

	"potluck/gateway/api"
	"potluck/ledger/credit"
)

type standingCmd struct {
	Peer  string `arg:"" help:"A peer: petname, peer ID, or the start of either."`
	Pin   string `placeholder:"STEP" help:"Keep it at a step, whatever happens: good, reminded, slowed, frozen, notice or evicting."`
	Unpin bool   `help:"Let it move by itself again."`
	Evict bool   `help:"Your word that after frozen it may go on, to notice and then to eviction."`
}

// Help says more than one line.
func (s *standingCmd) Help() string {
	return `Without flags both standings are only shown. When a peer has more here than it has credit for, holds less than it said or stays away, it climbs one step after the other, and is told of each: reminded, slowed after 3 days, frozen after 7. Months of honest service make that up to four times longer. Beyond frozen it goes only with --evict: notice, and in the end at most 1 % of its bytes a day are dropped, of those that nothing pays for, newest first. As soon as the fault is cured it is good again. Reads are served at every step.`
}

// Run shows or changes a peer's standing.
func (s *standingCmd) Run(ctx context.Context, c *cli) error {
	change := api.StandingChange{Unpin: s.Unpin, Word: s.Evict}
	if s.Pin != "" {
		if _, err := credit.ParseStep(s.Pin); err != nil {
			return usagef("--pin: there is no step %q; say good, reminded, slowed, frozen, notice or evicting", s.Pin)
		}
		change.Pin = &s.Pin
	}
	if s.Unpin && s.Evict || s.Pin != "" && (s.Unpin || s.Evict) {
		return usagef("--pin, --unpin and --evict are three changes: say one of them")
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	var v api.StandingView
	if change == (api.StandingChange{}) {
		v, err = node.Standing(ctx, s.Peer)
	} else {
		v, err = node.SetStanding(ctx, s.Peer, change)
	}
	if err != nil || c.JSON {
		return c.emitUnless(err, v)
	}
	c.showStanding(v)
	return nil
}

func (c *cli) showStanding(v api.StandingView) {
	c.showSide(v.Name+" here", v.Mine)
	c.showSide("you at "+v.Name, v.Theirs)
}

// showSide prints one direction: the step, and what comes next.
func (c *cli) showSide(who string, s api.StandingSide) {
	if !s.Known {
		c.printf("%s: unknown, it never told", who)
		return
	}
	c.printf("%s: %s, as of %s", who, step(s), when(s.AsOf))
	if s.Sentence != "" {
		c.printf("  %s", s.Sentence)
	}
	if s.Short > 0 {
		c.printf("  short %v", s.Short)
	}
	if s.Breach != 0 {
		c.printf("  since %s, step reached %s, told %s", when(s.Breach), when(s.Since), pick(s.ToldAt == 0, "not yet", s.Told+" "+when(s.ToldAt)))
	}
	if s.Next != "" {
		c.printf("  next: %s, %s, unless it is cured", s.Next, pick(s.NextAt == 0, "no date yet", when(s.NextAt)))
	}
	if s.GoodwillPPM > 1_000_000 {
		c.printf("  goodwill: times are %s times as long, for %d days of honest service", showRatio(s.GoodwillPPM), s.Service/86400)
	}
}

// step gives a step with what the operator set by hand.
func step(s api.StandingSide) string {
	return s.Step + pick(s.Pinned, ", pinned", "") + pick(s.Word, ", eviction allowed", "")
}

type pardonCmd struct {
	Peer string `arg:"" help:"A peer: petname, peer ID, or the start of either."`
}

// Help says more than one line.
func (p *pardonCmd) Help() string {
	return "The peer is good again and its time begins anew. If the fault isn't cured, it climbs the steps once more."
}

// Run sets a peer's standing to good.
func (p *pardonCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	v, err := node.Pardon(ctx, p.Peer)
	if err != nil || c.JSON {
		return c.emitUnless(err, v)
	}
	c.showStanding(v)
	return nil
}
