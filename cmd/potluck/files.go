package main

import (
	"context"
	"fmt"
)

type filesCmd struct{}

// Help says more than one line.
func (f *filesCmd) Help() string {
	return "Your node keeps no caps: the list tells what was put, and can't give it back."
}

// Run lists what this node put.
func (f *filesCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	rows, err := node.Files(ctx)
	if err != nil || c.JSON {
		return c.emitUnless(err, list(rows))
	}
	t := newTable("name", ">size", "k-of-n", ">placed", "put", "storage index")
	for _, r := range rows {
		t.add(r.Name, r.Size, fmt.Sprintf("%d-of-%d", r.Layout.K, r.Layout.N), fmt.Sprintf("%d/%d", r.Placed, r.Wanted), when(r.Put), r.Index)
	}
	return t.write(c.out)
}
