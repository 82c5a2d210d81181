package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"potluck/gateway/api"
)

type evictCmd struct {
	Peer   string `arg:"" help:"A friend: petname, peer ID, or the start of either."`
	Yes    bool   `short:"y" help:"Don't ask."`
	DryRun bool   `help:"Only tell what would be dropped."`
}

// Help says more than one line.
func (e *evictCmd) Help() string {
	return "All that your node holds for the friend is deleted, at once and for good. The friend isn't asked; it finds out when it looks. To take no new bytes only, use \"potluck deny\"."
}

// Run drops all that is held for a friend.
func (e *evictCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	if !e.Yes && !e.DryRun {
		plan, err := node.Evict(ctx, e.Peer, true)
		if err != nil {
			return err
		}
		if err := c.confirm(plan); err != nil {
			return err
		}
	}
	done, err := node.Evict(ctx, e.Peer, e.DryRun)
	if err != nil || c.JSON {
		return c.emitUnless(err, done)
	}
	c.printf("%s: %s of %s, %v", pick(done.DryRun, "would drop", "dropped"), plural(done.Shares, "share"), done.Name, done.Freed)
	return nil
}

// confirm asks a person at the terminal to type the friend's name.
func (c *cli) confirm(plan api.Eviction) error {
	return c.typed(fmt.Sprintf("%s of %s, %v", plural(plan.Shares, "share"), plan.Name, plan.Freed), plan.Name)
}

// typed asks a person at the terminal to type a word before something is deleted.
func (c *cli) typed(what, word string) error {
	if !c.inTerminal {
		return usagef("%s, would be deleted for good: say --yes, or --dry-run to look only", what)
	}
	fmt.Fprint(c.err, escape(fmt.Sprintf("%s, will be deleted for good. Type %s to go on: ", what, word)))
	answer, err := bufio.NewReader(io.LimitReader(c.in, maxWord)).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("read the answer: %w", err)
	}
	if strings.TrimSpace(answer) != word {
		return &exitErr{exitError, fmt.Errorf("nothing was dropped: the answer isn't %q", word)}
	}
	return nil
}
