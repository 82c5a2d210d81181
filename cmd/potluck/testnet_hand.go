package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"potluck"
	"potluck/gateway/api"
	"potluck/gateway/web"
	"potluck/testnet"
	"potluck/testnet/sim"
)

// handDir is where a testnet is kept when nothing is said.
type handDir struct {
	Dir string `default:"~/.potluck-testnet" placeholder:"DIR" help:"The net's folder (${default})."`
}

// path is the folder, absolute.
func (h *handDir) path() (string, error) { return dataDir(h.Dir) }

// open gives the net that is in the folder.
func (h *handDir) open() (*testnet.Hand, error) {
	dir, err := h.path()
	if err != nil {
		return nil, err
	}
	hand, err := testnet.OpenHand(dir)
	if errors.Is(err, testnet.ErrNoHand) {
		err = &exitErr{exitNotFound, fmt.Errorf("%w; make one with \"potluck testnet up\", or name its folder with --dir", err)}
	}
	return hand, err
}

// mostNodes is how many nodes fit into one process, by what they take of memory
// and of open files.
const mostNodes = 1000

type testnetUpCmd struct {
	handDir
	Count      int     `short:"n" default:"5" placeholder:"COUNT" help:"How many nodes (${default})."`
	Topology   string  `enum:"complete,ring,watts-strogatz,erdos-renyi,barabasi-albert,caveman" default:"complete" placeholder:"KIND" help:"Who are friends: complete, ring, watts-strogatz, erdos-renyi, barabasi-albert or caveman (${default})."`
	Degree     int     `default:"4" placeholder:"COUNT" help:"Friends of a node, the mean; not of complete (${default})."`
	Rewire     float64 `default:"0.1" placeholder:"PART" help:"Of watts-strogatz: the chance that a friend is somebody far away (${default})."`
	Offer      size    `default:"1GiB" placeholder:"SIZE" help:"What each node offers (${default})."`
	Foreground bool    `help:"Keep the net in this process, until it is interrupted."`
}

// Help says more than one line.
func (t *testnetUpCmd) Help() string {
	return `Starts real nodes in one process on this machine, over loopback, makes them friends by real invites, and prints how to speak to each: by "potluck --data DIR/n1 VERB", and in the browser by "potluck --data DIR/n1 page". The net goes on in the background until "potluck testnet down". In a folder that has a net it starts that one again, with its friends, files and books. Their books aren't synced: this is a net to try things with, not one to keep files in.`
}

// Run starts a net.
func (t *testnetUpCmd) Run(ctx context.Context, c *cli) error {
	hand, err := t.hand()
	if err != nil {
		return err
	}
	if n := hand.Running(ctx); n > 0 {
		return usagef("%d of the %d nodes in %s run already; end them with \"potluck testnet down --dir %s\"", n, len(hand.Nodes), hand.Dir, hand.Dir)
	}
	if t.Foreground {
		return hand.Keep(ctx, web.Handler(), func() error { return c.showHand(ctx, hand) })
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the own program: %w", err)
	}
	if err := hand.Detach(ctx, program, "testnet", "up", "--foreground", "--dir", hand.Dir); err != nil {
		return err
	}
	return c.showHand(ctx, hand)
}

// hand is the net of the folder, or a new one.
func (t *testnetUpCmd) hand() (*testnet.Hand, error) {
	dir, err := t.path()
	if err != nil {
		return nil, err
	}
	hand, err := testnet.OpenHand(dir)
	if !errors.Is(err, testnet.ErrNoHand) {
		return hand, err
	}
	if t.Count < 1 || t.Count > mostNodes {
		return nil, usagef("%d nodes: want 1 to %d", t.Count, mostNodes)
	}
	if t.Degree < 1 || t.Rewire < 0 || t.Rewire > 1 {
		return nil, usagef("a degree of %d and a rewire of %v: want at least 1, and 0 to 1", t.Degree, t.Rewire)
	}
	shape := sim.Topology{Kind: t.Topology, Degree: t.Degree, Rewire: t.Rewire}
	if t.Topology == "ring" {
		shape.Kind, shape.Rewire = "watts-strogatz", 0
	}
	hand, err = testnet.MakeHand(dir, t.Count, shape, potluck.Size(t.Offer))
	if err != nil {
		return nil, &exitErr{exitUsage, err}
	}
	return hand, nil
}

type testnetDownCmd struct{ handDir }

// handDown is the JSON of "testnet down".
type handDown struct {
	Dir   string `json:"dir"`
	Ended int    `json:"ended"` // nodes that ran
}

// Run ends a net.
func (t *testnetDownCmd) Run(ctx context.Context, c *cli) error {
	hand, err := t.open()
	if err != nil {
		return err
	}
	ended, err := hand.Down(ctx)
	if err != nil || c.JSON {
		return c.emitUnless(err, handDown{hand.Dir, ended})
	}
	c.printf("ended %s; their files are in %s until you remove it", plural(ended, "node"), hand.Dir)
	return nil
}

type testnetLsCmd struct{ handDir }

// Run lists the nodes of a net.
func (t *testnetLsCmd) Run(ctx context.Context, c *cli) error {
	hand, err := t.open()
	if err != nil {
		return err
	}
	return c.showHand(ctx, hand)
}

// handRow is one node in the JSON of "testnet up" and "testnet ls".
type handRow struct {
	Name      string       `json:"name"`
	Data      string       `json:"data"` // for --data
	Running   bool         `json:"running"`
	Friends   int          `json:"friends"`
	Connected int          `json:"connected"`
	Holds     potluck.Size `json:"holds"` // for its friends
	Offered   potluck.Size `json:"offered"`
}

// showHand lists the nodes, and says how to speak to them.
func (c *cli) showHand(ctx context.Context, hand *testnet.Hand) error {
	rows := []handRow{}
	for _, n := range hand.Nodes {
		row, err := lookAt(ctx, n.Name, hand.Data(n))
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	if c.JSON {
		return c.emit(rows)
	}
	t := newTable("node", "running", ">friends", ">connected", ">holds", ">offers")
	for _, r := range rows {
		t.add(r.Name, pick(r.Running, "yes", "no"), r.Friends, r.Connected, r.Holds, r.Offered)
	}
	if err := t.write(c.out); err != nil {
		return err
	}
	c.printf("speak to a node:   potluck --data %s who", rows[0].Data)
	c.printf("in your browser:   potluck --data %s page", rows[0].Data)
	c.printf("end the net:       potluck testnet down --dir %s", hand.Dir)
	return nil
}

// lookAt asks one node.
func lookAt(ctx context.Context, name, data string) (handRow, error) {
	row := handRow{Name: name, Data: data}
	node, err := api.Dial(ctx, data)
	if errors.Is(err, api.ErrNotRunning) {
		return row, nil
	}
	if err != nil {
		return row, err
	}
	defer node.Close()
	s, err := node.Status(ctx)
	if err != nil {
		return row, err
	}
	friends, err := node.Friends(ctx)
	row.Running, row.Friends, row.Holds, row.Offered = true, len(friends), s.Held, s.Offered
	for _, f := range friends {
		if f.Connected {
			row.Connected++
		}
	}
	return row, err
}
