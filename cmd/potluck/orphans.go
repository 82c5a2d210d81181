package main

import (
	"context"
	"fmt"

	"potluck"
	"potluck/gateway/api"
)

type orphansCmd struct {
	Peer   string `arg:"" optional:"" help:"Only this friend; without it, every friend that is connected."`
	Cancel bool   `help:"End it: the friends delete these shares, for good."`
	Yes    bool   `short:"y" help:"With --cancel: don't ask."`
	DryRun bool   `help:"With --cancel: only tell what would be ended."`
}

// Help says more than one line.
func (o *orphansCmd) Help() string {
	return "Your node compares its books with those of its friends, and lists what they hold and count for you though no file that it knows of needs it: what was left behind by a node whose books were lost, or by a program that went wrong. Whoever kept a cap elsewhere may still read such a file, so nothing is deleted without your word."
}

// Run lists or ends what friends hold for nothing.
func (o *orphansCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	q := api.OrphansRequest{Peer: o.Peer, Cancel: o.Cancel, DryRun: o.DryRun}
	if o.Cancel && !o.Yes && !o.DryRun {
		plan, err := node.Orphans(ctx, api.OrphansRequest{Peer: o.Peer})
		if err != nil {
			return err
		}
		shares, bytes := countOrphans(plan)
		if shares == 0 {
			return o.show(c, plan)
		}
		if err := c.typed(fmt.Sprintf("%s that no file of yours needs, %v", plural(shares, "share"), bytes), "orphans"); err != nil {
			return err
		}
	}
	found, err := node.Orphans(ctx, q)
	if err != nil {
		return err
	}
	return o.show(c, found)
}

func countOrphans(all api.Orphans) (shares int, bytes potluck.Size) {
	for _, at := range all.Hosts {
		shares += len(at.Shares)
		bytes += at.Bytes
	}
	return shares, bytes
}

// show prints what was found; a friend that couldn't be asked makes it partial.
func (o *orphansCmd) show(c *cli, found api.Orphans) error {
	var failed error
	for _, at := range found.Hosts {
		if at.Error != "" {
			failed = &exitErr{exitPartial, fmt.Errorf("%s: %s", at.Name, at.Error)}
		}
	}
	if c.JSON {
		return c.emitUnless(failed, found)
	}
	t := newTable("share", ">bytes", "friend")
	for _, at := range found.Hosts {
		for _, x := range at.Shares {
			t.add(x.Share, int64(x.Charge), at.Name)
		}
	}
	shares, bytes := countOrphans(found)
	if shares > 0 {
		if err := t.write(c.out); err != nil {
			return err
		}
	}
	c.printf("%s asked; %s, %v, held for nothing", plural(len(found.Hosts), "friend"), plural(shares, "share"), bytes)
	for _, at := range found.Hosts {
		if o.Cancel && len(at.Shares) > 0 {
			c.printf("%s: %s of %s, %v", at.Name, pick(o.DryRun, "would end leases", "ended the leases"), plural(pick(o.DryRun, int64(len(at.Shares)), at.Cancelled), "share"), pick(o.DryRun, at.Bytes, at.Freed))
		}
	}
	return failed
}
