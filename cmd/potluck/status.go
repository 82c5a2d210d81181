package main

import (
	"context"
	"fmt"
	"time"

	"potluck/gateway/api"
)

type statusCmd struct{}

// Run prints the node at a glance.
func (s *statusCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	status, err := node.Status(ctx)
	if err != nil || c.JSON {
		return c.emitUnless(err, status)
	}
	c.printStatus(status)
	if status.Epoch > 1 {
		c.printf("epoch        %d", status.Epoch)
	}
	if status.ReadOnly != "" {
		c.printf("read-only    %s", status.ReadOnly)
	}
	c.printf("friends      %d, %d connected; %s open", status.Friends, status.Connected, plural(status.Inviting, "invite"))
	c.printf("offers       %v; holds %v, %v reserved, room for %v more", status.Offered, status.Held, status.Reserved, status.Room)
	c.printf("held for you %v", status.HeldForMe)
	c.printf("disk         %v free", status.DiskFree)
	c.printf("store        compared with the books %s; all of it read %s", passed(status.Crawl), passed(status.Scrub))
	c.printf("running      %v, since %s", time.Duration(status.AsOf-status.Started)*time.Second, when(status.Started))
	c.printf("as of        %s", when(status.AsOf))
	return nil
}

// passed says when a pass over all shares ended, and how far the next is.
func passed(p api.PassView) string {
	text := "never"
	if p.Done > 0 {
		text = "as of " + when(p.Done)
	}
	switch {
	case p.Every == 0:
		text += " (not by itself)"
	case p.Began > p.Done:
		text += fmt.Sprintf(" (%.0f %% of a pass done)", 100*p.Share)
	}
	return text
}

// printStatus prints who and where a node is.
func (c *cli) printStatus(s api.Status) {
	c.printf("name         %s", s.Name)
	c.printf("peer         %v", s.Peer)
	for _, a := range s.Addrs {
		c.printf("address      %s", a)
	}
	c.printf("data         %s", s.Data)
}
