package testnet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"potluck"
)

// Config says how the nodes of a net of processes are run.
type Config struct {
	Program string       // path of the potluck program
	Dir     string       // each node gets a folder in it, named after the node, and a log beside it
	Offer   potluck.Size // what each node offers; 0: 16 GiB
	File    string       // the text of every node's config.toml; empty: none is written
	Args    []string     // further arguments of every "up"
	Env     []string     // further environment of every node, "NAME=value"
	Keep    bool         // the processes outlive this one, unless Close is called
}

// Processes is a net of nodes, each a process of its own.
type Processes struct {
	c       Config
	starter *starter

	mu  sync.Mutex
	all []*Process
}

// NewProcesses makes an empty net. Close ends it.
func NewProcesses(c Config) (*Processes, error) {
	if c.Offer == 0 {
		c.Offer = 16 * potluck.GiB
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a net of processes: %w", err)
	}
	return &Processes{c: c, starter: newStarter()}, nil
}

// Add makes a node and starts it. args are further arguments of its "up".
func (n *Processes) Add(ctx context.Context, name string, args ...string) (*Process, error) {
	return n.AddAt(ctx, name, filepath.Join(n.c.Dir, name), args...)
}

// AddAt makes a node whose data directory is dir, and starts it. A port that
// somebody else takes between choosing and listening is chosen anew.
func (n *Processes) AddAt(ctx context.Context, name, dir string, args ...string) (*Process, error) {
	p, err := n.launch(ctx, name, dir, args...)
	if err == nil {
		n.register(p)
	}
	return p, err
}

func (n *Processes) launch(ctx context.Context, name, dir string, args ...string) (*Process, error) {
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		p := &Process{Name: name, Dir: dir, Port: port, net: n, args: args}
		err = p.Start(ctx)
		if err == nil {
			return p, nil
		}
		if p.Running() {
			err = errors.Join(err, p.Kill())
		}
		if try == 5 || !strings.Contains(err.Error(), "in use") {
			return nil, err
		}
	}
}

// AddAll makes and starts one node for each name, all at once. After an error
// those that were started are part of the net, so that Close ends them.
func (n *Processes) AddAll(ctx context.Context, names ...string) ([]*Process, error) {
	out := make([]*Process, len(names))
	err := each(len(names), func(i int) (err error) {
		out[i], err = n.launch(ctx, names[i], filepath.Join(n.c.Dir, names[i]))
		return err
	})
	for _, p := range out {
		if p != nil {
			n.register(p)
		}
	}
	return out, err
}

func (n *Processes) register(p *Process) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, p)
}

// All gives the nodes in the order in which they were added.
func (n *Processes) All() []*Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.all)
}

// Close stops every node that runs and waits for it.
func (n *Processes) Close() error {
	all := n.All()
	err := each(len(all), func(i int) error {
		if !all[i].Running() {
			return nil
		}
		// A paused process hears nothing until it may go on.
		return errors.Join(all[i].Resume(), all[i].Stop())
	})
	n.starter.close()
	return err
}

// each runs do for 0 to count-1 at once and joins the errors.
func each(count int, do func(i int) error) error {
	errs := make([]error, count)
	var wg sync.WaitGroup
	for i := range count {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// freePorts chooses so many ports that are free, no two of them the same.
func freePorts(count int) (ports []int, err error) {
	for len(ports) < count {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	return ports, nil
}

// freePort chooses a TCP port of 127.0.0.1 below those that systems give to
// outgoing connections, so that a node that was killed finds its port free.
func freePort() (int, error) {
	for range 100 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("testnet: no free port among a hundred between 20000 and 32000")
}
