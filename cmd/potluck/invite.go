package main

import (
	"context"

	"potluck/gateway/api"
)

type inviteCmd struct {
	Name    string `arg:"" help:"What you will call the friend."`
	Expires span   `default:"7d" placeholder:"TIME" help:"How long the invite is good (${default})."`
	termsFlags
}

// Help says more than one line.
func (i *inviteCmd) Help() string {
	return "The link alone goes to stdout. It works once, and whoever has it can join: send it to your friend by a way that you trust."
}

// Run makes an invite and prints its link.
func (i *inviteCmd) Run(ctx context.Context, c *cli) error {
	if i.Name == "" {
		return usagef("the friend's name is empty; give one, like \"potluck invite bob\"")
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	invite, err := node.Invite(ctx, api.InviteRequest{Name: i.Name, ExpiresSeconds: int64(i.Expires), Terms: i.overDefaults()})
	if err != nil || c.JSON {
		return c.emitUnless(err, invite)
	}
	c.printf("%s", invite.Link)
	c.remark("one use, good until %s; %s may have here: %s", when(invite.Expires), invite.Name, showTerms(invite.Terms))
	c.remark("your friend runs: potluck join LINK")
	return nil
}

type invitesCmd struct {
	List   invitesListCmd   `cmd:"" default:"1" help:"List invites, newest first (default)."`
	Revoke invitesRevokeCmd `cmd:"" help:"End an invite that wasn't used."`
}

type invitesListCmd struct{}

// Run lists invites.
func (i *invitesListCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	invites, err := node.Invites(ctx)
	if err != nil || c.JSON {
		return c.emitUnless(err, list(invites))
	}
	t := newTable("id", "for", "state", "made", "good until", "used by")
	for _, v := range invites {
		t.add(v.ID, v.Name, v.State, when(v.Created), when(v.Expires), v.UsedBy)
	}
	return t.write(c.out)
}

// list makes an empty JSON list of nil.
func list[T any](of []T) []T {
	if of == nil {
		return []T{}
	}
	return of
}

type invitesRevokeCmd struct {
	ID string `arg:"" help:"The invite's id, from \"potluck invites\"."`
}

// revoked is the JSON of "invites revoke".
type revoked struct {
	Revoked string `json:"revoked"`
}

// Run ends an invite.
func (i *invitesRevokeCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	if err := node.Revoke(ctx, i.ID); err != nil || c.JSON {
		return c.emitUnless(err, revoked{i.ID})
	}
	c.printf("revoked %s", i.ID)
	return nil
}
