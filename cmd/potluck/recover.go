package main

import (
	"context"
	"errors"

	"potluck/caps/words"
	"potluck/files"
	"potluck/node"
)

type recoverCmd struct {
	WordsFile string `required:"" placeholder:"FILE" help:"A file with the 24 words; - reads stdin."`
	Friend    string `required:"" placeholder:"ADDR" help:"Multiaddr of one friend, ending in /p2p/ and its peer ID, as \"potluck status\" shows it there."`
	Drill     bool   `help:"Only say what would come back: nothing is kept, and nobody is told."`
	Bare      bool   `help:"Go on without a keepsake or without the backup of the books: what friends hold comes back without names and caps."`
}

// Help says more than one line.
func (r *recoverCmd) Help() string {
	return `Rebuilds a node whose machine or disk is gone, in a data directory that has no books: its key from the words, its friends from the keepsake that they have, what they hold for it from their lists, its files with names and caps from the backup of the books, and, if the shares of others still lie in the directory, what it holds for whom from their headers. After that "potluck up" runs the node. It may be repeated until it is done.

A recovery begins a new epoch of the node: what is left of the old one (a copy of the disk, the machine that was only switched off) learns of it from friends, and writes nothing from then on.

--drill does all but the last step in a temporary directory, also while the node runs elsewhere; do it once a year.

    potluck recover --words-file - --friend /ip4/192.0.2.7/tcp/4242/p2p/12D3KooW…`
}

// Run rebuilds a node, or says what would come back.
func (r *recoverCmd) Run(ctx context.Context, c *cli) error {
	text, err := c.readInput(r.WordsFile, words.MaxText, "words")
	if err != nil {
		return err
	}
	up := upCmd{LogLevel: "error"}
	config, err := up.config(c)
	if err != nil {
		return err
	}
	got, err := node.Recover(ctx, config, node.RecoverRequest{Words: string(text), Friend: r.Friend, Drill: r.Drill, Bare: r.Bare},
		func(step string) { c.remark("%s", step) })
	var wrong *words.Error
	var usage *files.UsageError
	if errors.As(err, &wrong) || errors.As(err, &usage) {
		return &exitErr{exitUsage, err}
	}
	if err != nil {
		return booksErr(err)
	}
	if c.JSON {
		err = c.emit(got)
	} else {
		err = c.printRecovery(got)
	}
	if err == nil && (len(got.Problems) > 0 || got.Nameless > 0) {
		return &exitErr{exitPartial, errReported}
	}
	return err
}

// printRecovery says what came back.
func (c *cli) printRecovery(r node.Recovery) error {
	c.printf("node         %v, epoch %d", r.Peer, r.Epoch)
	c.printf("keepsake     %s", pick(r.Keepsake == 0, "none", "of "+when(r.Keepsake)))
	c.printf("backup       %s", pick(r.Backup == 0, "none", "of "+when(r.Backup)))
	c.printf("files        %d, %d with their caps, %d without names (%s); %d can be read now", r.Files, r.Caps, r.Nameless,
		pick(r.Backup == 0, "there was no backup yet", "put after the backup"), r.Readable)
	c.printf("at friends   %s, %v", plural(r.Shares, "share"), r.Bytes)
	if r.Adopted+r.Unclaimed > 0 {
		c.printf("on this disk %s, and %d of unknown owners", plural(r.Adopted, "share"), r.Unclaimed)
	}
	t := newTable("friend", "answered", ">shares", ">bytes")
	for _, f := range r.Friends {
		t.add(f.Name, pick(f.Answered, "yes", "no"), f.Shares, f.Bytes)
	}
	if err := t.write(c.out); err != nil {
		return err
	}
	for _, p := range r.Problems {
		c.printf("problem: %s", p)
	}
	switch {
	case r.Drill:
		c.remark("this was a drill: nothing was kept, and nobody was told")
	default:
		c.remark("the node is back in %s; run it with \"potluck up\"", r.Data)
	}
	return nil
}
