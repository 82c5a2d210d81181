//go:build unix

package ledger

import (
	"encoding/binary"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/signed"
)

// BenchmarkAdmission has 64 callers, each of which is admitted, reserves, commits
// and releases shares: three durable operations for each admission. Beside it, in
// turn, 64 callers let a bare group-committing Badger write rows of the same keys
// and lengths. "ratio" is ours to Badger's in wall time, "cpu-ratio" in CPU time;
// "sponsored" callers live on one sponsor's credit through pointers.
func BenchmarkAdmission(b *testing.B) {
	for _, sponsored := range []bool{false, true} {
		b.Run(fmt.Sprintf("sponsored=%v", sponsored), func(b *testing.B) {
			book, peers := benchBook(b)
			if sponsored {
				peers = benchSponsored(b, book)
			}
			bare := newBareGroup(b)
			var ours, theirs spent
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; {
				n := min(2048, b.N-done)
				begin := begun()
				benchCallers(b, n, func(caller, k int) error { return benchCycle(b, book, peers[caller], int64(done+k)) })
				middle := begun()
				benchCallers(b, n, func(caller, k int) error { return bare.cycle(peers[caller], int64(done+k)) })
				ours.add(begin, middle)
				theirs.add(middle, begun())
				done += n
			}
			b.ReportMetric(float64(b.N)/ours.wall.Seconds(), "admissions/s")
			b.ReportMetric(float64(b.N)/theirs.wall.Seconds(), "bare/s")
			b.ReportMetric(float64(ours.wall)/float64(theirs.wall), "ratio")
			b.ReportMetric(float64(ours.cpu)/float64(theirs.cpu), "cpu-ratio")
			b.ReportMetric(float64(ours.cpu.Microseconds())/float64(b.N), "cpu-us/op")
		})
	}
}

// spent is wall time and the process's CPU time.
type spent struct{ wall, cpu time.Duration }

type moment struct {
	at  time.Time
	cpu time.Duration
}

func begun() moment {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return moment{time.Now(), time.Duration(u.Utime.Nano() + u.Stime.Nano())}
}

func (s *spent) add(from, to moment) {
	s.wall += to.at.Sub(from.at)
	s.cpu += to.cpu - from.cpu
}

// benchSponsored gives 64 people who live on one friend's credit.
func benchSponsored(b *testing.B, book *Book) (peers []peer.ID) {
	b.Helper()
	sponsor, now := newPerson("sponsor"), time.Now().Unix()
	friend(b, book, sponsor, Terms{Gift: potluck.MaxSize / 2})
	var pointers []signed.Pointer
	for n := range 64 {
		p := newPerson(fmt.Sprint("sponsored ", n))
		peers = append(peers, p.id)
		pointers = append(pointers, to(p, potluck.GiB))
	}
	if _, err := book.Accept(b.Context(), sponsor.order(1, now, pointers...)); err != nil {
		b.Fatal(err)
	}
	return peers
}

// benchCallers lets 64 callers do n units of work.
func benchCallers(b *testing.B, n int, work func(caller, k int) error) {
	var wg sync.WaitGroup
	for c := range 64 {
		wg.Go(func() {
			for k := c; k < n; k += 64 {
				if err := work(c, k); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func benchCycle(b *testing.B, book *Book, p peer.ID, n int64) error {
	id := benchID(n)
	r := Reservation{Share: id, Layout: layout, Charge: 4096, Until: time.Now().Add(time.Hour)}
	if _, err := book.Reserve(b.Context(), p, benchRoom, []Reservation{r}); err != nil {
		return err
	}
	if err := book.Commit(b.Context(), p, id, digest(1), digest(2)); err != nil {
		return err
	}
	_, _, err := book.Cancel(b.Context(), p, []potluck.ShareID{id})
	return err
}

// bareGroup is Badger with the least that makes groups of what many callers write.
type bareGroup struct {
	db    *badger.DB
	queue chan bareWrite
	seq   uint64 // of the group's goroutine
}

type bareWrite struct {
	rows map[string][]byte // nil: deleted
	done chan error
}

func newBareGroup(b *testing.B) *bareGroup {
	g := &bareGroup{db: benchBare(b), queue: make(chan bareWrite, maxOps)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for w := range g.queue {
			g.commit(w)
		}
	}()
	b.Cleanup(func() { close(g.queue); <-ended })
	return g
}

func (g *bareGroup) commit(w bareWrite) {
	all, waiting := make(map[string][]byte), []chan error{}
	for {
		for k, v := range w.rows {
			all[k] = v
		}
		g.seq++
		all[string(eventKey(g.seq))] = make([]byte, 130)
		waiting = append(waiting, w.done)
		if len(g.queue) == 0 || len(waiting) == maxOps {
			break
		}
		w = <-g.queue
	}
	err := g.db.Update(func(txn *badger.Txn) error {
		for k, v := range all {
			if v == nil {
				if err := txn.Delete([]byte(k)); err != nil {
					return err
				}
			} else if err := txn.Set([]byte(k), v); err != nil {
				return err
			}
		}
		return nil
	})
	for _, d := range waiting {
		d <- err
	}
}

// cycle writes what a reservation, a commit and a release write.
func (g *bareGroup) cycle(p peer.ID, n int64) error {
	id := benchID(n)
	until := binary.BigEndian.Uint64([]byte{0, 0, 0, 0, 107, 1, 2, 3})
	share, lease := string(shareKey(keyShare, id)), string(sharePeerKey(keyLease, id, p))
	owner, end := string(peerShareKey(keyLeaseByOwner, p, id)), string(leaseEndKey(int64(until), id, p))
	going := string(goingKey(int64(until), id))
	usage := string(peerKey(keyUsage, p))
	counters := func() []byte { return make([]byte, 20) }
	for _, rows := range []map[string][]byte{
		{share: make([]byte, 40), lease: make([]byte, 30), owner: {}, end: {}, usage: counters(), string([]byte{keyTotals}): counters()},
		{share: make([]byte, 100), lease: make([]byte, 25), end: nil, usage: counters(), string([]byte{keyTotals}): counters()},
		{share: make([]byte, 105), lease: nil, owner: nil, going: {}, usage: counters(), string([]byte{keyTotals}): counters()},
	} {
		w := bareWrite{rows, make(chan error, 1)}
		g.queue <- w
		if err := <-w.done; err != nil {
			return err
		}
	}
	return nil
}
