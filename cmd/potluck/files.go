package main

import (
	"context"
	"fmt"

	"potluck/gateway/api"
)

type filesCmd struct {
	Caps     bool   `help:"Print the caps too: who has one can read the file."`
	AsOf     string `placeholder:"DATE" xor:"when" help:"What each name meant at the end of a day, like 2026-01-31, or at a time, like 2026-01-31T12:00:00Z."`
	Versions string `placeholder:"NAME" xor:"when" help:"What this name meant from one put to the next, the newest first."`
}

// Help says more than one line.
func (f *filesCmd) Help() string {
	return "Files that were put with --forget have no cap here: the list tells of them, and can't give them back."
}

// Run lists what this node put.
func (f *filesCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	if f.AsOf != "" || f.Versions != "" {
		return f.versions(ctx, c, node)
	}
	if c.JSON {
		rows := array{w: c.out}
		if err := node.EachFile(ctx, func(r api.FileRow) error { return rows.add(r) }); err != nil {
			return err
		}
		return rows.end("\n")
	}
	heads := []string{"name", ">size", "k-of-n", ">placed", "put", "storage index"}
	if f.Caps {
		heads = append(heads, "cap")
	}
	t := newTable(heads...)
	err = node.EachFile(ctx, func(r api.FileRow) error {
		cells := []any{r.Name, r.Size, fmt.Sprintf("%d-of-%d", r.Layout.K, r.Layout.N), fmt.Sprintf("%d/%d", r.Placed, r.Wanted), when(r.Put), r.Index}
		if f.Caps {
			cells = append(cells, r.Cap)
		}
		t.add(cells...)
		return t.fill(c.out)
	})
	if err != nil {
		return err
	}
	return t.write(c.out)
}
