package ledger

import "fmt"

// ranged compares the sums of ranges with the shares that were read.
func (c *checker) ranged() error {
	if _, built, err := c.v.get(builtKey(builtRanges)); err != nil || !built {
		c.problem("the sums of shares by range were never built")
		return err
	}
	err := c.each(keyRange, func(key, row []byte) error {
		k := parts(key)
		role := k.take(1)[0]
		k.peer()
		part := k.take(1)[0]
		s, err := decodeRange(row)
		if err = first(k.end(key), err); err != nil {
			return err
		}
		summed := c.ranges[string(key)]
		delete(c.ranges, string(key))
		switch {
		case role != roleHost && role != roleOwner:
			return fmt.Errorf("range %02x of role %d, which is none", part, role)
		case summed == nil:
			return fmt.Errorf("range %02x has %d shares, there are none", part, s.Shares)
		case *summed != s:
			return fmt.Errorf("range %02x has %d shares, %d bytes and sum %x, its rows have %d, %d and %x", part,
				s.Shares, s.Bytes, s.Sum, summed.Shares, summed.Bytes, summed.Sum)
		}
		return nil
	})
	for key, s := range c.ranges {
		c.problem("range %x has no row, its shares are %d", key, s.Shares)
	}
	return err
}

// remembered is the row of a head that these books don't have.
func (c *checker) remembered() error {
	return c.each(keyBehind, func(key, row []byte) error {
		_, err := decodeBehind(row)
		return first(parts(key).end(key), err)
	})
}

// cursors are the positions of loops.
func (c *checker) cursors() error {
	names := 0
	err := c.each(keyCursor, func(key, row []byte) error {
		names++
		if len(row) == 0 {
			return fmt.Errorf("cursor without a position")
		}
		return checkCursor(string(key[1:]), row)
	})
	if names > MaxCursors {
		c.problem("%d cursors, at most %d", names, MaxCursors)
	}
	return err
}
