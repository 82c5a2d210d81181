//go:build unix

package testnet

import "syscall"

// Pause stops the process from running on, with SIGSTOP: its connections stay,
// and nothing answers on them. Resume lets it go on.
func (p *Process) Pause() error { return p.Signal(syscall.SIGSTOP) }

// Resume undoes Pause.
func (p *Process) Resume() error { return p.Signal(syscall.SIGCONT) }
