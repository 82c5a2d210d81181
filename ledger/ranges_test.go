package ledger

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"potluck"
)

// modelItems lists what counts between self and a peer, as the model has it.
func (m *model) items(sd side) (items []Item) {
	if sd.role == roleHost {
		for id, s := range m.shares {
			if l, mine := s.leases[sd.peer]; mine && !l.pending && s.state == ShareStable {
				items = append(items, Item{id, layout, s.charge, s.root, digest(9)})
			}
		}
	} else {
		for k, p := range m.placed {
			if k.host == sd.peer && p.State == PlacedStable {
				items = append(items, p.item())
			}
		}
	}
	slices.SortFunc(items, func(a, b Item) int { return a.Share.Compare(b.Share) })
	return items
}

func drawEnd(t *rapid.T, what string) potluck.ShareID {
	switch rapid.IntRange(0, 3).Draw(t, what) {
	case 0:
		return potluck.ShareID{}
	case 1:
		return rangeStart(int(drawID(t).Index[0]) + rapid.IntRange(0, 1).Draw(t, "beside"))
	case 2:
		return rangeStart(rapid.IntRange(0, 255).Draw(t, "part"))
	}
	id := drawID(t)
	id.Number += potluck.ShareNumber(rapid.IntRange(0, 1).Draw(t, "behind"))
	return id
}

// Ranges compares sums and lists of random spans with the model's.
func (m *machine) Ranges(t *rapid.T) {
	p := drawPeer(t)
	host, owner, sd := self, p, side{roleHost, p}
	if rapid.Bool().Draw(t, "as owner") {
		host, owner, sd = p, self, side{roleOwner, p}
	}
	all := m.model.items(sd)
	var spans []Span
	var want []SpanSum
	for range rapid.IntRange(1, 4).Draw(t, "spans") {
		s := Span{From: drawEnd(t, "from"), To: drawEnd(t, "to")}
		var sum SpanSum
		var in []Item
		for _, it := range all {
			if it.Share.Compare(s.From) >= 0 && (s.To == (potluck.ShareID{}) || it.Share.Compare(s.To) < 0) {
				in = append(in, it)
				if err := sum.add(it.sum()); err != nil {
					t.Fatal(err)
				}
			}
		}
		spans, want = append(spans, s), append(want, sum)
		limit := rapid.IntRange(0, 3).Draw(t, "limit")
		got, more, err := m.book.RangeItems(m.t.Context(), host, owner, s, limit)
		cut := len(in)
		if limit > 0 {
			cut = min(cut, limit)
		}
		if err != nil || more != (cut < len(in)) || !slices.Equal(got, in[:cut]) {
			t.Fatalf("items %+v, %v, %v; the model has %+v", got, more, err, in)
		}
	}
	got, err := m.book.RangeSums(m.t.Context(), host, owner, spans)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("sums %+v, %v; the model has %+v", got, err, want)
	}
}

func TestSpanParts(t *testing.T) {
	at := func(b, more byte) (id potluck.ShareID) {
		id.Index[0], id.Index[5] = b, more
		return id
	}
	for _, tt := range []struct {
		s        Span
		from, to int
	}{
		{Span{}, 0, 256},
		{Span{From: at(0, 1)}, 1, 256},
		{Span{From: at(255, 0)}, 255, 256},
		{Span{From: at(255, 1)}, 256, 256},
		{Span{To: at(0, 1)}, 0, 0},
		{Span{From: at(3, 0), To: at(5, 0)}, 3, 5},
		{Span{From: at(3, 1), To: at(5, 1)}, 4, 5},
		{Span{From: at(3, 1), To: at(4, 0)}, 4, 4},
	} {
		if from, to := tt.s.parts(); from != tt.from || to != tt.to {
			t.Errorf("%+v has parts %d to %d, not %d to %d", tt.s, from, to, tt.from, tt.to)
		}
	}
}

// A sum is taken back by its negative, whatever the carry.
func TestSpanSumsTakenBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sum SpanSum
		var items []Item
		for n := range rapid.IntRange(0, 20).Draw(t, "items") {
			it := Item{Share: shareID(n, 0), Charge: potluck.Size(rapid.Int64Range(1, int64(potluck.MaxSize)/32).Draw(t, "charge")), Root: digest(n)}
			items = append(items, it)
			if err := sum.add(it.sum()); err != nil {
				t.Fatal(err)
			}
		}
		for _, it := range rapid.Permutation(items).Draw(t, "order") {
			if err := sum.add(it.sum().negative()); err != nil {
				t.Fatal(err)
			}
		}
		if sum != (SpanSum{}) {
			t.Fatalf("%+v is left", sum)
		}
	})
}

// Both sides of one holding have equal sums when their books agree, and differ in
// the span of what differs, and only there.
func TestTwoBooksHaveEqualSums(t *testing.T) {
	host, c := newBooks(t)
	owner, err := Open(t.Context(), Config{Self: alice, Dir: t.TempDir(), Clock: c.now, Log: config("", c).Log})
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	befriend(t, host, alice)
	befriend(t, owner, self)
	var ps []Placement
	for n := range 40 {
		hold(t, host, c, alice, shareID(n, 0), potluck.Size(100+n))
		ps = append(ps, Placement{Share: shareID(n, 0), Host: self, Layout: layout, Charge: potluck.Size(100 + n), Root: digest(1), Manifest: digest(2), State: PlacedStable})
	}
	if err := owner.Place(t.Context(), ps); err != nil {
		t.Fatal(err)
	}
	sums := func(b *Book, spans ...Span) []SpanSum {
		got, err := b.RangeSums(t.Context(), self, alice, spans)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if a, b := sums(host, Span{}), sums(owner, Span{}); a[0] != b[0] || a[0].Shares != 40 {
		t.Error(a, b)
	}
	said, err := host.Summary(t.Context(), self, alice)
	if s := sums(host, Span{})[0]; err != nil || said.Bytes != s.Bytes || said.Shares != s.Shares {
		t.Error(said, s, err)
	}
	if err := owner.Mark(t.Context(), self, []potluck.ShareID{shareID(7, 0)}, PlacedLost, "test"); err != nil {
		t.Fatal(err)
	}
	var spans []Span
	for part := range ranges {
		spans = append(spans, Span{rangeStart(part), rangeStart(part + 1)})
	}
	a, b := sums(host, spans...), sums(owner, spans...)
	for part := range spans {
		if (a[part] != b[part]) != (part == int(shareID(7, 0).Index[0])) {
			t.Errorf("part %02x: %+v and %+v", part, a[part], b[part])
		}
	}
	if _, err := host.RangeSums(t.Context(), alice, bob, nil); kindOf(err) == nil {
		t.Error("sums between two others")
	}
}

// Books without the rows get them when they are opened, and a build that was cut
// off is done again.
func TestRangesBuiltAtOpen(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	hold(t, b, c, alice, shareID(1, 0), 10)
	hold(t, b, c, bob, shareID(1, 0), 10)
	hold(t, b, c, alice, shareID(2, 0), 20)
	if err := b.MarkShare(t.Context(), shareID(2, 0), ShareLost, "test"); err != nil {
		t.Fatal(err)
	}
	p := Placement{Share: shareID(3, 0), Host: bob, Layout: layout, Charge: 30, Root: digest(3), State: PlacedStable}
	if err := b.Place(t.Context(), []Placement{p}); err != nil {
		t.Fatal(err)
	}
	spoil := func(f func(*tx)) {
		if err := b.do(t.Context(), "spoil", false, func(x *tx) error { f(x); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	spoil(func(x *tx) {
		x.del(builtKey(builtRanges))
		x.del(rangeKey(side{roleHost, alice}, shareID(1, 0).Index[0]))
		x.set(rangeKey(side{roleOwner, bob}, shareID(3, 0).Index[0]), encodeRange(SpanSum{Shares: 9, Bytes: 9}))
	})
	if r, err := b.Check(t.Context()); err != nil || len(r.Problems) != 1 {
		t.Errorf("%q, %v", r.Problems, err)
	}
	for range 2 {
		if err := b.build(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.recent = recent{}
		clean(t, b)
	}
	sums, err := b.RangeSums(t.Context(), self, peer.ID(alice), []Span{{}})
	if err != nil || sums[0].Shares != 1 || sums[0].Bytes != 10 {
		t.Error(sums, err)
	}
}
