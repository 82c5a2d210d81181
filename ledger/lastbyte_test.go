package ledger

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"potluck"
)

// Many uploads at once share one sponsor's credit: together they get all of it
// and not a byte more, at every instant.
func TestNoTwoUploadsTakeTheLastByte(t *testing.T) {
	b, c := booksD(t, personP)
	earn(t, b, personP, 1000)
	accept(t, b, OutcomeNew, personP.order(1, c.now().Unix(), to(personX, 600), to(personY, 700), to(personQ, 50)))
	var taken atomic.Int64
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			all, err := b.Totals(t.Context())
			short, shortErr := b.Shortfalls(t.Context())
			if err != nil || shortErr != nil || len(short) > 0 || all.Held+all.Reserved > 1000 {
				t.Errorf("%+v, short %v, %v, %v", all, short, err, shortErr)
				return
			}
		}
	})
	for w := range 32 {
		wg.Go(func() {
			p := []person{personP, personX, personY, personQ}[w%4]
			for n := range 16 {
				id := shareID(w*100+n, 0)
				_, err := b.Reserve(t.Context(), p.id, roomy, []Reservation{reservation(c, id, 7)})
				var refusal *potluck.Refusal
				switch {
				case errors.As(err, &refusal):
					continue
				case err != nil:
					t.Error(err)
					return
				case n%5 == 4:
					if _, err := b.Abort(t.Context(), p.id, []potluck.ShareID{id}); err != nil {
						t.Error(err)
					}
					continue
				}
				taken.Add(7)
				if err := b.Commit(t.Context(), p.id, id, digest(1), digest(2)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	// Nobody waits any more: what is left is less than one share.
	for w, p := range []person{personX, personY, personP} {
		for n := 0; ; n++ {
			id := shareID(90_000+w*1000+n, 0)
			if _, err := b.Reserve(t.Context(), p.id, roomy, []Reservation{reservation(c, id, 7)}); err != nil {
				break
			}
			taken.Add(7)
		}
	}
	close(stop)
	watcher.Wait()
	all, err := b.Totals(t.Context())
	if err != nil || int64(all.Held+all.Reserved) != taken.Load() || taken.Load() <= 1000-7 {
		t.Errorf("%+v, %d taken, %v", all, taken.Load(), err)
	}
	sameGraph(t, b)
	clean(t, b)
}
