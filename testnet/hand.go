package testnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"potluck"
	"potluck/gateway/api"
	"potluck/internal/durable"
	"potluck/testnet/sim"
)

// Hand is a net that is kept by hand: all nodes in one process, over loopback,
// each with its own data directory, where the command line finds it.
type Hand struct {
	Dir      string       `json:"-"` // the net's folder
	Nodes    []HandNode   `json:"nodes"`
	Topology sim.Topology `json:"topology"`
	Offer    potluck.Size `json:"offer"` // of each
	Friends  bool         `json:"friends"`
}

// HandNode is one of its nodes.
type HandNode struct {
	Name string `json:"name"`
	Port int    `json:"port"` // TCP on 127.0.0.1, the same at every start
}

// Files in the net's folder.
const (
	handFile = "testnet.json"
	stopFile = "stop"    // asks the net to end
	upFile   = "running" // is there until it has ended
	handLog  = "testnet.log"
)

// maxHand is the most bytes of testnet.json.
const maxHand = 1 << 20

// ErrNoHand says that a folder has no net that is kept by hand.
var ErrNoHand = errors.New("no testnet was made in this folder")

// OpenHand reads what net a folder has. Errors: ErrNoHand.
func OpenHand(dir string) (*Hand, error) {
	path := filepath.Join(dir, handFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoHand)
	}
	if err != nil {
		return nil, err
	}
	h := &Hand{Dir: dir}
	if len(text) > maxHand {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, maxHand)
	}
	if err := json.Unmarshal(text, h); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

// MakeHand describes a new net of so many nodes, and notes it in its folder,
// which must be new or empty.
func MakeHand(dir string, nodes int, t sim.Topology, offer potluck.Size) (*Hand, error) {
	if found, err := os.ReadDir(dir); err == nil && len(found) > 0 {
		return nil, fmt.Errorf("%s isn't empty (%d files or folders are in it), and no testnet was made in it; name a new folder with --dir", dir, len(found))
	}
	h := &Hand{Dir: dir, Topology: t, Offer: offer}
	ports, err := freePorts(nodes)
	if err != nil {
		return nil, err
	}
	for i, port := range ports {
		h.Nodes = append(h.Nodes, HandNode{Name: fmt.Sprintf("n%d", i+1), Port: port})
	}
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return h, h.save()
}

func (h *Hand) save() error {
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(h.Dir, handFile), append(text, '\n'), 0o600)
}

// Data is the data directory of a node.
func (h *Hand) Data(n HandNode) string { return filepath.Join(h.Dir, n.Name) }

// Log is where a net that was detached says what went wrong.
func (h *Hand) Log() string { return filepath.Join(h.Dir, handLog) }

// Keep runs the net until ctx ends or Down is called; ready is called when all
// nodes answer and are friends. page answers the static part of every node's page.
func (h *Hand) Keep(ctx context.Context, page http.Handler, ready func() error) (err error) {
	if err := os.Remove(filepath.Join(h.Dir, stopFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	up := filepath.Join(h.Dir, upFile)
	if err := os.WriteFile(up, nil, 0o600); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(up)) }()
	c := Local{Dir: h.Dir, Offer: h.Offer, Topology: h.Topology, Alone: h.Friends, Small: true, Page: page, Ports: map[string]int{}}
	for _, n := range h.Nodes {
		c.Nodes = append(c.Nodes, n.Name)
		c.Ports[n.Name] = n.Port
	}
	return Run(ctx, c, func(ctx context.Context, n *Net) error {
		for _, m := range n.all {
			n.Unknown(m.name) // a person may do with them what no story may
		}
		h.Friends = true
		if err := errors.Join(h.save(), ready()); err != nil {
			return err
		}
		h.wait(ctx)
		return nil
	})
}

// lookEvery is how often a net looks whether it is to end.
const lookEvery = 200 * time.Millisecond

// wait returns when the net is to end.
func (h *Hand) wait(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if _, err := os.Stat(filepath.Join(h.Dir, stopFile)); err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Running counts the nodes that answer.
func (h *Hand) Running(ctx context.Context) (running int) {
	for _, n := range h.Nodes {
		if c, err := api.Dial(ctx, h.Data(n)); err == nil {
			c.Close()
			running++
		}
	}
	return running
}

// endTime bounds how long a net may take to end.
const endTime = time.Minute

// Down ends the net, and returns when it has ended. It tells how many nodes ran.
func (h *Hand) Down(ctx context.Context) (ended int, err error) {
	if ended = h.Running(ctx); ended == 0 {
		return 0, nil
	}
	if err := durable.WriteFile(filepath.Join(h.Dir, stopFile), nil, 0o600); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, endTime, fmt.Errorf("the net in %s didn't end within %v", h.Dir, endTime))
	defer cancel()
	return ended, Poll(ctx, func() (bool, error) {
		_, err := os.Stat(filepath.Join(h.Dir, upFile))
		return errors.Is(err, os.ErrNotExist), nil
	})
}

// Detach starts a program that keeps the net, and returns when all nodes are up
// and friends; the program outlives this one. args are its arguments.
func (h *Hand) Detach(ctx context.Context, program string, args ...string) error {
	log, err := os.OpenFile(h.Log(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr, cmd.SysProcAttr = log, attributes(true)
	cmd.Env = environment()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the testnet: %w", err)
	}
	up := make(chan bool, 1)
	go func() { // ends when the program says a word, or ends
		n, _ := out.Read(make([]byte, 1))
		up <- n > 0
	}()
	select {
	case ok := <-up:
		if ok {
			return nil
		}
		err = errors.Join(errors.New("the testnet ended before all nodes were up"), cmd.Wait())
	case <-ctx.Done():
		err = errors.Join(ctx.Err(), cmd.Process.Kill(), cmd.Wait())
	}
	return fmt.Errorf("%w; see %s", err, h.Log())
}
