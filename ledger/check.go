package ledger

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Check holds the books to every rule that they have: it decodes every row,
// computes every counter from the rows that it sums, compares every index with
// its rows both ways, every lease with its share, and the chain of events with
// their encodings; and it reads the database's files. It lists each violated rule and
// goes on. Its sight is one moment; writers don't wait. Memory grows with accounts, not with rows. An
// error means that the books couldn't be read through.
func (b *Book) Check(ctx context.Context) (Report, error) {
	b.mu.Lock()
	seen := b.seen
	b.mu.Unlock()
	c := &checker{self: b.self, hops: b.graph.hops, now: b.clock().Unix(), stored: make(map[peer.ID]Usage), summed: make(map[peer.ID]Usage), ranges: make(rangeSums),
		seed: maphash.MakeSeed(), expected: make(map[byte]keySum)}
	err := b.view(ctx, func(v view) error {
		c.ctx, c.v = ctx, v
		for _, pass := range []func() error{
			c.strangers, c.accounts, c.shares, c.placements, c.indexes, c.ranged, c.files, c.invites, c.events, c.counters, c.documents, c.rates, c.past, c.cursors, c.remembered, c.disputes, c.versions,
		} {
			if err := pass(); err != nil {
				return err
			}
		}
		if last := uint64(c.report.Events); last < seen {
			c.problem("events end at %d, %d were written", last, seen)
		}
		return nil
	})
	if err == nil {
		err = b.checkLive(ctx)
	}
	if errors.Is(err, ErrDamaged) {
		c.problem("%v", err)
	} else if err != nil {
		return Report{}, fmt.Errorf("check the books: %w", err)
	}
	if c.unnamed > 0 {
		c.report.Problems = append(c.report.Problems, fmt.Sprintf("and %d problems more", c.unnamed))
	}
	return c.report, nil
}

// checker goes through one view.
type checker struct {
	self    peer.ID
	hops    int
	now     int64
	ctx     context.Context
	v       view
	report  Report
	unnamed int64 // problems beyond MaxProblems
	stored  map[peer.ID]Usage
	summed  map[peer.ID]Usage
	total   Usage
	ranges  rangeSums

	seed     maphash.Seed
	expected map[byte]keySum // entries that indexes should have, by the first byte of their keys
}

func (c *checker) problem(format string, args ...any) {
	if len(c.report.Problems) >= MaxProblems {
		c.unnamed++
		return
	}
	c.report.Problems = append(c.report.Problems, fmt.Sprintf(format, args...))
}

// each visits all rows of one kind; what visit returns is a problem of that row.
func (c *checker) each(prefix byte, visit func(key, row []byte) error) error {
	return c.v.scan(c.ctx, span{prefix: []byte{prefix}}, func(key, row []byte) error {
		if err := visit(key, row); err != nil {
			c.problem("row %x: %v", key, err)
		}
		return nil
	})
}

// strangers finds rows of no known kind.
func (c *checker) strangers() error {
	for _, from := range [][]byte{nil, {keyLast + 1}} {
		err := c.v.scan(c.ctx, span{after: from, keysOnly: true}, func(key, _ []byte) error {
			if from == nil && key[0] >= keyAccount {
				return ErrStop
			}
			c.problem("row %x is of no known kind", key)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) accounts() error {
	err := c.each(keyUsage, func(key, row []byte) error {
		k := parts(key)
		p := k.peer()
		u, err := decodeUsage(row)
		if err = first(k.end(key), err); err != nil {
			return err
		}
		c.stored[p] = u
		_, known, err := getAccount(c.v, p)
		if err == nil && !known {
			err = fmt.Errorf("counters of %v have no account", p)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.each(keyAccount, func(key, row []byte) error {
		c.report.Accounts++
		k := parts(key)
		p := k.peer()
		_, err := decodeAccount(p, row)
		if err = first(k.end(key), err); err != nil {
			return err
		}
		if _, counted := c.stored[p]; !counted {
			return fmt.Errorf("account of %v has no counters", p)
		}
		return nil
	})
}

// sum adds to the counters that the rows make.
func (c *checker) sum(p peer.ID, u Usage) error {
	one, err := c.summed[p].plus(u)
	if err != nil {
		return err
	}
	c.summed[p] = one
	total, err := c.total.plus(u)
	if err == nil {
		c.total = total
		c.total.Newest = 0
	}
	return err
}

// counters compares what is stored with what was summed.
func (c *checker) counters() error {
	for p, stored := range c.stored {
		summed := c.summed[p]
		if stored.Newest < summed.Newest && stored.Newest != 0 { // rows of earlier programs don't name it
			c.problem("newest lease of %v is of %d, its row says %d", p, summed.Newest, stored.Newest)
		}
		if summed.Newest = stored.Newest; summed != stored {
			c.problem("counters of %v are %+v, its rows sum to %+v", p, stored, summed)
		}
	}
	for p := range c.summed {
		if _, stored := c.stored[p]; !stored {
			c.problem("rows name %v, which has no counters", p)
		}
	}
	totals, err := getTotals(c.v)
	if err != nil && !errors.Is(err, ErrDamaged) {
		return err
	}
	if err != nil {
		c.problem("%v", err)
	} else if totals != c.total {
		c.problem("totals are %+v, the rows sum to %+v", totals, c.total)
	}
	c.report.Held, c.report.Reserved, c.report.Earned = c.total.Held, c.total.Reserved, c.total.Earned
	return nil
}

func (c *checker) files() error {
	return c.each(keyFile, func(key, row []byte) error {
		c.report.Files++
		_, err := readFile(key, row)
		return err
	})
}

func (c *checker) invites() error {
	return c.each(keyInvite, func(key, row []byte) error {
		c.report.Invites++
		_, err := readInvite(key, row)
		return err
	})
}

// events follows the chain from the first event on.
func (c *checker) events() error {
	at := head{}
	return c.each(keyEvent, func(key, row []byte) error {
		c.report.Events++
		k := parts(key)
		seq := k.number()
		if err := k.end(key); err != nil {
			return err
		}
		before := at
		at.seq = seq
		e, encoded, err := decodeEvent(seq, row)
		if err != nil {
			return err
		}
		want := before.next(encoded)
		at.sum = e.Chain
		if seq != want.seq {
			return fmt.Errorf("event %d follows event %d", seq, before.seq)
		}
		if e.Chain != want.sum {
			return fmt.Errorf("event %d has chain value %v, its chain gives %v", seq, e.Chain, want.sum)
		}
		return nil
	})
}

func (c *checker) placements() error {
	return c.each(keyPlacement, func(key, row []byte) error {
		c.report.Placements++
		p, err := readPlacement(key, row)
		if err != nil {
			return err
		}
		if p.State == PlacedStable {
			err = c.ranges.add(side{roleOwner, p.Host}, p.item())
		}
		c.expect(peerShareKey(keyPlacementByHost, p.Host, p.Share))
		return first(err, c.sum(p.Host, p.usage()))
	})
}

// sameShare tells whether a lease agrees with its share.
func sameShare(s share, l Lease) error {
	if l.Charge != s.Charge {
		return fmt.Errorf("lease of %v on share %v charges %d, the share has %d", l.Owner, s.ID, l.Charge, s.Charge)
	}
	if s.State == ShareComing && (!l.Pending || l.Until != s.Deadline) {
		return fmt.Errorf("lease of %v on COMING share %v isn't the pending one of its deadline", l.Owner, s.ID)
	}
	return nil
}
