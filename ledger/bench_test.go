package ledger

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// benchBook is a book on a real clock with 64 friends of large gifts.
func benchBook(b *testing.B) (*Book, []peer.ID) {
	b.Helper()
	c := Config{Self: self, Dir: b.TempDir(), Clock: time.Now, Log: config("", newClock()).Log}
	book, err := Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := book.Close(); err != nil {
			b.Error(err)
		}
	})
	peers := benchPeers()
	for i := range peers {
		if err := book.Befriend(b.Context(), Account{Peer: peers[i], Terms: Terms{Gift: potluck.MaxSize / 2}}); err != nil {
			b.Fatal(err)
		}
	}
	return book, peers
}

func benchPeers() []peer.ID {
	peers := make([]peer.ID, 64)
	for i := range peers {
		peers[i] = peer.ID(fmt.Sprintf("friend number %02d of sixty-four friends", i))
	}
	return peers
}

// benchRoom never ends.
var benchRoom = Room{Offered: potluck.MaxSize, Disk: potluck.MaxSize}

func benchID(n int64) (id potluck.ShareID) {
	binary.BigEndian.PutUint64(id.Index[:], uint64(n)*0x9e3779b97f4a7c15)
	return id
}

// BenchmarkHold reserves and commits shares: two durable operations each. Every
// caller counts; ops/s is of single operations.
func BenchmarkHold(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			book, peers := benchBook(b)
			b.ReportAllocs()
			b.ResetTimer()
			spread(b, callers, func(caller int, n int64) error {
				p := peers[caller]
				id := benchID(n)
				r := Reservation{Share: id, Layout: layout, Charge: 4096, Until: time.Now().Add(time.Hour)}
				if _, err := book.Reserve(b.Context(), p, benchRoom, []Reservation{r}); err != nil {
					return err
				}
				return book.Commit(b.Context(), p, id, digest(1), digest(2))
			})
			b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

// spread runs b.N units of work on so many goroutines.
func spread(b *testing.B, callers int, work func(caller int, n int64) error) {
	var next atomic.Int64
	errs := make(chan error, callers)
	for c := range callers {
		go func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					errs <- nil
					return
				}
				if err := work(c, n); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	for range callers {
		if err := <-errs; err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkOne compares one durable operation of one caller with one bare Badger
// transaction that writes as many bytes in as many rows, in turn, on databases
// that were opened alike. "ratio" is ours to Badger's.
func BenchmarkOne(b *testing.B) {
	book, peers := benchBook(b)
	bare := benchBare(b)
	var ours, theirs time.Duration
	b.ResetTimer()
	for n := range int64(b.N) {
		begin := time.Now()
		r := Reservation{Share: benchID(n), Layout: layout, Charge: 4096, Until: begin.Add(time.Hour)}
		if _, err := book.Reserve(b.Context(), peers[0], benchRoom, []Reservation{r}); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if err := bareReserve(bare, n); err != nil {
			b.Fatal(err)
		}
		ours, theirs = ours+middle.Sub(begin), theirs+time.Since(middle)
	}
	b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "us/op")
	b.ReportMetric(float64(theirs.Microseconds())/float64(b.N), "us/bare")
	b.ReportMetric(float64(ours)/float64(theirs), "ratio")
}

// benchBare is a database that is opened like the books.
func benchBare(b *testing.B) *badger.DB {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "bare")
	db, err := badger.Open(badgerOptions(dir, config("", newClock()).Log))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := newGuard(dir, dir, freeBytes).afterOpen(); err != nil {
		b.Fatal(err)
	}
	return db
}

// BenchmarkBare is what Badger does by itself: the limit for one caller, and
// what the batcher is measured against for many.
func BenchmarkBare(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			db := benchBare(b)
			b.ReportAllocs()
			b.ResetTimer()
			spread(b, callers, func(_ int, n int64) error { return bareReserve(db, n) })
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

// bareReserve writes rows of the sizes that a reservation has.
func bareReserve(db *badger.DB, n int64) error {
	rows := []struct{ key, value int }{{18, 40}, {58, 30}, {57, 0}, {65, 0}, {40, 15}, {1, 15}, {9, 130}}
	return db.Update(func(txn *badger.Txn) error {
		for i, r := range rows {
			key := make([]byte, r.key+10)
			key[0] = byte(i)
			binary.BigEndian.PutUint64(key[1:], uint64(n)*0x9e3779b97f4a7c15)
			if err := txn.Set(key[:max(r.key, 9)], make([]byte, r.value)); err != nil {
				return err
			}
		}
		return nil
	})
}
