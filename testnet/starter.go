package testnet

import (
	"os/exec"
	"runtime"
)

// starter starts processes from one operating-system thread that lives as long
// as the net does. Where the system can tie a child's life to its parent's, it
// ties it to the thread that made it.
type starter struct {
	asks chan func()
}

// newStarter starts the thread. It ends with close.
func newStarter() *starter {
	s := &starter{asks: make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for ask := range s.asks {
			ask()
		}
	}()
	return s
}

func (s *starter) start(cmd *exec.Cmd) error {
	done := make(chan error)
	s.asks <- func() { done <- cmd.Start() }
	return <-done
}

func (s *starter) close() { close(s.asks) }
