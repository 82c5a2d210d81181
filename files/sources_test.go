package files

import (
	"errors"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/p2p"
	"potluck/shares"
)

// TestReadGoesOnWhereLanesGotStuck: a lane that is behind may not take a number
// that was delivered before it, so two lanes can run out of numbers though k
// hosts live. The read then begins anew at the first byte that isn't written.
func TestReadGoesOnWhereLanesGotStuck(t *testing.T) {
	layout, err := shares.NewLayout(2, 3, 10*512*potluck.KiB)
	if err != nil {
		t.Fatal(err)
	}
	pool := newSources(potluck.StorageIndex{}, newPeers(nil), 3)
	for n := range 3 {
		pool.add(holding{p2p.HeldShare{Number: potluck.ShareNumber(n)}, peer.ID(rune('a' + n))})
	}
	pool.complete()
	g := &get{pool: pool, file: caps.Verify{Layout: layout}, layout: layout}
	ahead, _ := pool.take(t.Context(), 0)
	behind, _ := pool.take(t.Context(), 0)
	for stripe := range int64(6) {
		pool.delivered(ahead, stripe, 1)
	}
	pool.delivered(behind, 0, 1)
	pool.give(ahead, true, errSlow)
	if other, _ := pool.take(t.Context(), 6); other == nil || other.Number != 2 {
		t.Fatalf("the lane ahead went on with %+v, want number 2", other)
	}
	pool.give(behind, true, &wrongError{"a lie"})
	stuck, err := pool.take(t.Context(), 1)
	if stuck != nil || err != nil {
		t.Fatalf("the lane behind took number %d, which stripe 1 has already", stuck.Number)
	}
	few := pool.notEnough(2)
	for _, s := range pool.all {
		s.busy = false // the lanes have ended
	}
	if !g.goOn(512*potluck.KiB+1, few) || g.first != 1 || g.from != 512*potluck.KiB+1 {
		t.Fatalf("the read doesn't go on at stripe 1: %d, %d", g.first, g.from)
	}
	for range 2 {
		if s, _ := pool.take(t.Context(), g.first); s == nil {
			t.Fatal("two hosts live, and a lane has none")
		}
	}
	for name, c := range map[string]struct {
		written potluck.Size
		err     error
	}{"nothing new was written": {0, few}, "all is well": {9, nil}, "another error": {9, errors.New("x")}} {
		if g.goOn(c.written, c.err) {
			t.Errorf("the read goes on though %s", name)
		}
	}
}
