package ledger

import (
	"fmt"
	"slices"

	"potluck/ledger/signed"
)

// documents verifies every document with all of its signatures, every proof, and
// that frozen pointers can carry what they carry.
func (c *checker) documents() error {
	readable := true
	err := c.each(keyDocument, func(key, row []byte) error {
		c.report.Documents++
		e, err := readEntry(key, row, nil)
		if err != nil {
			readable = false
			return err
		}
		if e.rival == nil {
			return nil
		}
		_, proved, err := c.v.get(docRowKey(keyProof, e.key))
		if err == nil && !proved {
			err = fmt.Errorf("conflict about %v %d of %v has no proof", e.key.kind, e.number(), e.key.issuer)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = c.each(keyProof, func(key, row []byte) error {
		c.report.Proofs++
		r := parts(key)
		k := r.document()
		if err := r.end(key); err != nil {
			return err
		}
		_, err := decodeProof(k, row)
		return err
	})
	if err != nil || !readable {
		return err
	}
	return c.frozen()
}

// frozen computes the flow from the rows and holds frozen pointers against it.
func (c *checker) frozen() error {
	g := newGraph(c.self, c.hops)
	if err := g.load(c.v, c.now); err != nil {
		c.problem("the credit network can't be built: %v", err)
		return nil
	}
	for k, e := range g.entries {
		if k.kind != signed.KindOrder || len(e.frozen) == 0 {
			continue
		}
		carried := g.thawed(k.issuer)
		for _, f := range e.frozen {
			if carried[f.To] > f.Limit {
				c.problem("frozen pointer from %v to %v carries %d, its row says %d", k.issuer, f.To, carried[f.To], f.Limit)
			}
		}
		for to := range carried {
			if !slices.ContainsFunc(e.frozen, func(f Frozen) bool { return f.To == to }) {
				c.problem("frozen pointer from %v to %v has no row", k.issuer, to)
			}
		}
	}
	return nil
}

// rates are of accounts that are, or were, slowed.
func (c *checker) rates() error {
	return c.each(keyRate, func(key, row []byte) error {
		k := parts(key)
		p := k.peer()
		if err := k.end(key); err != nil {
			return err
		}
		_, err := decodeRate(row)
		if _, known := c.stored[p]; err == nil && !known {
			err = fmt.Errorf("what %v added is counted, it has no account", p)
		}
		return err
	})
}
