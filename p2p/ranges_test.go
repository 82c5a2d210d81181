package p2p

import (
	"errors"
	"math"
	"slices"
	"testing"

	"potluck"

	"pgregory.net/rapid"
)

// share gives a share ID whose index begins with some bytes.
func share(number uint8, first ...byte) (id potluck.ShareID) {
	copy(id.Index[:], first)
	id.Number = potluck.ShareNumber(number)
	return id
}

// sampleSpans are spans with short and long ends; the last has none.
func sampleSpans() []Span {
	return []Span{{share(0), share(0, 0x80)}, {share(0, 0x80), potluck.ShareID{Index: index(0xee), Number: 3}}, {share(0, 0xff), share(0)}}
}

// manySpans gives so many of the largest spans, ascending.
func manySpans(n int) []Span {
	spans := make([]Span, n)
	for i := range spans {
		at := potluck.ShareID{Index: index(255), Number: 254}
		at.Index[0], at.Index[1] = 255, byte(i)
		spans[i] = Span{From: at, To: potluck.ShareID{Index: at.Index, Number: 255}}
	}
	return spans
}

// manyItems gives so many of the largest items, ascending.
func manyItems(n int, l potluck.Layout) []Item {
	items := make([]Item, n)
	for i := range items {
		items[i] = Item{potluck.ShareID{Index: index(255), Number: 254}, l, potluck.MaxSize, digest(255), digest(255)}
		items[i].Share.Index[13], items[i].Share.Index[14] = byte(i>>8), byte(i)
	}
	return items
}

// refusedRanges are messages about ranges that break a rule.
func refusedRanges(raw func(any) string) []refused {
	all := sampleSpans()
	ranges := func(spans ...Span) string { return raw(RangesRequest{Role: AsOwner, Spans: spans}) }
	sums := func(s SpanSum) string { return raw(RangesResponse{Sums: []SpanSum{s}}) }
	item := func(change func(*Item)) string {
		l := samples()["list-response"].(ListResponse)
		l.Items = slices.Clone(l.Items)
		change(&l.Items[1])
		return raw(l)
	}
	return []refused{
		{"ranges-request", "no role", raw(RangesRequest{Spans: all})},
		{"ranges-request", "role 3", raw(RangesRequest{Role: 3, Spans: all})},
		{"ranges-request", "no spans", ranges()},
		{"ranges-request", "257 spans", ranges(manySpans(257)...)},
		{"ranges-request", "spans that descend", ranges(all[1], all[0])},
		{"ranges-request", "spans that overlap", ranges(Span{share(0), share(0, 0x81)}, all[1])},
		{"ranges-request", "a span behind the end", ranges(all[2], all[2])},
		{"ranges-request", "an empty span", ranges(Span{share(1, 7), share(1, 7)})},
		{"ranges-request", "a span that descends", ranges(Span{share(2, 7), share(1, 7)})},
		{"ranges-request", "a zero at the end of an end", "a20101028" + "1a20142" + "0100" + "0240"},
		{"ranges-request", "an end of 18 bytes", "a2010102" + "81a20152" + "010101010101010101010101010101010101" + "0240"},
		{"ranges-response", "shares below zero", sums(SpanSum{Shares: -1})},
		{"ranges-response", "more shares than there may be", sums(SpanSum{Shares: math.MaxInt64})},
		{"ranges-response", "bytes below zero", sums(SpanSum{Shares: 1, Bytes: -1})},
		{"ranges-response", "bytes above 2^56", sums(SpanSum{Shares: 1, Bytes: potluck.MaxSize + 1})},
		{"ranges-response", "bytes of no shares", sums(SpanSum{Bytes: 1})},
		{"ranges-response", "a sum of no shares", sums(SpanSum{Sum: [16]byte{1}})},
		{"ranges-response", "257 sums", raw(RangesResponse{Sums: make([]SpanSum, 257)})},
		{"list-request", "no role", raw(ListRequest{Span: all[0]})},
		{"list-request", "an empty span", raw(ListRequest{Role: AsHost, Span: Span{share(1), share(1)}})},
		{"list-response", "more, and none", raw(ListResponse{More: true})},
		{"list-response", "513 shares", raw(ListResponse{Items: manyItems(513, layout)})},
		{"list-response", "a share twice", item(func(i *Item) { i.Share.Number = 3 })},
		{"list-response", "shares that descend", item(func(i *Item) { i.Share.Number = 2 })},
		{"list-response", "a number that isn't below n", item(func(i *Item) { i.Share.Number = 10 })},
		{"list-response", "k above n", item(func(i *Item) { i.Layout.K = 11 })},
		{"list-response", "a charge of nothing", item(func(i *Item) { i.Charge = 0 })},
		{"list-response", "a charge above 2^56", item(func(i *Item) { i.Charge = potluck.MaxSize + 1 })},
	}
}

// TestBoundsOfSpans: every end has one encoding, and comes back.
func TestBoundsOfSpans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var id potluck.ShareID
		copy(id.Index[:], rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0, 1, 255}), 0, 16).Draw(t, "index"))
		id.Number = potluck.ShareNumber(rapid.Uint8().Draw(t, "number"))
		b := sealBound(id)
		got, err := openBound(b)
		if err != nil || got != id || len(b) > 0 && b[len(b)-1] == 0 {
			t.Errorf("%v became %x and %v, %v", id, b, got, err)
		}
	})
}

// TestSpanHolds: against the plain order of the keys.
func TestSpanHolds(t *testing.T) {
	for _, c := range []struct {
		span Span
		id   potluck.ShareID
		want bool
	}{
		{Span{}, share(0), true},
		{Span{}, share(254, 255), true},
		{Span{share(0, 1), share(0, 2)}, share(0, 1), true},
		{Span{share(0, 1), share(0, 2)}, share(254, 1, 255), true},
		{Span{share(0, 1), share(0, 2)}, share(0, 2), false},
		{Span{share(0, 1), share(0, 2)}, share(254), false},
		{Span{share(3, 1), share(4, 1)}, share(3, 1), true},
		{Span{share(3, 1), share(4, 1)}, share(4, 1), false},
	} {
		if c.span.Holds(c.id) != c.want {
			t.Errorf("%v holds %v: %v", c.span, c.id, !c.want)
		}
	}
}

// TestLyingLists: what lies outside of the span, comes without end or counts
// otherwise than it was asked for is noticed here.
func TestLyingLists(t *testing.T) {
	span := Span{share(0, 0x10), share(0, 0x20)}
	item := samples()["list-response"].(ListResponse).Items[0]
	for name, first := range map[string]byte{"before the span": 0x0f, "behind the span": 0x20} {
		item.Share = share(1, first)
		client, server := liar(t, exchangeList, must(sealAnswer(ListResponse{Items: []Item{item}}, 1<<20)))
		if _, err := client.List(t.Context(), server.ID(), ListRequest{AsOwner, span}); !errors.Is(err, ErrProtocol) {
			t.Errorf("a share %s: %v", name, err)
		}
	}
	for name, answer := range map[string]message{"too few": RangesResponse{}, "too many": RangesResponse{Sums: make([]SpanSum, 2)}} {
		client, server := liar(t, exchangeRanges, must(sealAnswer(answer, 1<<20)))
		if _, err := client.Ranges(t.Context(), server.ID(), RangesRequest{AsOwner, []Span{span}}); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s sums: %v", name, err)
		}
	}
	client, server := liar(t, exchangeList, appendFrame(nil, make([]byte, exchangeList.answer+1)))
	if _, err := client.List(t.Context(), server.ID(), ListRequest{AsOwner, span}); !errors.Is(err, ErrProtocol) {
		t.Errorf("an oversized list: %v", err)
	}
}
