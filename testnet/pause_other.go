//go:build !unix

package testnet

import "errors"

// Pause isn't possible here.
func (p *Process) Pause() error { return errors.ErrUnsupported }

// Resume does nothing here: nothing can be paused.
func (p *Process) Resume() error { return nil }
