package main

import (
	"context"
	"regexp"

	"potluck/caps"
	"potluck/files"
	"potluck/gateway/api"
)

type rmCmd struct {
	capFlags
}

// Help says more than one line.
func (r *rmCmd) Help() string {
	return `Your node ends its leases, so friends free the bytes at once, and their room is yours again. Friends that can't be reached are told when they are back; then the exit code is 3.

In place of a cap, a storage index as "potluck files" shows it, or a start of one that fits no other, names a file that your node knows, also one that came back without name and cap when the node was recovered.`
}

// indexForm is a storage index or a start of one. No cap has this form.
var indexForm = regexp.MustCompile("^[a-z2-7]{4,26}$")

// Run removes one file.
func (r *rmCmd) Run(ctx context.Context, c *cli) error {
	text, err := r.text(c)
	if err != nil {
		return err
	}
	remove := (*api.Client).RemoveIndexed
	if !indexForm.MatchString(text) {
		remove = (*api.Client).Remove
		if _, err := caps.Parse(text); err != nil {
			return usagef("%w", err)
		}
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	done, err := remove(node, ctx, text)
	if err != nil {
		return err
	}
	return c.removed(done)
}

// removed tells what was freed.
func (c *cli) removed(done files.RemoveResult) (err error) {
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
