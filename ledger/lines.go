package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Line is one account with what the books know of it: its rows, its credit, and
// how an ask for more would be answered.
type Line struct {
	Account
	Usage   Usage
	Proof   Proof
	Credit  CreditView       // of a peer that is nobody's: only a Distance of -1
	Free    potluck.Size     // what this node would take from it now
	Refusal *potluck.Refusal // of the ask; nil: it would be taken
}

// Lines gives a line for every account, in the order of their keys, and how it would
// be answered if it asked for so much (see Quote). It reads one moment of the rows,
// a few for each account however many shares there are. Errors: ErrInvalid.
func (b *Book) Lines(ctx context.Context, room Room, asked potluck.Size) (all []Line, err error) {
	err = b.lines(ctx, room, asked, func(v view, l lining) error {
		return v.scan(ctx, span{prefix: []byte{keyAccount}}, func(key, row []byte) error {
			k := parts(key)
			p := k.peer()
			if err := k.end(key); err != nil {
				return err
			}
			a, err := decodeAccount(p, row)
			if err != nil {
				return err
			}
			line, err := l.of(v, a)
			all = append(all, line)
			return err
		})
	})
	return all, err
}

// Line is Lines for one account. Errors: ErrNotFound too.
func (b *Book) Line(ctx context.Context, p peer.ID, room Room, asked potluck.Size) (line Line, err error) {
	err = b.lines(ctx, room, asked, func(v view, l lining) error {
		a, _, err := knownAccount(v, p)
		if err != nil {
			return err
		}
		line, err = l.of(v, a)
		return err
	})
	return line, err
}

// lining is what all lines of one answer have in common.
type lining struct {
	g     *graph
	free  potluck.Size // of the room
	asked potluck.Size
	now   int64
}

func (b *Book) lines(ctx context.Context, room Room, asked potluck.Size, read func(view, lining) error) error {
	err := first(checkSize("ask", asked), room.check())
	if err != nil {
		return fmt.Errorf("read accounts: %w: %w", err, ErrInvalid)
	}
	if err = b.current(ctx); err == nil {
		err = b.view(ctx, func(v view) error {
			totals, err := getTotals(v)
			if err != nil {
				return err
			}
			return read(v, lining{b.graph, room.free(totals), asked, b.clock().Unix()})
		})
	}
	if err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	return nil
}

func (l lining) of(v view, a Account) (line Line, err error) {
	line = Line{Account: a, Credit: CreditView{Distance: -1}}
	if _, line.Usage, err = knownAccount(v, a.Peer); err != nil {
		return line, err
	}
	if line.Proof, _, err = getProof(v, a.Peer); err != nil {
		return line, err
	}
	if c, found := l.g.view(a.Peer, l.now); found {
		line.Credit = c
	}
	line.Free, err = v.answer(l.g, a, l.free, l.asked, l.now)
	if err != nil && !errors.As(err, &line.Refusal) {
		return line, err
	}
	return line, nil
}
