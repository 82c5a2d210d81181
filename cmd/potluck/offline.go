package main

import (
	"context"
	"fmt"
	"os"
)

type creditProofCmd struct {
	Peer   string `arg:"" help:"A peer: petname, peer ID, or the start of either."`
	Output string `short:"o" placeholder:"FILE" help:"Write it to a file (stdout)."`
}

// Help says more than one line.
func (p *creditProofCmd) Help() string {
	return "Whoever has the file can check it with \"potluck credit verify\", and needs to trust neither you nor the peer."
}

// Run prints the proof that a peer signed two documents of one number.
func (p *creditProofCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	file, err := node.Proof(ctx, p.Peer)
	if err != nil {
		return err
	}
	if p.Output == "" {
		return c.emit(file)
	}
	if err := os.WriteFile(p.Output, append(file, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the proof: %w", err)
	}
	if c.JSON {
		return c.emit(written{p.Output})
	}
	c.remark("the proof is in %s", p.Output)
	return nil
}

// written is the JSON of a verb that wrote a file in place of an answer.
type written struct {
	Written string `json:"written"`
}
