package node

import (
	"fmt"
	"testing"

	"potluck"
	"potluck/ledger"
	"potluck/shares"
)

// An owner is killed at every step of hearing that a host evicted what it held, or
// lost it. Started again from each image it learns it anew, and the books of both
// are equal.
func TestOwnersDeathsWhileItLearnsOfALoss(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, owner, host *Node, id potluck.ShareID) error{
		"eviction": func(t *testing.T, owner, host *Node, _ potluck.ShareID) error {
			a, err := host.Resolve(t.Context(), owner.self.String())
			if err == nil {
				_, err = host.Evict(t.Context(), a, false)
			}
			return err
		},
		"loss": func(t *testing.T, _, host *Node, id potluck.ShareID) error {
			err := host.store.Delete(t.Context(), id)
			host.keep.suspect(t.Context(), id, shares.ErrNotFound) // as the scrub does
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			ownerConfig := config(t, "owner")
			film := &camera{t: t, data: ownerConfig.Data}
			ownerConfig.Clock = film.now
			owner, stop := start(t, ownerConfig)
			host, _ := start(t, config(t, "host"))
			befriend(t, host, owner)
			c, _ := store(t, owner, host, 20<<10)
			id := shareOf(c)
			if stateAt(t, owner, host, id) != ledger.PlacedStable {
				t.Fatal("the share isn't placed")
			}
			film.turn(false)
			if err := lose(t, owner, host, id); err != nil {
				t.Fatal(err)
			}
			reconciled(t, owner, host)
			if s := stateAt(t, owner, host, id); s == ledger.PlacedStable {
				t.Fatalf("the owner knows nothing: %v", s)
			}
			film.turn(true)
			stop()
			if len(film.shots) < 3 {
				t.Fatalf("only %d images: the matrix has holes", len(film.shots))
			}
			for i, s := range film.shots {
				t.Run(fmt.Sprintf("%d %s", i, s.step), func(t *testing.T) {
					again := ownerConfig
					again.Data, again.Clock = s.data, (&clock{}).now
					owner, stop := start(t, again)
					defer stop()
					reunite(t, owner, host)
					if s.acked && stateAt(t, owner, host, id) == ledger.PlacedStable {
						t.Error("what the owner had learnt is forgotten")
					}
					reconciled(t, owner, host)
					if got := stateAt(t, owner, host, id); got == ledger.PlacedStable {
						t.Errorf("the owner counts a share that isn't there: state %v", got)
					}
					sameBooks(t, owner, host)
					clean(t, owner)
				})
			}
		})
	}
}
