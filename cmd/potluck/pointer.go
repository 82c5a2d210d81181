package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"potluck"
	"potluck/gateway/api"
)

type creditToCmd struct {
	Peer   string   `arg:"" help:"Who may use it: petname, peer ID, or the start of either."`
	Limit  *size    `placeholder:"SIZE" help:"At most so many bytes."`
	Share  *percent `placeholder:"PERCENT" help:"At most this part of what you have there: 40%, 12.5%."`
	At     string   `placeholder:"HOST" help:"Only at this host (at any)."`
	Loan   bool     `help:"A loan: the limit counts as used by the peer at your own node; needs --limit."`
	Until  *day     `placeholder:"DATE" help:"Until then (until it is revoked): 2026-12-31."`
	DryRun bool     `help:"Only tell what it would change."`
	Yes    bool     `short:"y" help:"Don't ask."`
}

// Help says more than one line.
func (t *creditToCmd) Help() string {
	return `Credit that you have at others because you hold data for them goes to the peer, as far as you don't use it yourself. Nothing is made by it: what the peer uses, you can't use. With neither --limit nor --share it may use all of it. A pointer to the same peer at the same host is replaced.

You see first what it changes. At a terminal you are then asked, unless you say --yes; without a terminal, and with --json, it is signed at once.

    potluck credit to carol --share 40%
    potluck credit to carol --limit 20GiB --at alice --until 2027-01-01`
}

// request checks what the flags say.
func (t *creditToCmd) request() (api.CreditToRequest, error) {
	r := api.CreditToRequest{To: t.Peer, Host: t.At, Limit: (*potluck.Size)(t.Limit), SharePPM: (*int64)(t.Share), Loan: t.Loan}
	switch {
	case t.Peer == "":
		return r, usagef("the peer's name is empty; name who may use the credit")
	case t.Limit != nil && *t.Limit == 0:
		return r, usagef("a limit of 0 bytes gives nothing; to end what was given, use \"potluck credit revoke\"")
	case t.Loan && t.Limit == nil:
		return r, usagef("a loan needs an amount: say --limit SIZE")
	case t.Until != nil && *t.Until <= 0:
		return r, usagef("--until is over: it lies before 1970")
	}
	if t.Until != nil {
		r.Until = int64(*t.Until)
	}
	return r, nil
}

// Run points credit to a peer: it shows what changes, asks, and signs.
func (t *creditToCmd) Run(ctx context.Context, c *cli) error {
	r, err := t.request()
	if err != nil {
		return err
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	r.DryRun = true
	plan, err := node.CreditTo(ctx, r)
	if err != nil {
		return err
	}
	ask := c.inTerminal && !t.Yes && !c.JSON
	switch {
	case t.DryRun:
		return c.showPreview(plan)
	case ask:
		fmt.Fprint(c.err, previewText(plan))
		if err := c.agree("Sign this?", "nothing was signed"); err != nil {
			return err
		}
	case !c.Quiet && !c.JSON:
		fmt.Fprint(c.err, previewText(plan))
	}
	r.DryRun = false
	done, err := node.CreditTo(ctx, r)
	if err != nil {
		return err
	}
	return c.showSigned(done)
}

// agree asks a person at the terminal, and fails unless the answer is yes.
func (c *cli) agree(question, otherwise string) error {
	fmt.Fprint(c.err, escape(question)+" [y/N] ")
	answer, err := bufio.NewReader(io.LimitReader(c.in, maxWord)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return &exitErr{exitError, fmt.Errorf("%s: the answer isn't yes", otherwise)}
}

// previewText tells what a document changes, escaped, a sentence a line. What
// stays the same isn't told, as long as something changes.
func previewText(p api.CreditPreview) string {
	var b strings.Builder
	for _, line := range p.Lines {
		if line.Before != line.After || !line.Known {
			b.WriteString(escape(line.Sentence) + "\n")
		}
	}
	if b.Len() == 0 {
		b.WriteString(escape(p.Sentence) + "\n")
	}
	return b.String()
}

// showPreview prints what a document would change.
func (c *cli) showPreview(p api.CreditPreview) error {
	if c.JSON {
		return c.emit(p)
	}
	_, err := io.WriteString(c.out, previewText(p))
	return err
}

// showDone prints what a document changed, which nobody has seen before.
func (c *cli) showDone(p api.CreditPreview) error {
	if err := c.showPreview(p); err != nil || c.JSON || !p.Signed {
		return err
	}
	return c.showSigned(p)
}

// showSigned prints that a document was signed, and who has it.
func (c *cli) showSigned(p api.CreditPreview) error {
	if c.JSON {
		return c.emit(p)
	}
	if p.Signed {
		c.printf("signed as number %d, good until %s; your node signs it anew each week", p.Number, when(p.Expires))
	}
	if len(p.Delivered) > 0 {
		c.printf("%s: %s", pick(len(p.Delivered) == 1, "has it already", "have it already"), names(p.Delivered))
	}
	if len(p.Waiting) > 0 {
		c.printf("gets it when reached: %s", names(p.Waiting))
	}
	return nil
}

type creditRevokeCmd struct {
	Peer   string `arg:"" help:"To whom the credit was pointed: petname, peer ID, or the start of either."`
	At     string `placeholder:"HOST" help:"Only the pointer at this host (all of them)."`
	DryRun bool   `help:"Only tell what it would change."`
}

// Help says more than one line.
func (r *creditRevokeCmd) Help() string {
	return "The peer can add nothing more by your credit. What it uses of it already stays charged to you until those bytes are gone or paid for otherwise."
}

// Run takes pointers back.
func (r *creditRevokeCmd) Run(ctx context.Context, c *cli) error {
	if r.Peer == "" {
		return usagef("the peer's name is empty; name to whom the credit was pointed")
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	done, err := node.CreditRevoke(ctx, api.CreditRevokeRequest{To: r.Peer, Host: r.At, DryRun: r.DryRun})
	if err != nil {
		return err
	}
	return c.showDone(done)
}

type creditDeclineCmd struct {
	Peer string `arg:"" help:"Who points credit to you: petname, peer ID, or the start of either."`
	Undo bool   `help:"Take it again."`
}

// Help says more than one line.
func (d *creditDeclineCmd) Help() string {
	return "Hosts no longer let you use what the peer points to you. What you use of it already stays charged to the peer until it is gone."
}

// Run declines a peer's pointers, or takes them again.
func (d *creditDeclineCmd) Run(ctx context.Context, c *cli) error {
	if d.Peer == "" {
		return usagef("the peer's name is empty; name who points credit to you")
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	done, err := node.CreditDecline(ctx, api.CreditDeclineRequest{Issuer: d.Peer, Undo: d.Undo})
	if err != nil {
		return err
	}
	if !c.JSON {
		c.printf("you take %s credit that %s points to you", pick(d.Undo, "again the", "no"), d.Peer)
	}
	return c.showSigned(done)
}
