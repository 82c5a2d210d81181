package memory_test

import (
	"context"
	"errors"
	"testing"

	"potluck"
	"potluck/shares"
	"potluck/shares/memory"
	"potluck/shares/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) shares.Store { return memory.New(64 * potluck.MiB) })
}

// TestFull fills stores of every capacity up to what two shares need: whatever
// fails is ErrFull, and afterwards all room is free but that of what was committed.
func TestFull(t *testing.T) {
	l, err := shares.NewLayout(1, 2, 1000)
	if err != nil {
		t.Fatal(err)
	}
	s := storetest.NewSet(t, l, 1)
	ctx := context.Background()
	for capacity := range 2*shares.StoredLen(l) + 1 {
		store := memory.New(capacity)
		committed := potluck.Size(0)
		for number := range 2 {
			err := put(store, s, number)
			if err == nil {
				committed++
			} else if !errors.Is(err, shares.ErrFull) {
				t.Fatal(err)
			}
		}
		if want := capacity / shares.StoredLen(l); committed != want {
			t.Fatalf("%d shares were committed in %d bytes, want %d", committed, capacity, want)
		}
		if room, _ := store.Room(ctx); room != capacity-committed*shares.StoredLen(l) {
			t.Fatalf("room is %d of %d after %d shares", room, capacity, committed)
		}
	}
}

func put(store shares.Store, s *storetest.Set, number int) error {
	in, err := store.Create(context.Background(), s.Header(number))
	if err != nil {
		return err
	}
	if _, err := in.Write(s.Data[number]); err != nil {
		return err
	}
	_, err = in.Commit(context.Background(), s.Manifest, s.Crosscheck)
	return err
}
