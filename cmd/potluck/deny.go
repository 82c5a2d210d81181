package main

import (
	"context"
	"fmt"
)

type denyCmd struct {
	Peer string `arg:"" help:"A friend: petname, peer ID, or the start of either."`
}

// Run takes no new bytes from a friend.
func (d *denyCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	f, err := node.Deny(ctx, d.Peer)
	if err != nil || c.JSON {
		return c.emitUnless(err, f)
	}
	held := "it has nothing here"
	if f.IHold.Bytes > 0 {
		held = fmt.Sprintf("the %v that it has here stay, and can be read", f.IHold.Bytes)
	}
	c.printf("%s is denied: you take nothing new from it; %s", f.Name, held)
	return nil
}
