package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"potluck"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// readInput reads a file, or stdin when path is "-", of at most so many bytes.
func (c *cli) readInput(path string, most int64, what string) ([]byte, error) {
	r := c.in
	if path != "-" {
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, &exitErr{exitNotFound, fmt.Errorf("there is no file %s", path)}
		} else if err != nil {
			return nil, fmt.Errorf("open the %s: %w", what, err)
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case errors.Is(err, syscall.EISDIR):
		return nil, usagef("%s is a folder; name a file", path)
	case err != nil:
		return nil, fmt.Errorf("read the %s: %w", what, err)
	case int64(len(b)) > most:
		return nil, usagef("the input is longer than the %d bytes that are read of the %s", most, what)
	}
	return b, nil
}

type creditEvalCmd struct {
	File string `arg:"" help:"The case as JSON; - reads stdin."`
}

// Help says more than one line.
func (e *creditEvalCmd) Help() string {
	return `Decides with the same code as a node whether a host takes more bytes from a peer, given who holds what and who points credit to whom, and prints the decision as one JSON object. The form of the file is in docs/spec/credit-eval.md. Exit code 0 when the bytes are accepted, 6 when they are refused, 2 when the file isn't right; then the error names the field.

    {"host":"D","peers":[{"id":"P","friend":true,"earned":100}],"ask":{"peer":"P","bytes":30}}`
}

// decided is what a decision says. Its amounts are exact, and may be more than
// any size.
type decided struct {
	Accepted bool         `json:"accepted"`
	Code     potluck.Code `json:"code"`
	Free     json.Number  `json:"free"`
	Short    json.Number  `json:"short"`
	Funding  []struct {
		Via   []string    `json:"via"`
		Bytes json.Number `json:"bytes"`
	} `json:"funding"`
	Cures []struct {
		Kind  potluck.CureKind `json:"kind"`
		Bytes json.Number      `json:"bytes"`
	} `json:"cure"`
}

// Run decides a case.
func (e *creditEvalCmd) Run(c *cli) error {
	file, err := c.readInput(e.File, credit.MaxFile, "case")
	if err != nil {
		return err
	}
	answer, err := credit.Eval(file)
	if err != nil {
		return usagef("%s: %w", pick(e.File == "-", "stdin", e.File), err)
	}
	if err := c.emit(json.RawMessage(answer)); err != nil {
		return err
	}
	var d decided
	if err := json.Unmarshal(answer, &d); err != nil {
		return fmt.Errorf("read the own decision: %w", err)
	}
	if d.Accepted {
		return nil
	}
	c.remark("refused (%s): %s bytes free, %s short", d.Code, d.Free, d.Short)
	return &exitErr{exitRefused, errReported}
}

type creditVerifyCmd struct {
	File string `arg:"" help:"A file as \"potluck credit proof\" writes it; - reads stdin."`
}

// Help says more than one line.
func (v *creditVerifyCmd) Help() string {
	return "Says what the document is, who signed it, and whether it proves that a peer signed two different documents of one number. It trusts nobody: the keys are in the peers' names. Exit code 8 when a signature or the contents aren't what they should be, 2 when the file is no document at all."
}

// Run checks a document by itself.
func (v *creditVerifyCmd) Run(c *cli) error {
	b, err := c.readInput(v.File, signed.MaxFile, "document")
	if err != nil {
		return err
	}
	d, err := signed.ParseFile(b)
	if err != nil {
		return usagef("%w", err)
	}
	verdict, err := signed.Verify(d)
	if err != nil {
		return &exitErr{exitDamage, fmt.Errorf("the document doesn't hold: %w", err)}
	}
	if c.JSON {
		return c.emit(verdict)
	}
	c.printf("%s", verdict.Sentence)
	for _, p := range verdict.Signers {
		c.printf("signed by %v", p)
	}
	if verdict.Proof {
		c.printf("this is proof: nobody but that peer can have signed both")
	}
	return nil
}

type creditProofCmd struct {
	Peer   string `arg:"" help:"A peer: petname, peer ID, or the start of either."`
	Output string `short:"o" placeholder:"FILE" help:"Write it to a file (stdout)."`
}

// Help says more than one line.
func (p *creditProofCmd) Help() string {
	return "Whoever has the file can check it with \"potluck credit verify\", and needs to trust neither you nor the peer."
}

// Run prints the proof that a peer signed two documents of one number.
func (p *creditProofCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	file, err := node.Proof(ctx, p.Peer)
	if err != nil {
		return err
	}
	if p.Output == "" {
		return c.emit(file)
	}
	if err := os.WriteFile(p.Output, append(file, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the proof: %w", err)
	}
	if c.JSON {
		return c.emit(written{p.Output})
	}
	c.remark("the proof is in %s", p.Output)
	return nil
}

// written is the JSON of a verb that wrote a file in place of an answer.
type written struct {
	Written string `json:"written"`
}
