package main

import "context"

type disputesCmd struct{}

// Help says more than one line.
func (d *disputesCmd) Help() string {
	return "Two nodes that count otherwise compare their books, and cure what they can. What is left is a dispute: both words stand, the smaller figure counts, and the evidence is kept (--json has it). It ends by itself when both count the same again."
}

// Run lists what this node and others count otherwise.
func (d *disputesCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	all, err := node.Disputes(ctx)
	if err != nil || c.JSON {
		return c.emitUnless(err, all)
	}
	if len(all) == 0 {
		c.printf("nothing is disputed")
		return nil
	}
	t := newTable("holder", "owner", "since", ">you count", ">it counts", "what it is about")
	for _, x := range all {
		t.add(x.Host.Name, x.Owner.Name, when(x.Since), x.Mine.Bytes, x.Theirs.Bytes, x.Reason)
	}
	return t.write(c.out)
}
