package main

import (
	"context"
	"fmt"

	"potluck/files"
	"potluck/gateway/api"
)

type repairCmd struct {
	Run         repairRunCmd         `cmd:"" default:"withargs" help:"Bring lost shares back (default)."`
	Authorize   repairAuthorizeCmd   `cmd:"" help:"Give a friend leave to repair a file while you are away; your account is charged."`
	Authorities repairAuthoritiesCmd `cmd:"" help:"List the files that friends gave you leave to repair."`
}

type repairRunCmd struct {
	capFlags
	All    bool `help:"All files that this node put, and all that friends gave it leave to repair."`
	DryRun bool `help:"Only tell what would be done, and how many bytes it would move."`
}

// Help says more than one line.
func (r *repairRunCmd) Help() string {
	return `Makes shares that nobody holds any more anew, from any that are left, and brings them to friends that have room. Shares that came back are used again, copies too many are given up, and shares that lie together are spread over friends that have none. A verify cap is enough. Your node does the same by itself, when about a third of what may be lost is lost, within repair_budget bytes a day; this verb does it at once, whatever the budget says.

Exit code 3: not all could be brought back, or, with --dry-run, some file can't be.`
}

// Run repairs one file or all.
func (r *repairRunCmd) Run(ctx context.Context, c *cli) error {
	text, err := r.oneOrAll(c, r.All)
	if err != nil {
		return err
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	m := c.meter()
	done, err := node.Repair(ctx, api.RepairRequest{Cap: text, DryRun: r.DryRun}, m.show)
	m.end()
	if err != nil {
		return err
	}
	if c.JSON {
		err = c.emit(done)
	} else {
		err = c.showRepairs(done)
	}
	if err != nil {
		return err
	}
	for _, f := range done.Files {
		if f.Left > 0 && !r.DryRun {
			return &exitErr{exitPartial, errReported}
		}
	}
	if len(done.Failed) > 0 {
		return &exitErr{exitPartial, errReported}
	}
	return nil
}

// showRepairs prints a line for each file about which there is something to say.
func (c *cli) showRepairs(r api.RepairReport) error {
	t := newTable("file", ">missing", ">made", ">used again", ">spread", ">given up", pick(r.DryRun, ">missing now", ">still missing"), ">bytes", ">readable")
	for _, f := range r.Files {
		moved := f.Read + f.Sent
		if r.DryRun {
			moved = f.Cost
		}
		if len(r.Files) > 1 && len(f.Missing)+len(f.Reused)+len(f.Moved)+len(f.Unplaced) == 0 {
			continue
		}
		t.add(pick(f.Name == "", f.Index.String(), f.Name), len(f.Missing), len(f.Placed), len(f.Reused), len(f.Moved), len(f.Unplaced), f.Left, moved,
			percentage(f.Chance.Readable))
	}
	if len(t.rows) > 0 {
		if err := t.write(c.out); err != nil {
			return err
		}
	}
	for _, f := range r.Files {
		c.remarkRefused(f)
	}
	for _, f := range r.Failed {
		c.printf("%s can't be repaired: %s", pick(f.Name == "", f.Index.String(), f.Name), f.Reason)
	}
	c.printf("%s looked at%s", plural(len(r.Files)+len(r.Failed), "file"), pick(r.DryRun, "; nothing was changed", ""))
	return nil
}

// remarkRefused tells why shares are still missing.
func (c *cli) remarkRefused(f files.RepairResult) {
	if f.Left == 0 {
		return
	}
	for _, no := range f.Failed {
		c.remark("%s: %s", no.Name, no.Reason)
	}
}

type repairAuthorizeCmd struct {
	Peer string `arg:"" help:"The friend."`
	capFlags
	For    span `placeholder:"TIME" default:"30d" help:"How long it may: at most 90d (${default})."`
	Revoke bool `help:"Take it back; without a cap, for every file."`
}

// Help says more than one line.
func (a *repairAuthorizeCmd) Help() string {
	return `Signs that a friend may repair one file, and gives that to the friend, who must be connected. When you were away for a day and shares are lost, the friend's node brings them back by itself. Hosts charge your account, and keep the shares for you. The friend can't read the file, and can bring no other bytes than its shares. With --revoke it may no longer: hosts hear of that when they are connected, from your node or from friends, and refuse what the friend brings in your name from then on.`
}

// Run gives a friend leave to repair a file.
func (a *repairAuthorizeCmd) Run(ctx context.Context, c *cli) error {
	q := api.AuthorizeRequest{Seconds: int64(a.For), Revoke: a.Revoke}
	if !a.Revoke || a.Cap+a.CapFile != "" {
		var err error
		if q.Cap, err = a.read(c); err != nil {
			return err
		}
	}
	if a.Revoke {
		q.Seconds = 0
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	v, err := node.Authorize(ctx, a.Peer, q)
	if err != nil || c.JSON {
		return c.emitUnless(err, v)
	}
	if a.Revoke {
		c.printf("%s may repair %s no longer; hosts are told as they come", v.RepairerName, pick(q.Cap == "", "anything of yours", "it"))
		return nil
	}
	c.printf("%s may repair it until %s, at your account's cost", v.RepairerName, when(v.Expires))
	return nil
}

type repairAuthoritiesCmd struct{}

// Run lists what friends let this node repair.
func (a *repairAuthoritiesCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	list, err := node.Authorities(ctx)
	if err != nil || c.JSON {
		return c.emitUnless(err, list)
	}
	t := newTable("owner", "file", ">size", ">shares", "until")
	for _, v := range list {
		t.add(v.OwnerName, v.Index, v.Size, fmt.Sprintf("%d-of-%d", v.Layout.K, v.Layout.N), when(v.Expires))
	}
	return t.write(c.out)
}
