package main

import (
	"context"
	"fmt"
	"time"

	"potluck/gateway/api"
)

// versions prints what names meant.
func (f *filesCmd) versions(ctx context.Context, c *cli, node *api.Client) error {
	q := api.VersionsQuery{Name: f.Versions}
	if f.AsOf != "" {
		at, err := moment(f.AsOf)
		if err != nil {
			return err
		}
		q.AsOf = at.Unix()
	}
	rows, err := node.Versions(ctx, q)
	if err != nil || c.JSON {
		return c.emitUnless(err, list(rows))
	}
	heads := []string{"name", ">size", "put", "until", ">placed", "content"}
	if f.Caps {
		heads = append(heads, "cap")
	}
	t := newTable(heads...)
	for _, v := range rows {
		cells := []any{v.Name, v.Size, when(v.Put), lastly(v), places(v), content(v)}
		if f.Caps {
			cells = append(cells, v.Cap)
		}
		t.add(cells...)
	}
	return t.write(c.out)
}

// moment reads a time, or a day, which means its end.
func moment(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, usagef("%q is no day like 2026-01-31, and no time like 2026-01-31T12:00:00Z", text)
	}
	return t.AddDate(0, 0, 1).Add(-time.Second), nil
}

func lastly(v api.FileVersion) string {
	if v.Until == 0 {
		return "now"
	}
	return when(v.Until)
}

func places(v api.FileVersion) string {
	if v.Index == nil {
		return "in its cap"
	}
	return fmt.Sprintf("%d/%d", v.Placed, v.Wanted)
}

// content tells whether the bytes of a version can be asked for.
func content(v api.FileVersion) string {
	switch {
	case v.Removed:
		return "removed"
	case v.Cap == "":
		return "its cap isn't here"
	}
	return "kept"
}
