package files

import (
	"testing"

	"pgregory.net/rapid"

	"potluck"
	"potluck/shares"
)

// TestMorselsAreTheRange finds each byte of a small read where its stripe and block
// say, one by one.
func TestMorselsAreTheRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 5).Draw(t, "k")
		l := potluck.Layout{Suite: 1, K: uint8(k), N: uint8(k + 2), Block: 1 << rapid.IntRange(10, 18).Draw(t, "block"),
			Size: potluck.Size(rapid.IntRange(1, 3<<20).Draw(t, "size"))}
		from := potluck.Size(rapid.Int64Range(0, int64(l.Size)-1).Draw(t, "from"))
		to := from + potluck.Size(rapid.Int64Range(1, int64(min(l.Size-from, 80<<10))).Draw(t, "length"))
		g := &get{layout: l, from: from, to: to}
		list := g.morsels()
		if list == nil {
			return
		}
		at := from
		for _, m := range list {
			s := g.slice(m, holding{})
			if first, count, fine := s.units(); !fine || count > shares.MaxUnits || potluck.Size(first)*shares.Unit > m.from || s.Offset+s.Length < m.to {
				t.Fatalf("%+v is asked for as %+v", m, s)
			}
			if m.at != at || m.from >= m.to {
				t.Fatalf("%+v begins elsewhere than at %d", m, at)
			}
			for b := m.from; b < m.to; b++ {
				i := g.stripeAt(at)
				in, block := at-stripeStart(l, i), potluck.Size(shares.BlockLen(l, i))
				if potluck.ShareNumber(in/block) != m.number || potluck.Size(i)*potluck.Size(l.Block)+in%block != b {
					t.Fatalf("byte %d isn't byte %d of share %d", at, b, m.number)
				}
				at++
			}
		}
		if at != to || len(list) > maxMorsels {
			t.Fatalf("%d morsels end at %d of %d", len(list), at, to)
		}
		for i := g.stripeAt(from); i <= g.stripeAt(to-1); i++ {
			if from <= stripeStart(l, i) && to >= stripeStart(l, i)+stripeBytes(l, i) {
				t.Fatalf("stripe %d is read whole, and not checked", i)
			}
		}
	})
}
