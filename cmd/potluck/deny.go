package main

import "context"

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
	c.printf("%s is denied: no new bytes are taken; the %v held stay, and can be read", f.Name, f.IHold.Bytes)
	return nil
}
