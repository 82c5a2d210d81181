package main

import (
	"context"

	"potluck/gateway/api"
)

type householdCmd struct {
	Show  householdShowCmd  `cmd:"" default:"1" help:"Show which nodes are of your household (default)."`
	Set   householdSetCmd   `cmd:"" help:"Name the nodes that are of your household."`
	Leave householdLeaveCmd `cmd:"" help:"Be of no household any more."`
}

// Help says more than one line.
func (h *householdCmd) Help() string {
	return "A person's nodes are one household when each names the others under the same label. They give each other without limit, gain no credit from each other, and a file's shares at them count as at one place."
}

type householdShowCmd struct{}

// Run shows this node's household.
func (h *householdShowCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	v, err := node.Household(ctx)
	return c.showHousehold(v, err)
}

type householdSetCmd struct {
	Label string   `arg:"" help:"The household's name, the same at each of its nodes."`
	Peers []string `arg:"" name:"peer" help:"The other nodes: petnames, peer IDs, or the start of either."`
}

// Run names the nodes of this node's household.
func (h *householdSetCmd) Run(ctx context.Context, c *cli) error {
	if h.Label == "" {
		return usagef("the household's name is empty; to be of none, use \"potluck household leave\"")
	}
	return c.setHousehold(ctx, api.HouseholdRequest{Label: h.Label, Members: h.Peers})
}

type householdLeaveCmd struct{}

// Run leaves the household.
func (h *householdLeaveCmd) Run(ctx context.Context, c *cli) error {
	return c.setHousehold(ctx, api.HouseholdRequest{Members: []string{}, Leave: true})
}

func (c *cli) setHousehold(ctx context.Context, r api.HouseholdRequest) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	v, err := node.SetHousehold(ctx, r)
	return c.showHousehold(v, err)
}

func (c *cli) showHousehold(v api.HouseholdView, err error) error {
	if err != nil || c.JSON {
		return c.emitUnless(err, v)
	}
	if v.Label == "" {
		c.printf("you are of no household")
	} else {
		c.printf("household %s, signed as number %d", v.Label, v.Number)
	}
	if len(v.Members) > 0 {
		t := newTable("member", "names you too")
		for _, m := range v.Members {
			t.add(m.Name, pick(m.Mutual, "yes", "not yet"))
		}
		if err := t.write(c.out); err != nil {
			return err
		}
	}
	for _, n := range v.Named {
		c.printf("%s names you as of household %s", n.Name, n.Label)
	}
	return nil
}
