package main

import (
	"context"
	"strings"

	"potluck/gateway/api"
)

type logCmd struct {
	Follow bool    `short:"f" help:"Go on with what happens, until interrupted."`
	After  *uint64 `placeholder:"SEQ" help:"Only events after this number (0)."`
	Limit  int     `placeholder:"COUNT" help:"Only the newest so many events; with --after the first so many after it (all)."`

	Evidence bool `help:"Also what each event was decided on: figures, answers, hashes of documents."`
}

// Run prints the events of the books, oldest first.
func (l *logCmd) Run(ctx context.Context, c *cli) error {
	if l.Limit < 0 {
		return usagef("--limit is %d; want 0 or more", l.Limit)
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	ask := api.LogRequest{Newest: l.Limit, Follow: l.Follow, Evidence: l.Evidence}
	if l.After != nil {
		ask.After, ask.Limit, ask.Newest = *l.After, l.Limit, 0
	}
	err = node.Log(ctx, ask, func(e api.Event) error {
		if c.JSON {
			return c.emit(e)
		}
		c.printf("%s", showEvent(e))
		if len(e.Evidence) > 0 {
			c.printf("    %s", e.Evidence)
		}
		return nil
	})
	if l.Follow && ctx.Err() != nil {
		return nil
	}
	return err
}

// showEvent gives an event in one line.
func showEvent(e api.Event) string {
	parts := []string{when(e.Time), e.Kind}
	switch {
	case e.Name != "":
		parts = append(parts, e.Name)
	case e.Peer != "":
		parts = append(parts, e.Peer.String())
	}
	if e.Share != nil {
		parts = append(parts, e.Share.String())
	}
	if e.Bytes != 0 {
		parts = append(parts, e.Bytes.String())
	}
	if e.Reason != "" {
		parts = append(parts, "("+e.Reason+")")
	}
	return strings.Join(parts, "  ")
}
