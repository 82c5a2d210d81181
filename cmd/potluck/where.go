package main

import "context"

type whereCmd struct {
	capFlags
}

// Run tells which friends hold a file's shares.
func (w *whereCmd) Run(ctx context.Context, c *cli) error {
	text, err := w.read(c)
	if err != nil {
		return err
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	r, err := node.Where(ctx, text)
	if err != nil || c.JSON {
		return c.emitUnless(err, r)
	}
	t := newTable(">share", "state", "friend", ">bytes", "placed", "peer")
	for _, s := range r.Shares {
		t.add(s.Number, s.State, s.Name, int64(s.Charge), when(s.Placed), s.Host)
	}
	if err := t.write(c.out); err != nil {
		return err
	}
	c.printf("%v as %d-of-%d, storage index %v", r.Size, r.Layout.K, r.Layout.N, r.Index)
	switch {
	case r.Readable && r.Survives == 0:
		c.printf("readable now; no friend of those that answered may be lost")
	case r.Readable:
		c.printf("readable now; any %s of those that answered may be lost", plural(r.Survives, "friend"))
	default:
		c.printf("not readable now: fewer than %d different shares are held by friends that answered", r.Layout.K)
	}
	return nil
}
