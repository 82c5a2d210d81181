package main

import (
	"errors"
	"os"
	"strings"

	"potluck/caps/words"
	"potluck/node"
)

type wordsCmd struct {
	Yes   bool `help:"Print them even when no terminal reads them."`
	Check bool `help:"Read words from stdin, and say whether they are this node's."`
}

// Help says more than one line.
func (w *wordsCmd) Help() string {
	return `The 24 words are the node: write them on paper, and keep it where a fire at home doesn't reach. With them and the address of one friend "potluck recover" gives back the node, its friends, and its files. Whoever else has them can be the node too. The node needn't run.

    potluck words --check < what-i-typed-from-paper.txt`
}

// wordsNote stands under the words.
const wordsNote = "Write them on paper, in this order. Whoever has them can be this node; without them and without this disk it is gone."

// Run prints the words of the node in the data directory, or compares.
func (w *wordsCmd) Run(c *cli) error {
	list, err := node.Words(c.Data)
	if errors.Is(err, os.ErrNotExist) {
		return &exitErr{exitNotFound, err}
	}
	if err != nil {
		return booksErr(err)
	}
	if w.Check {
		return w.check(c, list)
	}
	if !w.Yes && !c.outTerminal {
		return &exitErr{exitNotAllowed, errors.New("the words are secret, and what reads them isn't a terminal; cure: add --yes if it is meant")}
	}
	if c.JSON {
		return c.emit(wordsReport{Words: list})
	}
	if !c.outTerminal {
		c.printf("%s", strings.Join(list, " "))
		return nil
	}
	for i := 0; i < len(list); i += 4 {
		c.printf("%2d %-10s%2d %-10s%2d %-10s%2d %s", i+1, list[i], i+2, list[i+1], i+3, list[i+2], i+4, list[i+3])
	}
	c.remark("%s", wordsNote)
	return nil
}

// wordsReport is the JSON of the verb.
type wordsReport struct {
	Words []string `json:"words,omitempty"`
	Same  *bool    `json:"same,omitempty"` // with --check
}

// check compares what people typed with the node's words.
func (w *wordsCmd) check(c *cli, list []string) error {
	given, err := c.readInput("-", words.MaxText, "words")
	if err != nil {
		return err
	}
	seed, err := words.Decode(string(given))
	if err != nil {
		return usagef("%w", err)
	}
	same := strings.Join(words.Encode(seed), " ") == strings.Join(list, " ")
	if c.JSON {
		if err := c.emit(wordsReport{Same: &same}); err != nil {
			return err
		}
	}
	if !same {
		return &exitErr{exitDamage, errors.New("these are the words of another node")}
	}
	if !c.JSON {
		c.printf("these are the words of this node")
	}
	return nil
}
