package main

import (
	"context"

	"potluck/gateway/api"
)

type friendsCmd struct {
	List   friendsListCmd   `cmd:"" default:"1" help:"List friends (default)."`
	Remove friendsRemoveCmd `cmd:"" help:"End a friendship; what each holds stays until it is evicted or runs out."`
}

type friendsListCmd struct{}

// Run lists friends.
func (f *friendsListCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	friends, err := node.Friends(ctx)
	if err != nil || c.JSON {
		return c.emitUnless(err, list(friends))
	}
	t := newTable("friend", "connected", "last seen", "standing", "peer")
	for _, f := range friends {
		t.add(f.Name, pick(f.Connected, "yes", "no"), when(f.LastSeen), standing(f), f.Peer)
	}
	return t.write(c.out)
}

// standing gives the relation in a word.
func standing(f api.Friend) string {
	word := "friend"
	switch {
	case f.Denied:
		word = "denied"
	case !f.Friend && f.Sponsored:
		word = "sponsored"
	case !f.Friend:
		return "no friend"
	}
	if f.Standing.Step == "" || f.Standing.Step == "good" {
		return word
	}
	return word + ", " + f.Standing.Step
}

type friendsRemoveCmd struct {
	Peer string `arg:"" help:"A friend: petname, peer ID, or the start of either."`
}

// removed is the JSON of "friends remove".
type removed struct {
	Removed string `json:"removed"`
}

// Run ends a friendship.
func (f *friendsRemoveCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	if err := node.Unfriend(ctx, f.Peer); err != nil || c.JSON {
		return c.emitUnless(err, removed{f.Peer})
	}
	c.printf("%s is no friend any more", f.Peer)
	return nil
}
