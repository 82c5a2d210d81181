package lifecycle

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// started runs a cycle in a bubble and gives its turn counter.
func started(t *testing.T, next time.Duration) (c *Cycle, turns *atomic.Int64, stop func()) {
	t.Helper()
	turns = new(atomic.Int64)
	c = NewCycle(func(context.Context) time.Duration { turns.Add(1); return next })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	synctest.Wait()
	return c, turns, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

func TestCycleKeepsItsDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, turns, stop := started(t, time.Minute)
		defer stop()
		if turns.Load() != 1 {
			t.Fatalf("%d turns at the start, want 1", turns.Load())
		}
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if turns.Load() != 11 {
			t.Fatalf("%d turns after ten minutes, want 11", turns.Load())
		}
	})
}

func TestCycleWithoutDelayWaitsForTriggers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, turns, stop := started(t, -1)
		defer stop()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if turns.Load() != 1 {
			t.Fatalf("%d turns, want only the first", turns.Load())
		}
		c.Trigger()
		c.Trigger()
		synctest.Wait()
		if turns.Load() != 2 && turns.Load() != 3 {
			t.Fatalf("%d turns after two triggers, want 2 or 3", turns.Load())
		}
	})
}

func TestCyclePauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, turns, stop := started(t, time.Minute)
		defer stop()
		c.Pause()
		time.Sleep(time.Hour)
		c.Trigger()
		synctest.Wait()
		if turns.Load() != 1 {
			t.Fatalf("%d turns while paused, want 1", turns.Load())
		}
		if err := c.TriggerWait(t.Context()); err != nil || turns.Load() != 2 {
			t.Fatalf("trigger and wait: %d turns, %v, want 2", turns.Load(), err)
		}
		c.Resume()
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if turns.Load() != 3 {
			t.Fatalf("%d turns a minute after the pause, want 3", turns.Load())
		}
	})
}

func TestTriggerWaitSeesAWholeTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, release := make(chan int), make(chan struct{})
		n := 0
		c := NewCycle(func(context.Context) time.Duration {
			n++
			begun <- n
			<-release
			return -1
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		<-begun // the first turn runs: a waiter that comes now needs another one
		waited := make(chan error, 1)
		go func() { waited <- c.TriggerWait(t.Context()) }()
		synctest.Wait()
		release <- struct{}{}
		<-begun
		synctest.Wait()
		select {
		case <-waited:
			t.Fatal("a waiter was told of a turn that began before it came")
		default:
		}
		release <- struct{}{}
		if err := <-waited; err != nil {
			t.Fatal(err)
		}
		cancel()
		<-done
		if err := c.TriggerWait(t.Context()); err != nil {
			t.Fatalf("after the end: %v, want nil", err)
		}
	})
}

func TestTriggerWaitGivesUp(t *testing.T) {
	c := NewCycle(func(context.Context) time.Duration { return -1 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.TriggerWait(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
}
