package main

import (
	"context"

	"potluck/gateway/api"
)

type joinCmd struct {
	Link   string `arg:"" help:"The link of an invite; - reads it from stdin."`
	Name   string `placeholder:"NAME" help:"What you will call the friend (the name that it gives itself)."`
	DryRun bool   `help:"Only show what the link says."`
	termsFlags
}

// Help says more than one line.
func (j *joinCmd) Help() string {
	return "Terms are what the inviter may have at your node; without flags they are the default ones."
}

// Run accepts an invite.
func (j *joinCmd) Run(ctx context.Context, c *cli) error {
	link, err := c.word(j.Link, "link")
	if err != nil {
		return err
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	r, err := node.Join(ctx, api.JoinRequest{Link: link, Name: j.Name, Terms: j.overDefaults(), DryRun: j.DryRun})
	if err != nil || c.JSON {
		return c.emitUnless(err, r)
	}
	if r.DryRun {
		c.printf("an invite of %s, good until %s", r.Name, when(r.Expires))
	} else {
		c.printf("%s is a friend now", r.Name)
	}
	c.printf("peer         %v", r.Peer)
	for _, a := range r.Addrs {
		c.printf("address      %s", a)
	}
	c.printf("you may have there: %s", showTerms(r.Terms))
	c.printf("%s may have here: %s", r.Name, showTerms(r.Granted))
	return nil
}
