package shares

import (
	"testing"

	"pgregory.net/rapid"

	"potluck"
)

// genLayout draws layouts of all kinds, sizes mostly near edges.
func genLayout(most potluck.Size) *rapid.Generator[potluck.Layout] {
	return rapid.Custom(func(t *rapid.T) potluck.Layout {
		k := rapid.IntRange(1, potluck.MaxShares).Draw(t, "k")
		l := potluck.Layout{
			Suite: potluck.SuiteOne,
			K:     uint8(k),
			N:     uint8(rapid.IntRange(k, potluck.MaxShares).Draw(t, "n")),
			Block: 1 << rapid.IntRange(10, 18).Draw(t, "block"),
		}
		edge := potluck.Size(l.Block) * potluck.Size(rapid.SampledFrom([]int{1, k}).Draw(t, "edge"))
		size := edge*potluck.Size(rapid.Int64Range(0, max(1, int64(most/edge))).Draw(t, "edges")) +
			potluck.Size(rapid.Int64Range(-3, 3).Draw(t, "beside"))
		if rapid.Bool().Draw(t, "any size") {
			size = potluck.Size(rapid.Int64Range(1, int64(most)).Draw(t, "size"))
		}
		l.Size = min(max(size, 1), most)
		return l
	})
}

// TestLayoutSums compares the closed forms with sums over the stripes.
func TestLayoutSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := genLayout(64*potluck.MiB).Draw(t, "layout")
		if err := l.Validate(); err != nil {
			t.Fatal(err)
		}
		var size, data potluck.Size
		stripes := int64(0)
		for ; size < l.Size; stripes++ {
			rest := min(l.Size-size, potluck.Size(l.K)*potluck.Size(l.Block))
			block := 0
			for block*int(l.K) < int(rest) { // the least block that holds it
				block += max(1, (int(rest)-block*int(l.K))/int(l.K))
			}
			if got := StripeLen(l, stripes); got != int(rest) {
				t.Fatalf("stripe %d has %d bytes, want %d", stripes, got, rest)
			}
			if got := BlockLen(l, stripes); got != block {
				t.Fatalf("block of stripe %d has %d bytes, want %d", stripes, got, block)
			}
			size += rest
			data += potluck.Size(block)
		}
		if Stripes(l) != stripes || DataLen(l) != data || CrosscheckLen(l) != potluck.Size(32*stripes) {
			t.Fatalf("%d stripes, %d bytes of data; want %d and %d", Stripes(l), DataLen(l), stripes, data)
		}
		parts := HeaderLen + data + potluck.Size(ManifestLen(l)) + CrosscheckLen(l) + TreeLen(l)
		if StoredLen(l) != parts || Charge(l) != max(parts, 4096) {
			t.Fatalf("stored %d, charge %d, want %d", StoredLen(l), Charge(l), parts)
		}
	})
}

// TestLayoutBounds takes every layout up to MaxSize: no length overflows or is
// out of its documented bounds.
func TestLayoutBounds(t *testing.T) {
	check := func(t interface{ Fatalf(string, ...any) }, l potluck.Layout) {
		last := Stripes(l) - 1
		whole := potluck.Size(l.K) * potluck.Size(l.Block)
		if last < 0 || potluck.Size(last)*whole >= l.Size || potluck.Size(last+1)*whole < l.Size {
			t.Fatalf("%+v: %d stripes", l, last+1)
		}
		if b := BlockLen(l, last); b < 1 || b > int(l.Block) || b*int(l.K) < StripeLen(l, last) {
			t.Fatalf("%+v: last block %d for %d bytes", l, b, StripeLen(l, last))
		}
		if d := DataLen(l); d*potluck.Size(l.K) < l.Size && d < 1<<54 || d < 1 || d > l.Size {
			t.Fatalf("%+v: data %d", l, d)
		}
		if c := Charge(l); c < MinCharge || c < DataLen(l) || c > potluck.MaxSize+potluck.MaxSize/16 {
			t.Fatalf("%+v: charge %d", l, c)
		}
	}
	for _, k := range []uint8{1, 2, 3, 254, 255} {
		for block := uint32(1 << 10); block <= potluck.MaxBlock; block *= 2 {
			for _, size := range []potluck.Size{1, 2, 1 << 32, potluck.MaxSize - 1, potluck.MaxSize} {
				check(t, potluck.Layout{Suite: 1, K: k, N: 255, Block: block, Size: size})
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(t, genLayout(potluck.MaxSize).Draw(t, "layout")) })
}

func TestNewLayout(t *testing.T) {
	for _, c := range []struct{ k, n, block int }{
		{1, 1, 256 << 10}, {3, 10, 256 << 10}, {1, 16, 256 << 10}, {1, 17, 128 << 10}, {25, 100, 32 << 10}, {1, 255, 16 << 10},
	} {
		l, err := NewLayout(c.k, c.n, 1)
		if err != nil || l.Block != uint32(c.block) {
			t.Errorf("%d-of-%d: block %d, %v; want %d", c.k, c.n, l.Block, err, c.block)
		}
	}
	for _, c := range []struct {
		k, n int
		size potluck.Size
	}{{0, 1, 1}, {2, 1, 1}, {1, 256, 1}, {256, 256, 1}, {257, 257, 1}, {-1, 3, 1}, {1, 1, 0}, {1, 1, -1}, {1, 1, potluck.MaxSize + 1}} {
		if l, err := NewLayout(c.k, c.n, c.size); err == nil {
			t.Errorf("%d-of-%d of %d bytes is %+v, want an error", c.k, c.n, c.size, l)
		}
	}
}
