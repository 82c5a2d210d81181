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

type getCmd struct {
	capFlags
	Output string `short:"o" placeholder:"FILE" help:"Write to this file: whole or not at all. - is stdout, whatever the bytes are."`
	Offset size   `placeholder:"SIZE" help:"First byte to read (0)."`
	Length *size  `placeholder:"SIZE" help:"Bytes to read (to the end)."`
}

// Help says more than one line.
func (g *getCmd) Help() string {
	return `Without -o the bytes go to stdout; bytes that aren't text are not written to a terminal. What is written is verified, but only the exit code 0 says that it is all of the file.

With --json the report goes to stdout when -o names a file, else to stderr.`
}

// Run gets one file or range.
func (g *getCmd) Run(ctx context.Context, c *cli) error {
	if g.Length != nil && *g.Length == 0 {
		return usagef("--length is 0; leave it out to read to the end")
	}
	text, err := g.read(c)
	if err != nil {
		return err
	}
	toFile := g.Output != "" && g.Output != "-"
	req := api.GetRequest{Cap: text, Offset: potluck.Size(g.Offset)}
	if g.Length != nil {
		req.Length = potluck.Size(*g.Length)
	}
	if toFile {
		if req.Path, err = outputPath(g.Output); err != nil {
			return err
		}
	}
	content := g.content(c)
	if !toFile {
		beside := *c
		beside.out, c = c.err, &beside
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	m := c.meter()
	r, err := node.Get(ctx, req, content, m.show)
	m.end()
	if errors.Is(err, errBinary) {
		return errBinary
	}
	if err != nil && ctx.Err() != nil {
		return errors.New(pick(toFile, "interrupted: "+g.Output+" was not written", "interrupted: what was written is not all of the file"))
	}
	if err != nil || c.JSON {
		return c.emitUnless(err, resultLine[files.GetResult]{r})
	}
	c.remarkGet(r)
	return nil
}

// content is where bytes go that aren't written by the node.
func (g *getCmd) content(c *cli) io.Writer {
	if c.outTerminal && g.Output != "-" {
		return &textOnly{w: c.out}
	}
	return c.out
}

// outputPath makes a path absolute, and refuses a folder.
func outputPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("path of %q: %w", path, err)
	}
	if st, err := os.Stat(abs); err == nil && st.IsDir() {
		return "", usagef("%s is a folder; name a file with -o", path)
	}
	if _, err := os.Stat(filepath.Dir(abs)); errors.Is(err, os.ErrNotExist) {
		return "", &exitErr{exitNotFound, fmt.Errorf("there is no folder %s; make it, or name another with -o", filepath.Dir(abs))}
	} else if err != nil {
		return "", fmt.Errorf("look at the folder: %w", err)
	}
	return abs, nil
}

// remarkGet tells people where a file came from.
func (c *cli) remarkGet(r files.GetResult) {
	c.remark("%v from %s in %.1f s (%s)", r.Size, plural(len(r.Hosts), "friend"), r.Seconds, rate(r.Size, r.Seconds))
	for _, b := range r.Blamed {
		c.remark("warning: %s answered wrongly for share %v: %s; the bytes came from others", b.Name, b.Share, b.Reason)
	}
}
