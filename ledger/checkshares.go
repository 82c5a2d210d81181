package ledger

import "fmt"

// shares walks shares and leases side by side and holds them against each other.
func (c *checker) shares() error {
	w := c.v.walk(span{prefix: []byte{keyLease}})
	defer w.close()
	more := w.next()
	err := c.each(keyShare, func(key, row []byte) error {
		c.report.Shares++
		s, err := readShare(key, row)
		if err != nil {
			c.problem("row %x: %v", key, err)
			s.Leases = -1 // only its ID is known, if that
		}
		k := parts(key)
		s.ID = k.share()
		leases := int64(0)
		for ; more; more = w.next() {
			id := parts(w.key).share()
			order := id.Compare(s.ID)
			if order > 0 {
				break
			}
			c.lease(w.key, w.row, s, order == 0)
			if order == 0 {
				leases++
			}
		}
		if s.Leases >= 0 && s.Leases != leases {
			return fmt.Errorf("share %v says %d leases, has %d", s.ID, s.Leases, leases)
		}
		if s.Leases >= 0 && s.State == ShareGoing {
			c.expect(goingKey(s.Deadline, s.ID))
		}
		return nil
	})
	for ; err == nil && more; more = w.next() {
		c.lease(w.key, w.row, share{}, false)
	}
	return first(err, w.err)
}

// lease checks one lease; s is its share when shared is set.
func (c *checker) lease(key, row []byte, s share, shared bool) {
	c.report.Leases++
	id, l, err := readLease(key, row)
	if err != nil {
		c.problem("row %x: %v", key, err)
		return
	}
	c.expect(peerShareKey(keyLeaseByOwner, l.Owner, id))
	problems := []error{c.sum(l.Owner, l.usage())}
	if !shared {
		problems = append(problems, fmt.Errorf("lease of %v on share %v, which isn't there", l.Owner, id))
	} else if s.Leases >= 0 {
		problems = append(problems, sameShare(s, l))
		if s.counts(l) {
			problems = append(problems, c.ranges.add(side{roleHost, l.Owner}, s.item()))
		}
	}
	if l.Until != 0 {
		c.expect(leaseEndKey(l.Until, id, l.Owner))
	}
	for _, p := range problems {
		if p != nil {
			c.problem("row %x: %v", key, p)
		}
	}
}
