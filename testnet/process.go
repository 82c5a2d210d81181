package testnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/gateway/api"
)

// startTimeout bounds how long a node may take until its API answers. Opening
// the books after a kill is part of it.
const startTimeout = 30 * time.Second

// stopTimeout bounds how long a node may take to end after SIGTERM.
const stopTimeout = 15 * time.Second

// Process is one node in a process of its own. Its methods must not be called
// by two goroutines at once, other than API, Usage and Pid.
type Process struct {
	// Immutable.
	Name string // the node's own name
	Dir  string // the node's data directory
	Port int    // its TCP port on 127.0.0.1, the same after every restart
	net  *Processes
	args []string // further arguments of "up"

	// Under mu.
	mu     sync.Mutex
	cmd    *exec.Cmd     // nil before the first start
	ended  chan struct{} // closed when cmd has been waited for
	state  error         // what waiting gave; valid after ended
	client *api.Client
	peer   peer.ID
}

// ErrNotRunning says that the process has ended, or was never started.
var ErrNotRunning = errors.New("testnet: process isn't running")

// Start starts the process and waits until its API answers. When it ends
// before that, the error holds the end of its log.
func (p *Process) Start(ctx context.Context) error {
	if p.Running() {
		return fmt.Errorf("start %s: it runs already as process %d", p.Name, p.Pid())
	}
	if err := p.configure(); err != nil {
		return err
	}
	log, err := os.OpenFile(p.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(p.net.c.Program, p.arguments()...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(environment(), p.net.c.Env...)
	cmd.SysProcAttr = attributes(p.net.c.Keep)
	if err := p.net.starter.start(cmd); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	ended := make(chan struct{})
	p.mu.Lock()
	p.cmd, p.ended = cmd, ended
	p.mu.Unlock()
	go func() { // ends with the process
		err := cmd.Wait()
		p.mu.Lock()
		p.state = err
		p.mu.Unlock()
		close(ended)
	}()
	return p.Wait(ctx)
}

// environment is this process's, without what would configure a node.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "POTLUCK_") })
}

// configure writes the node's config.toml, if the net has one.
func (p *Process) configure() error {
	if p.net.c.File == "" {
		return nil
	}
	err := os.MkdirAll(p.Dir, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(p.Dir, "config.toml"), []byte(p.net.c.File), 0o600)
	}
	if err != nil {
		return fmt.Errorf("configure %s: %w", p.Name, err)
	}
	return nil
}

func (p *Process) arguments() []string {
	listen := "/ip4/127.0.0.1/tcp/" + strconv.Itoa(p.Port)
	a := []string{"up", "--data", p.Dir, "--name", p.Name, "--listen", listen,
		"--offer", strconv.FormatInt(int64(p.net.c.Offer), 10)}
	return append(append(a, p.net.c.Args...), p.args...)
}

// Wait returns when the node's API answers, or with an error when the process
// ends, the context ends or 30 s have passed.
func (p *Process) Wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ended := p.endedChannel()
	return Poll(ctx, func() (bool, error) {
		select {
		case <-ended:
			return false, fmt.Errorf("%s ended before it answered (%v); its log ends with:\n%s", p.Name, p.exitState(), p.LogTail(2000))
		default:
		}
		return p.dial(ctx) == nil, nil
	})
}

// dial makes the client once the node answers.
func (p *Process) dial(ctx context.Context) error {
	c, err := api.Dial(ctx, p.Dir)
	if err != nil {
		return err
	}
	s, err := c.Status(ctx)
	if err != nil {
		c.Close()
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		p.client.Close()
	}
	p.client, p.peer = c, s.Peer
	return nil
}

// Kill ends the process as power loss would, with SIGKILL, and waits for its end.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.endedChannel()
	return nil
}

// Stop asks the process to end, with SIGTERM, and waits for it. A process that
// takes longer than 15 s is killed, and that is an error; so is an exit code
// other than 0.
func (p *Process) Stop() error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-p.endedChannel():
		if err := p.exitState(); err != nil {
			return fmt.Errorf("stop %s: %w; its log ends with:\n%s", p.Name, err, p.LogTail(2000))
		}
		return nil
	case <-late.C:
		err := p.Kill()
		return errors.Join(fmt.Errorf("stop %s: still running %v after SIGTERM", p.Name, stopTimeout), err)
	}
}

// Restart starts a process that has ended, or stops and starts one that runs.
func (p *Process) Restart(ctx context.Context) error {
	if p.Running() {
		if err := p.Stop(); err != nil {
			return err
		}
	}
	return p.Start(ctx)
}

// Signal sends a signal, or returns ErrNotRunning.
func (p *Process) Signal(s os.Signal) error {
	if !p.Running() {
		return fmt.Errorf("%s: %w", p.Name, ErrNotRunning)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Signal(s)
}

// Running tells whether the process was started and hasn't ended.
func (p *Process) Running() bool {
	ended := p.endedChannel()
	if ended == nil {
		return false
	}
	select {
	case <-ended:
		return false
	default:
		return true
	}
}

// Pid gives the process's number, or 0 before the first start.
func (p *Process) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// API gives a client of the node's local API: nil before the node answered for
// the first time.
func (p *Process) API() *api.Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.client
}

// Peer is the node's peer ID: empty before the node answered for the first time.
func (p *Process) Peer() peer.ID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peer
}

func (p *Process) endedChannel() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

func (p *Process) exitState() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}
