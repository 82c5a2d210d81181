package main

import "context"

type acceptCmd struct {
	Peer string `arg:"" help:"A friend: petname, peer ID, or the start of either."`
}

// Run lifts a denial.
func (a *acceptCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	f, err := node.Accept(ctx, a.Peer)
	if err != nil || c.JSON {
		return c.emitUnless(err, f)
	}
	c.printf("%s is accepted: it may add %v now", f.Name, f.Free)
	return nil
}
