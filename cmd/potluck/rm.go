package main

import (
	"context"
)

type rmCmd struct {
	capFlags
}

// Help says more than one line.
func (r *rmCmd) Help() string {
	return "Your node ends its leases, so friends free the bytes at once, and their room is yours again. Friends that can't be reached are told when they are back; then the exit code is 3."
}

// Run removes one file.
func (r *rmCmd) Run(ctx context.Context, c *cli) error {
	text, err := r.read(c)
	if err != nil {
		return err
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	done, err := node.Remove(ctx, text)
	if err != nil {
		return err
	}
	if c.JSON {
		err = c.emit(done)
	} else {
		c.printf("%s removed, %v freed", plural(done.Cancelled, "share"), done.Freed)
	}
	if n := len(done.Unreached); n > 0 && err == nil {
		c.remark("%s can't be reached, and will be told later", plural(n, "friend"))
		return &exitErr{exitPartial, errReported}
	}
	return err
}
