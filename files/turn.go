package files

import (
	"context"

	"potluck"
)

// turn is the right to change where the shares of one file lie. A put has it
// until its last share is placed or given up, a removal until the hosts were
// told: two of them for one file would each count on what the other takes away.
type turn struct {
	index  potluck.StorageIndex
	behind chan struct{} // closed when what follows goes on in the background, and may be halted
	over   chan struct{} // closed when it is given back

	halt context.CancelCauseFunc // set before behind is closed
}

// turn waits for the turn of a file. What still spreads the file in the
// background is halted: the next put brings the rest itself.
func (c *Client) turn(ctx context.Context, index potluck.StorageIndex) (*turn, error) {
	for {
		mine, other := c.tryTurn(index)
		if mine != nil {
			return mine, nil
		}
		select {
		case <-other.behind:
			other.halt(errHalted)
		case <-other.over:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		select {
		case <-other.over:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// tryTurn takes the turn of a file, or says who has it.
func (c *Client) tryTurn(index potluck.StorageIndex) (mine, other *turn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.turns[index]; other != nil {
		return nil, other
	}
	mine = &turn{index: index, behind: make(chan struct{}), over: make(chan struct{})}
	c.turns[index] = mine
	return mine, nil
}

// goBehind says that what follows goes on in the background, until halt.
func (t *turn) goBehind(halt context.CancelCauseFunc) {
	t.halt = halt
	close(t.behind)
}

// giveBack ends a turn; nil is no turn.
func (c *Client) giveBack(t *turn) {
	if t == nil {
		return
	}
	c.mu.Lock()
	delete(c.turns, t.index)
	c.mu.Unlock()
	close(t.over)
}
