package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"potluck"
	"potluck/files"
	"potluck/gateway/api"
)

type putCmd struct {
	File    string       `arg:"" help:"The file to put; - reads stdin."`
	K       int          `short:"k" name:"k" placeholder:"K" help:"Shares needed to have the file back (chosen from your friends)."`
	N       int          `short:"n" name:"n" placeholder:"N" help:"Shares made (chosen from your friends)."`
	Happy   int          `placeholder:"H" help:"Friends that must hold a share before the put is done (chosen)."`
	Preset  files.Preset `enum:",light,safe,paranoid" default:"" placeholder:"PRESET" help:"How many friends may be lost: light, safe or paranoid (safe)."`
	Random  bool         `help:"A random key: the same file put twice is stored twice."`
	Forget  bool         `help:"Don't keep the cap in your node: only who has what is printed can read the file."`
	Host    []string     `placeholder:"PEER" help:"Only this friend; may be repeated."`
	Explain bool         `help:"Say of each host why it got shares or none, on stderr."`
	Name    string       `placeholder:"NAME" help:"Name for your own list of files (the file's)."`
}

// Help says more than one line.
func (p *putCmd) Help() string {
	return `The cap alone goes to stdout. It is the key to the file: who has it can read the file, and without it nobody can, you neither. Keep it.

    potluck put holiday.tar > holiday.cap
    potluck get --cap-file holiday.cap -o holiday.tar

A put that was interrupted is repeated with the same command: only what is missing is sent.`
}

// Run puts one file.
func (p *putCmd) Run(ctx context.Context, c *cli) error {
	req := api.PutRequest{Name: p.Name, K: p.K, N: p.N, Happy: p.Happy, Preset: p.Preset, Random: p.Random, Forget: p.Forget, Hosts: p.Host, Explain: p.Explain}
	body, err := p.source(c, &req)
	if err != nil {
		return err
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	m := c.meter()
	r, err := node.Put(ctx, req, body, m.show)
	m.end()
	if err != nil && ctx.Err() != nil {
		return errors.New(p.interrupted())
	}
	if err != nil || c.JSON {
		return c.emitUnless(err, resultLine[files.PutResult]{r})
	}
	if _, err := fmt.Fprintln(c.out, r.Cap); err != nil {
		return fmt.Errorf("print the cap: %w", err)
	}
	c.remarkPut(r)
	if r.Forgot {
		c.remark("your node had the cap from an earlier put, and has forgotten it")
	}
	if p.Explain {
		return choices(r.Explain).write(c.err)
	}
	return nil
}

// choices tells of each host why it got shares of a file, or none.
func choices(all []files.HostChoice) *table {
	t := newTable("host", "household", ">free before", ">shares", "why")
	for _, h := range all {
		free := "unknown"
		if h.Free >= 0 {
			free = h.Free.String()
		}
		t.add(h.Name, pick(h.Household == "", "-", h.Household), free, h.Shares, h.Why)
	}
	return t
}

func (p *putCmd) interrupted() string {
	if p.File == "-" || p.Random {
		return "interrupted: nothing was put; friends free what they had reserved"
	}
	return "interrupted: nothing was put yet; run the same command again, and only what is missing is sent"
}

// source makes the request name the file, or gives stdin as its body.
func (p *putCmd) source(c *cli, req *api.PutRequest) (io.Reader, error) {
	if p.File == "-" {
		if c.inTerminal {
			c.remark("reading from the terminal; end with Ctrl-D")
		}
		return c.in, nil
	}
	path, err := filepath.Abs(p.File)
	if err != nil {
		return nil, fmt.Errorf("path of %q: %w", p.File, err)
	}
	st, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &exitErr{exitNotFound, fmt.Errorf("there is no file %s", path)}
	} else if err != nil {
		return nil, fmt.Errorf("look at the file: %w", err)
	}
	if !st.Mode().IsRegular() {
		return nil, usagef("%s is not a regular file; pipe it to \"potluck put -\", or pack a folder first", p.File)
	}
	req.Path = path
	return nil, nil
}

// remarkPut tells people where a file went.
func (c *cli) remarkPut(r files.PutResult) {
	if len(r.Placed) == 0 {
		c.remark("%v, in the cap itself: no friend holds anything of it", r.Size)
		return
	}
	c.remark("%v as %d-of-%d at %s: %v sent, %s there already, in %.1f s (%s)", r.Size, r.Layout.K, r.Layout.N,
		plural(r.Happy, "friend"), r.Sent, plural(r.Reused, "share"), r.Seconds, rate(r.Size, r.Seconds))
	if r.Behind > 0 {
		c.remark("%s still spread in the background; \"potluck where\" shows them", plural(r.Behind, "share"))
	}
}

// rate gives bytes a second for people.
func rate(n potluck.Size, seconds float64) string {
	if seconds <= 0 {
		return "-"
	}
	return fmt.Sprintf("%v/s", potluck.Size(float64(n)/seconds))
}
