package node

import (
	"context"
	"encoding/binary"
	"errors"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/zeebo/blake3"
	"pgregory.net/rapid"

	"potluck"
	"potluck/p2p"
)

var testLayout = potluck.Layout{Suite: potluck.SuiteOne, K: 3, N: 200, Block: 64 << 10, Size: 1 << 20}

// shelved is a holding in memory, as the documents say it: sorted, with the sums
// of all shares before each.
type shelved struct {
	items  []p2p.Item
	before [][2]uint64 // high, low
	bytes  []potluck.Size
	sent   int // bytes of the messages that asked and answered, encoded

	lie func(items []p2p.Item, more bool) ([]p2p.Item, bool, error)
}

func shelve(items []p2p.Item) *shelved {
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b p2p.Item) int { return a.Share.Compare(b.Share) })
	s := &shelved{items: items, before: make([][2]uint64, 1, len(items)+1), bytes: make([]potluck.Size, 1, len(items)+1)}
	for i, x := range items {
		b := append(append(x.Share.Index[:], byte(x.Share.Number)), x.Root[:]...)
		hash := blake3.Sum256(binary.BigEndian.AppendUint64(b, uint64(x.Charge)))
		low, carry := bits.Add64(s.before[i][1], binary.BigEndian.Uint64(hash[8:]), 0)
		high, _ := bits.Add64(s.before[i][0], binary.BigEndian.Uint64(hash[:]), carry)
		s.before, s.bytes = append(s.before, [2]uint64{high, low}), append(s.bytes, s.bytes[i]+x.Charge)
	}
	return s
}

func (s *shelved) place(id potluck.ShareID) int {
	i, _ := slices.BinarySearchFunc(s.items, id, func(x p2p.Item, id potluck.ShareID) int { return x.Share.Compare(id) })
	return i
}

func (s *shelved) ends(span p2p.Span) (from, to int) {
	from, to = s.place(span.From), len(s.items)
	if span.To != (potluck.ShareID{}) {
		to = s.place(span.To)
	}
	return from, to
}

func (s *shelved) sums(_ context.Context, spans []p2p.Span) ([]p2p.SpanSum, error) {
	request := p2p.RangesRequest{Role: p2p.AsOwner, Spans: spans}
	if err := request.Validate(); err != nil {
		return nil, err
	}
	out := make([]p2p.SpanSum, len(spans))
	for i, span := range spans {
		from, to := s.ends(span)
		low, borrow := bits.Sub64(s.before[to][1], s.before[from][1], 0)
		high, _ := bits.Sub64(s.before[to][0], s.before[from][0], borrow)
		out[i].Shares, out[i].Bytes = int64(to-from), s.bytes[to]-s.bytes[from]
		binary.BigEndian.PutUint64(out[i].Sum[:], high)
		binary.BigEndian.PutUint64(out[i].Sum[8:], low)
	}
	s.sent += encodedLen(request) + encodedLen(p2p.RangesResponse{Sums: out})
	return out, nil
}

func (s *shelved) list(_ context.Context, span p2p.Span) ([]p2p.Item, bool, error) {
	request := p2p.ListRequest{Role: p2p.AsOwner, Span: span}
	if err := request.Validate(); err != nil {
		return nil, false, err
	}
	from, to := s.ends(span)
	end := min(to, from+p2p.MaxItems)
	items, more := slices.Clone(s.items[from:end]), end < to
	s.sent += encodedLen(request) + encodedLen(p2p.ListResponse{Items: items, More: more})
	if s.lie != nil {
		return s.lie(items, more)
	}
	return items, more, nil
}

// encodedLen is the length of a message as it crosses, with its frame and envelope.
func encodedLen(m any) int {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	b, err := mode.Marshal(m)
	if err != nil {
		panic(err)
	}
	return len(b) + 12
}

func someItem(r *rand.Rand, index potluck.StorageIndex) p2p.Item {
	x := p2p.Item{Share: potluck.ShareID{Index: index, Number: potluck.ShareNumber(r.IntN(200))}, Layout: testLayout, Charge: potluck.Size(4096 + r.IntN(4096))}
	binary.BigEndian.PutUint64(x.Root[:], r.Uint64())
	x.Manifest[0] = 1
	return x
}

func randomIndex(r *rand.Rand) (x potluck.StorageIndex) {
	binary.BigEndian.PutUint64(x[:], r.Uint64())
	binary.BigEndian.PutUint64(x[8:], r.Uint64())
	return x
}

// randomBooks gives so many different items, some of which share an index or the
// first bytes of it.
func randomBooks(r *rand.Rand, n int) []p2p.Item {
	seen := make(map[potluck.ShareID]bool)
	var items []p2p.Item
	index := randomIndex(r)
	for len(items) < n {
		switch r.IntN(4) {
		case 0: // the same set
		case 1: // close by
			index[15-r.IntN(16)] = byte(r.IntN(256))
		default:
			index = randomIndex(r)
		}
		if x := someItem(r, index); !seen[x.Share] {
			seen[x.Share] = true
			items = append(items, x)
		}
	}
	return items
}

// changed gives books with so many differences, and what they are by share.
func changed(r *rand.Rand, items []p2p.Item, n int) (other []p2p.Item, want map[potluck.ShareID]bool) {
	other, want = slices.Clone(items), make(map[potluck.ShareID]bool)
	for range n {
		switch i := r.IntN(max(len(other), 1)); {
		case len(other) == 0 || r.IntN(3) == 0:
			x := someItem(r, randomIndex(r))
			other, want[x.Share] = append(other, x), true
		case want[other[i].Share]: // changed already
		case r.IntN(2) == 0:
			want[other[i].Share] = true
			other[i].Root[31]++
		default:
			want[other[i].Share] = true
			other = slices.Delete(other, i, i+1)
		}
	}
	return other, want
}

// naive is the dumb model: both sides whole, share by share.
func naive(a, b []p2p.Item) map[potluck.ShareID]bool {
	here, differ := make(map[potluck.ShareID]p2p.Item), make(map[potluck.ShareID]bool)
	for _, x := range a {
		here[x.Share] = x
	}
	for _, y := range b {
		if x, ok := here[y.Share]; !ok || x != y {
			differ[y.Share] = true
		}
		delete(here, y.Share)
	}
	for id := range here {
		differ[id] = true
	}
	return differ
}

// TestCompareFindsWhatDiffers: random books against the dumb model; a comparison
// that is cut off goes on from where it ended.
func TestCompareFindsWhatDiffers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		mine := randomBooks(r, rapid.IntRange(0, 2000).Draw(t, "shares"))
		theirs, _ := changed(r, mine, rapid.IntRange(0, 40).Draw(t, "changes"))
		if rapid.IntRange(0, 9).Draw(t, "lost") == 0 {
			theirs = nil
		}
		a, b := shelve(mine), shelve(theirs)
		want, got := naive(mine, theirs), make(map[potluck.ShareID]bool)
		var from potluck.ShareID
		for {
			c, err := compare(context.Background(), a, b, from)
			if err != nil {
				t.Fatal(err)
			}
			if c.odd > 0 {
				t.Fatalf("%d odd spans between honest books", c.odd)
			}
			for _, d := range c.found {
				id := leastShare(d.mine, d.theirs)
				if got[id] || !want[id] {
					t.Fatalf("%v was found twice or doesn't differ", id)
				}
				got[id] = true
				if i := a.place(id); (d.mine != nil) != (i < len(a.items) && a.items[i].Share == id) {
					t.Fatalf("%v: mine is %v", id, d.mine)
				}
			}
			if c.next == (potluck.ShareID{}) {
				break
			}
			from = c.next
		}
		if len(got) != len(want) {
			t.Fatalf("%d differences were found of %d", len(got), len(want))
		}
	})
}

// TestCompareOfTheSameIsCheap: equal books cost one digest.
func TestCompareOfTheSameIsCheap(t *testing.T) {
	items := randomBooks(rand.New(rand.NewPCG(1, 1)), 5000)
	b := shelve(items)
	c, err := compare(t.Context(), shelve(items), b, potluck.ShareID{})
	if err != nil || len(c.found) > 0 || c.spans != 1 || b.sent > 128 {
		t.Fatalf("%d differences, %d digests, %d bytes, %v", len(c.found), c.spans, b.sent, err)
	}
}

// TestCompareMillion: books of a million shares that differ in ten cost less
// than 64 KiB of messages.
func TestCompareMillion(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	mine := make([]p2p.Item, 1_000_000)
	for i := range mine {
		mine[i] = someItem(r, randomIndex(r))
	}
	theirs, want := changed(r, mine, 10)
	a, b := shelve(mine), shelve(theirs)
	begun := time.Now()
	c, err := compare(t.Context(), a, b, potluck.ShareID{})
	t.Logf("%d bytes, %d digests, %d shares listed, %v in memory", b.sent, c.spans, c.items, time.Since(begun))
	if err != nil || len(c.found) != len(want) || len(want) != 10 || b.sent > 64<<10 {
		t.Fatalf("%d of %d differences in %d bytes, %v", len(c.found), len(want), b.sent, err)
	}
}

// TestCompareWithLiars: whatever the other side answers, it ends, within what is
// allowed; garbage is an error.
func TestCompareWithLiars(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	mine := shelve(randomBooks(r, 3000))
	for name, c := range map[string]struct {
		theirs holding
		fails  bool
	}{
		"every digest is another one":   {noise{r: r}, false},
		"shares without end":            {&endless{noise: noise{r: r}}, false},
		"more shares, and none":         {noise{r: r, list0: true}, true},
		"digests differ, lists don't":   {&echoing{mine}, false},
		"every second call breaks down": {&breaking{noise: noise{r: r}}, true},
	} {
		got, err := compare(t.Context(), mine, c.theirs, potluck.ShareID{})
		if (err != nil) != c.fails {
			t.Errorf("%s: %v", name, err)
		}
		if got.spans > compareSpans || got.items > compareItems+p2p.MaxItems || len(got.found) > compareFound {
			t.Errorf("%s: %d digests, %d shares, %d differences", name, got.spans, got.items, len(got.found))
		}
	}
}

// noise answers at random, in the form that p2p lets through.
type noise struct {
	r     *rand.Rand
	list0 bool
}

func (n noise) sums(_ context.Context, spans []p2p.Span) ([]p2p.SpanSum, error) {
	out := make([]p2p.SpanSum, len(spans))
	for i := range out {
		out[i] = p2p.SpanSum{Shares: 1 + n.r.Int64N(1<<40), Bytes: 1, Sum: [16]byte{byte(n.r.IntN(256))}}
	}
	return out, nil
}

func (n noise) list(_ context.Context, span p2p.Span) ([]p2p.Item, bool, error) {
	if n.list0 {
		return nil, true, nil
	}
	x := someItem(n.r, span.From.Index)
	if x.Share = span.From; x.Share.Number >= 200 {
		return nil, false, nil
	}
	return []p2p.Item{x}, false, nil
}

// endless has a share behind every share.
type endless struct{ noise }

func (e *endless) list(_ context.Context, span p2p.Span) ([]p2p.Item, bool, error) {
	items, at := make([]p2p.Item, 0, p2p.MaxItems), span.From
	for len(items) < p2p.MaxItems && span.Holds(at) {
		if x := someItem(e.r, at.Index); at.Number < 200 {
			x.Share = at
			items = append(items, x)
		}
		next, ok := following(at)
		if !ok {
			return items, false, nil
		}
		at = next
	}
	return items, span.Holds(at), nil
}

// echoing lists what the asker has, under other digests.
type echoing struct{ *shelved }

func (e *echoing) sums(ctx context.Context, spans []p2p.Span) ([]p2p.SpanSum, error) {
	out, err := e.shelved.sums(ctx, spans)
	for i := range out {
		if out[i].Shares > 0 {
			out[i].Sum[0]++
		}
	}
	return out, err
}

type breaking struct {
	noise
	calls int
}

func (f *breaking) sums(ctx context.Context, spans []p2p.Span) ([]p2p.SpanSum, error) {
	if f.calls++; f.calls%2 == 0 {
		return nil, errors.New("broken")
	}
	return f.noise.sums(ctx, spans)
}

// TestSplit: the parts cover the span without gap or overlap, and end where
// hexadecimal digits end.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		end := func(what string) potluck.ShareID {
			var b bound
			copy(b[:], rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x10, 0xff}), 0, len(b)).Draw(t, what))
			return b.share()
		}
		s := p2p.Span{From: end("from"), To: end("to")}
		if s.Validate() != nil {
			return
		}
		parts := split(s)
		low, high := boundOf(s.From), boundOf(s.To).plus(-1)
		if (len(parts) == 1) != (low == high) || len(parts) > 16 || parts[0].From != s.From || parts[len(parts)-1].To != s.To {
			t.Fatalf("%v became %v", s, parts)
		}
		for i, p := range parts {
			if p.Validate() != nil || i > 0 && parts[i-1].To != p.From {
				t.Fatalf("%v became %v", s, parts)
			}
		}
		if next, ok := following(s.From); ok && boundOf(next).plus(-1) != low {
			t.Fatalf("after %v comes %v", s.From, next)
		}
	})
}
