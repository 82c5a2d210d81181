package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"strconv"

	"potluck/gateway/api"
)

// matrix prints who holds how much for whom: a row for each holder, a column for
// each owner. Where the words of the two differ both are shown.
func (w *whoCmd) matrix(ctx context.Context, c *cli, node *api.Client) error {
	m, err := node.Matrix(ctx)
	if err != nil || c.JSON {
		return c.emitUnless(err, m)
	}
	if w.CSV {
		return writeMatrix(c, m)
	}
	type pair struct{ holder, owner string }
	cells, differ := make(map[pair]string), 0
	for _, x := range m.Cells {
		cells[pair{x.Holder.String(), x.Owner.String()}] = inCell(x)
		if x.Differs {
			differ++
		}
	}
	heads := []string{"holder \\ owner"}
	for _, owner := range m.Nodes {
		heads = append(heads, ">"+owner.Name)
	}
	t := newTable(heads...)
	for _, holder := range m.Nodes {
		row := []any{holder.Name}
		for _, owner := range m.Nodes {
			text, there := cells[pair{holder.Peer.String(), owner.Peer.String()}]
			row = append(row, pick(there, text, "-"))
		}
		t.add(row...)
	}
	if err := t.write(c.out); err != nil {
		return err
	}
	if differ > 0 {
		c.printf("%s where two words differ: the holder's ≠ the owner's", plural(differ, "holding"))
	}
	c.printf("as signed and published to your node, as of %s", when(m.AsOf))
	return nil
}

// inCell is a cell of the matrix.
func inCell(x api.MatrixCell) string {
	switch {
	case x.Differs:
		return fmt.Sprintf("%v ≠ %v", x.Held.Bytes, x.Counted.Bytes)
	case x.Held != nil && x.Counted != nil:
		return x.Held.Bytes.String()
	case x.Held != nil:
		return fmt.Sprintf("%v ≠ ?", x.Held.Bytes)
	case x.Counted != nil:
		return fmt.Sprintf("? ≠ %v", x.Counted.Bytes)
	}
	return "-"
}

// writeMatrix prints a line for each cell; a word that is missing leaves its
// fields empty.
func writeMatrix(c *cli, m api.Matrix) error {
	names := make(map[string]string, len(m.Nodes))
	for _, x := range m.Nodes {
		names[x.Peer.String()] = x.Name
	}
	out := csv.NewWriter(c.out)
	_ = out.Write([]string{"holder", "holder_peer", "owner", "owner_peer", "held_bytes", "held_shares", "held_time", "counted_bytes", "counted_shares", "counted_time", "differs"})
	for _, x := range m.Cells {
		holder, owner := x.Holder.String(), x.Owner.String()
		line := append([]string{escape(names[holder]), holder, escape(names[owner]), owner}, fields(x.Held)...)
		_ = out.Write(append(append(line, fields(x.Counted)...), strconv.FormatBool(x.Differs)))
	}
	out.Flush()
	return out.Error()
}

func fields(w *api.MatrixWord) []string {
	if w == nil {
		return []string{"", "", ""}
	}
	return []string{strconv.FormatInt(int64(w.Bytes), 10), strconv.FormatInt(w.Shares, 10), strconv.FormatInt(w.Time, 10)}
}
