package files

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []bool
		g := newGuard(time.Second, func(moved bool) bool {
			calls = append(calls, moved)
			return moved
		})
		g.start()
		time.Sleep(900 * time.Millisecond)
		g.pause() // a block came, and waits for its taker
		time.Sleep(time.Hour)
		if g.pause(); len(calls) != 0 {
			t.Fatalf("late was called %d times while the guard was off", len(calls))
		}
		g.start()
		g.move()
		time.Sleep(1500 * time.Millisecond) // moved: called once, asked again
		time.Sleep(2 * time.Second)         // not moved: called once more, then off
		g.pause()
		if len(calls) != 2 || !calls[0] || calls[1] {
			t.Fatalf("late was called with %v, want [true false]", calls)
		}
	})
}
