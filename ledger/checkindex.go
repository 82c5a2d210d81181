package ledger

import (
	"fmt"
	"hash/maphash"

	"potluck"
)

// An index and the rows that it is of are in different orders, and a look-up for
// each row would take most of the time of a check. So the keys that the index
// should have are summed while the rows are read, and compared with the sum of
// those that it has. Only an index that differs is looked through entry by entry.

// keySum is a number of keys and the sum of their hashes.
type keySum struct {
	keys int64
	sum  uint64
}

func (s keySum) plus(seed maphash.Seed, key []byte) keySum {
	return keySum{s.keys + 1, s.sum + maphash.Bytes(seed, key)}
}

// expect notes an entry that an index should have.
func (c *checker) expect(key []byte) { c.expected[key[0]] = c.expected[key[0]].plus(c.seed, key) }

// indexes compares every index with its rows.
func (c *checker) indexes() error {
	for _, x := range []struct {
		prefix byte
		name   func() error
	}{
		{keyLeaseByOwner, c.leasesByOwner}, {keyLeaseByEnd, c.leasesByEnd},
		{keyGoing, c.deadlines}, {keyPlacementByHost, c.placementsByHost},
	} {
		var has keySum
		err := c.v.scan(c.ctx, span{prefix: []byte{x.prefix}}, func(key, row []byte) error {
			has = has.plus(c.seed, key)
			if len(row) != 0 {
				has.sum++ // no entry is like that
			}
			return nil
		})
		if err == nil && has != c.expected[x.prefix] {
			err = x.name()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// marked holds an index entry that a row must have against the index.
func (c *checker) marked(what string, key []byte) error {
	row, found, err := c.v.get(key)
	if err != nil {
		return err
	}
	if !found || len(row) != 0 {
		return fmt.Errorf("%s has no entry %x in its index", what, key)
	}
	return nil
}

// indexed tells of an index entry without its row.
func indexed(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("entry of the index has no such row: "+format, args...)
}

// readable visits the rows of one kind that can be read; the others are named
// where they are counted.
func readable[T any](c *checker, prefix byte, read func(key, row []byte) (T, error), visit func(T) error) error {
	return c.each(prefix, func(key, row []byte) error {
		v, err := read(key, row)
		if err != nil {
			return nil
		}
		return visit(v)
	})
}

// leaseOn is a lease and its share's ID.
type leaseOn struct {
	id potluck.ShareID
	Lease
}

func readLeaseOn(key, row []byte) (leaseOn, error) {
	id, l, err := readLease(key, row)
	return leaseOn{id, l}, err
}

func (c *checker) leasesByOwner() error {
	err := readable(c, keyLease, readLeaseOn, func(l leaseOn) error {
		return c.marked("lease", peerShareKey(keyLeaseByOwner, l.Owner, l.id))
	})
	if err != nil {
		return err
	}
	return c.each(keyLeaseByOwner, func(key, row []byte) error {
		k := parts(key)
		owner, id := k.peer(), k.share()
		if err := k.end(key); err != nil {
			return err
		}
		_, there, err := getLease(c.v, id, owner)
		return first(err, indexed(there && len(row) == 0, "lease of %v on %v", owner, id))
	})
}

func (c *checker) leasesByEnd() error {
	err := readable(c, keyLease, readLeaseOn, func(l leaseOn) error {
		if l.Until == 0 {
			return nil
		}
		return c.marked("lease", leaseEndKey(l.Until, l.id, l.Owner))
	})
	if err != nil {
		return err
	}
	return c.each(keyLeaseByEnd, func(key, row []byte) error {
		k := parts(key)
		until, id, owner := k.number(), k.share(), k.peer()
		if err := k.end(key); err != nil {
			return err
		}
		l, there, err := getLease(c.v, id, owner)
		return first(err, indexed(there && len(row) == 0 && uint64(l.Until) == until, "lease of %v on %v until %d", owner, id, until))
	})
}

func (c *checker) deadlines() error {
	err := readable(c, keyShare, readShare, func(s share) error {
		if s.State != ShareGoing {
			return nil
		}
		return c.marked("share", goingKey(s.Deadline, s.ID))
	})
	if err != nil {
		return err
	}
	return c.each(keyGoing, func(key, row []byte) error {
		k := parts(key)
		deadline, id := k.number(), k.share()
		if err := k.end(key); err != nil {
			return err
		}
		s, there, err := getShare(c.v, id)
		return first(err, indexed(there && len(row) == 0 && s.State == ShareGoing && uint64(s.Deadline) == deadline, "share %v GOING with deadline %d", id, deadline))
	})
}

func (c *checker) placementsByHost() error {
	err := readable(c, keyPlacement, readPlacement, func(p Placement) error {
		return c.marked("placement", peerShareKey(keyPlacementByHost, p.Host, p.Share))
	})
	if err != nil {
		return err
	}
	return c.each(keyPlacementByHost, func(key, row []byte) error {
		k := parts(key)
		host, id := k.peer(), k.share()
		if err := k.end(key); err != nil {
			return err
		}
		_, there, err := getPlacement(c.v, id, host)
		return first(err, indexed(there && len(row) == 0, "placement of %v at %v", id, host))
	})
}
