package main

import (
	"context"
	"fmt"

	"potluck/files"
	"potluck/gateway/api"
)

type checkCmd struct {
	capFlags
	All    bool `help:"All files that this node put, in place of one."`
	Verify bool `help:"Read every share whole and compare it, rather than believe the friends."`
}

// Help says more than one line.
func (k *checkCmd) Help() string {
	return `Asks your friends which shares of a file they hold, and says how many of them may go, whichever they are, and how probable it is that the file can be read at a moment taken at random, from how often each friend was there. A verify cap is enough.

Exit code 8: shares are lost, or with --verify their bytes are wrong; 3: some friends can't be asked, and nothing else is wrong. "potluck repair" brings lost shares back.`
}

// Run checks one file or all.
func (k *checkCmd) Run(ctx context.Context, c *cli) error {
	text, err := k.oneOrAll(c, k.All)
	if err != nil {
		return err
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	m := c.meter()
	r, err := node.Health(ctx, api.HealthRequest{Cap: text, Verify: k.Verify}, m.show)
	m.end()
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		err = c.emit(r)
	case k.All:
		err = c.showHealths(r)
	default:
		for _, f := range r.Files {
			err = c.showHealth(f)
		}
	}
	switch {
	case err != nil:
		return err
	case r.Short > 0:
		return &exitErr{exitDamage, errReported}
	case r.Unknown > 0:
		return &exitErr{exitPartial, errReported}
	}
	return nil
}

// oneOrAll gives the text of the one cap, or none for all.
func (f capFlags) oneOrAll(c *cli, all bool) (string, error) {
	if !all {
		return f.read(c)
	}
	if f.Cap != "" || f.CapFile != "" {
		return "", usagef("there is a cap, and --all; give one of them")
	}
	return "", nil
}

// showHealth prints one file, share by share.
func (c *cli) showHealth(f files.CheckResult) error {
	t := newTable(">share", "state", "friend", "household", ">there", "why")
	for _, s := range f.Shares {
		there := "-"
		if s.Host != "" {
			there = fmt.Sprintf("%.1f %%", 100*s.Up)
		}
		t.add(s.Number, s.State, pick(s.Name == "", "-", s.Name), pick(s.Household == "", "-", s.Household), there, pick(s.Reason == "", "-", s.Reason))
	}
	if err := t.write(c.out); err != nil {
		return err
	}
	c.printf("%v as %d-of-%d, storage index %v: %s", f.Size, f.Layout.K, f.Layout.N, f.Index, counted(f))
	c.printf("%s; %s", surviving(f), chance(f.Chance))
	if f.Wider > 0 {
		c.printf("spread over %d friends and households; %d more could hold a share of their own: \"potluck repair\" moves them", f.Happy, f.Wider)
	}
	return nil
}

// showHealths prints one line a file.
func (c *cli) showHealths(r api.HealthReport) error {
	t := newTable("file", ">size", ">shares", "health", ">may go", ">readable")
	for _, f := range r.Files {
		places := "-"
		if f.Now.Survives >= 0 {
			places = fmt.Sprint(f.Now.Survives)
		}
		t.add(pick(f.Name == "", f.Index.String(), f.Name), f.Size, fmt.Sprintf("%d-of-%d", f.Layout.K, f.Layout.N), counted(f), places,
			percentage(f.Chance.Readable))
	}
	if err := t.write(c.out); err != nil {
		return err
	}
	c.printf("%s: %d whole, %d with shares at friends that can't be asked, %d with lost shares; %d can't be read now",
		plural(len(r.Files), "file"), r.Whole, r.Unknown, r.Short, r.Unreadable)
	return nil
}

// counted says of how many numbers what is known.
func counted(f files.CheckResult) string {
	text := ""
	for _, x := range []struct {
		n    int
		what string
	}{{f.Good, "good"}, {f.Claimed, "claimed"}, {f.Unknown, "unknown"}, {f.Lost, "lost"}, {f.Damaged, pick(f.Damaged == 1, "copy damaged", "copies damaged")}} {
		if x.n > 0 {
			text += fmt.Sprintf(", %d %s", x.n, x.what)
		}
	}
	return text[min(2, len(text)):]
}

// surviving says how many places may go.
func surviving(f files.CheckResult) string {
	bound := pick(f.Now.Exact, "", "at least ")
	switch n := f.Now.Survives; {
	case n < 0:
		return fmt.Sprintf("can't be read now: fewer than %d different shares are at friends that answered", f.Layout.K)
	case n == 0:
		return "would not survive the loss of any one friend or household of those that answered"
	default:
		return fmt.Sprintf("would survive the loss of %sany %d of the friends and households that answered", bound, n)
	}
}

func chance(x files.Chance) string {
	return fmt.Sprintf("readable with a probability of %s%s", pick(x.Exact, "", "at least "), percentage(x.Readable))
}

// percentage gives a probability with as many nines as it has.
func percentage(p float64) string {
	digits := 1
	for rest := 1 - p; rest > 0 && rest < 0.005 && digits < 9; rest *= 10 {
		digits++
	}
	return fmt.Sprintf("%.*f %%", digits, 100*p)
}
