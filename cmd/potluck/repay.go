package main

import (
	"context"

	"potluck/gateway/api"
)

type repayCmd struct {
	Via repayViaCmd `cmd:"" help:"Let another node repay those who hold your data."`
}

type repayViaCmd struct {
	Node   string   `arg:"" help:"The node that repays: petname, peer ID, or the start of either."`
	Share  *percent `placeholder:"PERCENT" help:"This part of your debts (all that no other node repays)."`
	Off    bool     `help:"It repays nothing for you any more."`
	DryRun bool     `help:"Only tell what it would change."`
}

// Help says more than one line.
func (r *repayViaCmd) Help() string {
	return `Those who hold your data then have credit at that node, as if they held its own data. It consents first, by "potluck work-for" there. For nodes without a disk of their own: a friend's server, or your own at home, repays for your laptop.`
}

// Run names a node that repays this node's debts.
func (r *repayViaCmd) Run(ctx context.Context, c *cli) error {
	switch {
	case r.Node == "":
		return usagef("the node's name is empty; name the node that repays for you")
	case r.Off && r.Share != nil:
		return usagef("--off ends what the node repays, and --share says how much it is: say one of them")
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	done, err := node.RepayVia(ctx, api.RepayViaRequest{Node: r.Node, SharePPM: (*int64)(r.Share), Off: r.Off, DryRun: r.DryRun})
	if err != nil || c.JSON {
		return c.emitUnless(err, done)
	}
	c.printf("%s", done.Sentence)
	if len(done.Repay) > 0 {
		if err := repayTable(done.Repay).write(c.out); err != nil {
			return err
		}
	}
	c.printf("you repay %s of it yourself", showPercent(done.Own))
	if done.Signed {
		c.printf("signed as number %d, good until %s; your node signs it anew each week", done.Number, when(done.Expires))
	}
	return nil
}

type workForCmd struct {
	Peer string `arg:"" help:"Whose debts your node repays: petname, peer ID, or the start of either."`
	Off  bool   `help:"Repay nothing for it any more."`
}

// Help says more than one line.
func (w *workForCmd) Help() string {
	return `Those who hold the peer's data then have credit at your node, as far as the peer says so by "potluck repay via" and both sign how much it is. Their bytes take your room.`
}

// Run consents to repay a peer's debts, or no longer.
func (w *workForCmd) Run(ctx context.Context, c *cli) error {
	if w.Peer == "" {
		return usagef("the peer's name is empty; name whose debts your node repays")
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	done, err := node.WorkFor(ctx, api.WorkForRequest{Peer: w.Peer, Off: w.Off})
	if err != nil || c.JSON {
		return c.emitUnless(err, done)
	}
	c.printf("%s", done.Sentence)
	if len(done.WorksFor) > 0 {
		return workTable(done.WorksFor).write(c.out)
	}
	return nil
}
