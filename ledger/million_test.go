package ledger

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"potluck"
)

// millionBook has a million shares with a lease each, of 64 friends, or a million
// placements. Its rows are written past the batcher, which would take minutes.
func millionBook(b *testing.B, shares, placements int) *Book {
	b.Helper()
	book, peers := benchBook(b)
	w := book.db.NewWriteBatch()
	defer w.Cancel()
	set := func(key, value []byte) {
		if err := w.Set(key, value); err != nil {
			b.Fatal(err)
		}
	}
	sums, usages, total := make(rangeSums), make([]Usage, len(peers)), Usage{}
	count := func(i int, u Usage) {
		var err, err2 error
		usages[i], err = usages[i].plus(u)
		total, err2 = total.plus(u)
		if total.Newest = 0; err != nil || err2 != nil {
			b.Fatal(err, err2)
		}
	}
	for n := range shares {
		i := n % len(peers)
		s := share{ID: benchID(int64(n)), State: ShareStable, Layout: layout, Charge: 4096, Root: digest(1), Manifest: digest(2), Created: 1, Leases: 1}
		l := Lease{Owner: peers[i], Since: 1, Renewed: 1, Charge: 4096}
		set(shareKey(keyShare, s.ID), encodeShare(s))
		set(sharePeerKey(keyLease, s.ID, l.Owner), encodeLease(l))
		set(peerShareKey(keyLeaseByOwner, l.Owner, s.ID), []byte{})
		count(i, l.usage())
		if err := sums.add(side{roleHost, l.Owner}, s.item()); err != nil {
			b.Fatal(err)
		}
	}
	receipt := make([]byte, 200)
	for n := range placements {
		i := n % 4
		p := Placement{Share: benchID(int64(n)), Host: peers[i], Layout: layout, Charge: 4096, Root: digest(1), Manifest: digest(2), Receipt: receipt, Placed: 1, State: PlacedStable}
		set(sharePeerKey(keyPlacement, p.Share, p.Host), encodePlacement(p))
		set(peerShareKey(keyPlacementByHost, p.Host, p.Share), []byte{})
		count(i, p.usage())
		if err := sums.add(side{roleOwner, p.Host}, p.item()); err != nil {
			b.Fatal(err)
		}
	}
	for i, u := range usages {
		set(peerKey(keyUsage, peers[i]), encodeUsage(u))
	}
	for key, s := range sums {
		set([]byte(key), encodeRange(*s))
	}
	set([]byte{keyTotals}, encodeUsage(total))
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	book.recent = recent{}
	return book
}

// heap is what is reachable, in MiB.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// BenchmarkCheckMillion checks a million shares with a lease each, then a million
// placements.
func BenchmarkCheckMillion(b *testing.B) {
	for _, rows := range []struct {
		what               string
		shares, placements int
	}{{"shares", million, 0}, {"placements", 0, million}} {
		b.Run(rows.what, func(b *testing.B) {
			book := millionBook(b, rows.shares, rows.placements)
			b.ReportAllocs()
			for b.Loop() {
				r, err := book.Check(b.Context())
				if err != nil || len(r.Problems) > 0 || r.Shares != int64(rows.shares) || r.Placements != int64(rows.placements) {
					b.Fatalf("%+v, %v", r, err)
				}
			}
		})
	}
}

// BenchmarkSharesMillion walks a million shares, at once and in slices of 4,096
// as a crawl does.
func BenchmarkSharesMillion(b *testing.B) {
	book := millionBook(b, million, 0)
	for _, slice := range []int{million, 4096} {
		b.Run(fmt.Sprintf("slice=%d", slice), func(b *testing.B) {
			b.ReportAllocs()
			before, most := heap(), 0.0
			for b.Loop() {
				seen := 0
				for after, more := (potluck.ShareID{}), true; more; {
					n := 0
					err := book.Shares(b.Context(), after, func(r ShareRow) error {
						after, seen = r.ID, seen+1
						if n++; n == slice {
							return ErrStop
						}
						return nil
					})
					if err != nil {
						b.Fatal(err)
					}
					more = n == slice
					if seen%(slice*64) == 0 {
						most = max(most, heap()-before)
					}
				}
				if seen != million {
					b.Fatal(seen)
				}
			}
			b.ReportMetric(most, "MiB-grown")
		})
	}
}

// BenchmarkRangeSumsMillion sums a million placements at one host: whole, and in
// the sixteenths of one part.
func BenchmarkRangeSumsMillion(b *testing.B) {
	book := millionBook(b, 0, million)
	host := benchPeers()[0]
	var parts, fine []Span
	for part := range ranges {
		parts = append(parts, Span{rangeStart(part), rangeStart(part + 1)})
	}
	for n := range 16 {
		s := Span{rangeStart(7), rangeStart(7)}
		s.From.Index[1], s.To.Index[1] = byte(n<<4), byte((n+1)<<4)
		if n == 15 {
			s.To = rangeStart(8)
		}
		fine = append(fine, s)
	}
	for what, spans := range map[string][]Span{"parts": parts, "sixteenths": fine} {
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if sums, err := book.RangeSums(b.Context(), host, self, spans); err != nil || sums[0].Shares == 0 {
					b.Fatal(sums, err)
				}
			}
		})
	}
}

// BenchmarkBuildMillion makes the sums of ranges of books that have none.
func BenchmarkBuildMillion(b *testing.B) {
	book := millionBook(b, million, 0)
	for b.Loop() {
		if err := book.db.Update(func(txn *badger.Txn) error { return txn.Delete(builtKey(builtRanges)) }); err != nil {
			b.Fatal(err)
		}
		if err := book.build(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExportMillion exports a million shares and imports them.
func BenchmarkExportMillion(b *testing.B) {
	book := millionBook(b, million, 0)
	for b.Loop() {
		f, err := os.CreateTemp(b.TempDir(), "export")
		if err != nil {
			b.Fatal(err)
		}
		begun := time.Now()
		if err := book.Export(b.Context(), f); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(begun).Seconds(), "s-export")
		st, err := f.Stat()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(st.Size())/million, "B/share")
		f.Close()
	}
}
