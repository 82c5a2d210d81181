package main

import (
	"context"
	"fmt"
)

type crawlCmd struct {
	Read bool `help:"Read every byte in the store too."`
}

// Run compares the store with the books, and mends.
func (x *crawlCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	r, err := node.Crawl(ctx, x.Read)
	if err != nil {
		return err
	}
	if c.JSON {
		err = c.emit(r)
	} else {
		c.printf("compared %s, %v on the disk as they should be", plural(r.Shares, "share"), r.Stored)
		if x.Read {
			c.printf("read %s, %v, from end to end", plural(r.Read, "share"), r.ReadSize)
		}
		for _, f := range r.Findings {
			c.printf("found: %s", f)
		}
	}
	found := r.Lost + r.Corrupt + r.Adopted + r.SetAside + r.Returned + r.Unknown
	if err == nil && found > 0 {
		return &exitErr{exitDamage, fmt.Errorf("%s weren't as the books say; what could be mended is", plural(found, "share"))}
	}
	return err
}
