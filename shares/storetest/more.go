package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"potluck"
	"potluck/shares"
)

func testMismatch(t *testing.T, store shares.Store) {
	for _, s := range []*Set{small(t, 1), large(t, 2)} {
		other := NewSet(t, s.Layout, 99)
		moved := Encode(t, s.Layout, potluck.StorageIndex{9, 9}, s.Ciphertext)
		flipped := bytes.Clone(s.Data[0])
		flipped[len(flipped)/2] ^= 1
		cut := bytes.Clone(s.Manifest)
		cross := bytes.Clone(s.Crosscheck)
		cross[0] ^= 1
		cases := map[string][3][]byte{ // data, manifest, crosscheck
			"flipped bit":          {flipped, s.Manifest, s.Crosscheck},
			"another number":       {s.Data[1], s.Manifest, s.Crosscheck},
			"short data":           {s.Data[0][1:], s.Manifest, s.Crosscheck},
			"no data":              {nil, s.Manifest, s.Crosscheck},
			"another set":          {s.Data[0], other.Manifest, other.Crosscheck},
			"another index":        {s.Data[0], moved.Manifest, s.Crosscheck},
			"short manifest":       {s.Data[0], cut[1:], s.Crosscheck},
			"no manifest":          {s.Data[0], nil, s.Crosscheck},
			"no crosscheck":        {s.Data[0], s.Manifest, nil},
			"long crosscheck":      {s.Data[0], s.Manifest, append(bytes.Clone(s.Crosscheck), 0)},
			"crosscheck, one flip": {s.Data[0], s.Manifest, cross},
		}
		for name, c := range cases {
			in, err := store.Create(context.Background(), s.Header(0))
			wantErr(t, err, nil)
			if in.Offset() != 0 {
				t.Fatalf("%s: something was kept of what mismatched", name)
			}
			_, err = in.Write(c[0])
			wantErr(t, err, nil)
			_, err = in.Commit(context.Background(), c[1], c[2])
			if !errors.Is(err, shares.ErrMismatch) {
				t.Fatalf("%s: error is %v", name, err)
			}
			_, err = store.Open(context.Background(), s.ID(0))
			wantErr(t, err, shares.ErrNotFound)
		}
	}
}

func testDelete(t *testing.T, store shares.Store) {
	ctx := context.Background()
	for _, s := range []*Set{small(t, 1), large(t, 2)} {
		s.Put(t, store, 0)
		s.Put(t, store, 1)
		sh, err := store.Open(ctx, s.ID(0))
		wantErr(t, err, nil)
		wantErr(t, store.Delete(ctx, s.ID(0)), nil)
		_, err = store.Open(ctx, s.ID(0))
		wantErr(t, err, shares.ErrNotFound)
		s.checkOpen(t, sh, 0) // still readable
		wantErr(t, sh.Close(), nil)
		s.check(t, store, 1)

		in, err := store.Create(ctx, s.Header(0))
		wantErr(t, err, nil)
		_, err = in.Write(s.Data[0][:50])
		wantErr(t, err, nil)
		wantErr(t, in.Suspend(), nil)
		wantErr(t, store.Delete(ctx, s.ID(0)), nil)
		in, err = store.Create(ctx, s.Header(0))
		wantErr(t, err, nil)
		if in.Offset() != 0 {
			t.Fatal("a suspended share outlived its deletion")
		}
		wantErr(t, in.Abort(), nil)
	}
}

func listed(t *testing.T, store shares.Store, after potluck.ShareID) []potluck.ShareID {
	t.Helper()
	var ids []potluck.ShareID
	err := store.List(context.Background(), after, func(i shares.Info) error {
		ids = append(ids, i.ID)
		if i.Header.ID != i.ID || !i.Header.Complete() || i.Stored != shares.StoredLen(i.Header.Layout) {
			t.Errorf("listed %+v", i)
		}
		return nil
	})
	wantErr(t, err, nil)
	var names []potluck.ShareID
	err = store.Names(context.Background(), after, func(id potluck.ShareID) error {
		names = append(names, id)
		return nil
	})
	wantErr(t, err, nil)
	if !slices.Equal(names, ids) {
		t.Errorf("names after %v are %v, the list has %v", after, names, ids)
	}
	return ids
}

func testSetAside(t *testing.T, store shares.Store) {
	ctx := context.Background()
	for _, s := range []*Set{small(t, 1), large(t, 2)} {
		wantErr(t, store.SetAside(ctx, s.ID(0)), nil) // there is nothing
		for range 2 {                                 // the second takes the place of the first
			s.Put(t, store, 0)
			s.Put(t, store, 1)
			sh, err := store.Open(ctx, s.ID(0))
			wantErr(t, err, nil)
			wantErr(t, store.SetAside(ctx, s.ID(0)), nil)
			_, err = store.Stat(ctx, s.ID(0))
			wantErr(t, err, shares.ErrNotFound)
			s.checkOpen(t, sh, 0) // still readable
			wantErr(t, sh.Close(), nil)
			if ids := listed(t, store, potluck.ShareID{}); !slices.Equal(ids, []potluck.ShareID{s.ID(1)}) {
				t.Fatalf("list is %v", ids)
			}
			in, err := store.Create(ctx, s.Header(0))
			wantErr(t, err, nil)
			wantErr(t, store.SetAside(ctx, s.ID(0)), shares.ErrBusy)
			wantErr(t, in.Abort(), nil)
			wantErr(t, store.Delete(ctx, s.ID(1)), nil)
		}
	}
}

func testList(t *testing.T, store shares.Store) {
	if ids := listed(t, store, potluck.ShareID{}); len(ids) != 0 {
		t.Fatalf("an empty store lists %v", ids)
	}
	var want []potluck.ShareID
	// Indexes whose text sorts otherwise than their bytes; the zero ID among them.
	for _, seed := range []uint64{0, 1, 0x1a01, 0xff02, 0xffff, 0x00d0, 0x01d0} {
		s := small(t, seed)
		for _, number := range []int{2, 0} {
			s.Put(t, store, number)
			want = append(want, s.ID(number))
		}
	}
	slices.SortFunc(want, potluck.ShareID.Compare)
	in, err := store.Create(context.Background(), small(t, 7).Header(0)) // incomplete: not listed
	wantErr(t, err, nil)
	if got := listed(t, store, potluck.ShareID{}); !slices.Equal(got, want) {
		t.Fatalf("list is %v, want %v", got, want)
	}
	for i, id := range want[1:] {
		if got := listed(t, store, id); !slices.Equal(got, want[i+2:]) {
			t.Fatalf("list after %v is %v, want %v", id, got, want[i+2:])
		}
	}
	stop := errors.New("stop")
	calls := 0
	err = store.List(context.Background(), potluck.ShareID{}, func(shares.Info) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Fatalf("visit that stops: %d calls, %v", calls, err)
	}
	wantErr(t, in.Abort(), nil)
}

func testBadHeader(t *testing.T, store shares.Store) {
	good := small(t, 1).Header(0)
	for name, change := range map[string]func(*shares.Header){
		"number":     func(h *shares.Header) { h.ID.Number = 3 },
		"suite":      func(h *shares.Header) { h.Layout.Suite = 2 },
		"zero k":     func(h *shares.Header) { h.Layout.K = 0 },
		"zero size":  func(h *shares.Header) { h.Layout.Size = 0 },
		"zero block": func(h *shares.Header) { h.Layout.Block = 0 },
		"huge size":  func(h *shares.Header) { h.Layout.Size = potluck.MaxSize + 1 },
	} {
		h := good
		change(&h)
		if _, err := store.Create(context.Background(), h); err == nil {
			t.Errorf("%s: a header was accepted: %+v", name, h)
		}
	}
	// The greatest layout costs nothing until bytes come.
	huge := good
	huge.Layout = potluck.Layout{Suite: 1, K: 1, N: 255, Block: 1024, Size: potluck.MaxSize}
	in, err := store.Create(context.Background(), huge)
	wantErr(t, err, nil)
	wantErr(t, in.Abort(), nil)
}

func testContext(t *testing.T, store shares.Store) {
	s := small(t, 1)
	s.Put(t, store, 1)
	ctx, cancel := context.WithCancel(context.Background())
	in, err := store.Create(ctx, s.Header(0))
	wantErr(t, err, nil)
	sh, err := store.Open(ctx, s.ID(1))
	wantErr(t, err, nil)
	_, err = in.Write(s.Data[0])
	wantErr(t, err, nil)
	cancel()
	_, err = in.Commit(ctx, s.Manifest, s.Crosscheck)
	wantErr(t, err, context.Canceled)
	wantErr(t, sh.Slice(ctx, new(bytes.Buffer), 0, 1), context.Canceled)
	_, err = store.Create(ctx, s.Header(2))
	wantErr(t, err, context.Canceled)
	_, err = store.Open(ctx, s.ID(1))
	wantErr(t, err, context.Canceled)
	wantErr(t, store.Delete(ctx, s.ID(1)), context.Canceled)
	wantErr(t, store.List(ctx, potluck.ShareID{}, func(shares.Info) error { return nil }), context.Canceled)
	_, err = in.Commit(context.Background(), s.Manifest, s.Crosscheck)
	wantErr(t, err, nil)
	wantErr(t, sh.Close(), nil)
	s.check(t, store, 0)
}

func testRanges(t *testing.T, store shares.Store) {
	s := small(t, 1)
	s.Put(t, store, 0)
	sh, err := store.Open(context.Background(), s.ID(0))
	wantErr(t, err, nil)
	size := shares.DataLen(s.Layout)
	const most = potluck.Size(1<<63 - 1)
	for _, r := range [][2]potluck.Size{{0, 0}, {0, size + 1}, {size, 1}, {size - 1, 2}, {-1, 1}, {0, -1},
		{most, 1}, {1, most}, {most, most}, {-most, most}, {1 << 32, 1 << 31}} {
		var b bytes.Buffer
		if err := sh.Slice(context.Background(), &b, r[0], r[1]); err == nil || b.Len() > 0 {
			t.Errorf("slice of %d bytes from %d: %d bytes, no error", r[1], r[0], b.Len())
		}
	}
	wantErr(t, sh.Close(), nil)
}

func testRoom(t *testing.T, store shares.Store) {
	room, err := store.Room(context.Background())
	if err != nil || room < 64*potluck.MiB {
		t.Fatalf("room is %v, %v", room, err)
	}
}

func testClose(t *testing.T, store shares.Store) {
	s := small(t, 1)
	s.Put(t, store, 0)
	sh, err := store.Open(context.Background(), s.ID(0))
	wantErr(t, err, nil)
	in, err := store.Create(context.Background(), s.Header(1))
	wantErr(t, err, nil)
	wantErr(t, store.Close(), nil)
	s.checkOpen(t, sh, 0)
	wantErr(t, sh.Close(), nil)
	_, err = in.Write([]byte{1})
	wantErr(t, err, shares.ErrClosed)
	_, err = store.Create(context.Background(), s.Header(2))
	wantErr(t, err, shares.ErrClosed)
	_, err = store.Open(context.Background(), s.ID(0))
	wantErr(t, err, shares.ErrClosed)
	_, err = store.Stat(context.Background(), s.ID(0))
	wantErr(t, err, shares.ErrClosed)
	_, err = store.Room(context.Background())
	wantErr(t, err, shares.ErrClosed)
	wantErr(t, store.Delete(context.Background(), s.ID(0)), shares.ErrClosed)
	wantErr(t, store.List(context.Background(), potluck.ShareID{}, func(shares.Info) error { return nil }), shares.ErrClosed)
}

// testConcurrent lets many callers put the same shares: each share is committed
// once, and every other caller is told why not.
func testConcurrent(t *testing.T, store shares.Store) {
	sets := []*Set{small(t, 1), large(t, 2), small(t, 3)}
	committed := map[potluck.ShareID]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, s := range sets {
				for number := range s.Data {
					done, err := s.try(store, number)
					mu.Lock()
					if err != nil {
						t.Error(err)
					} else if done {
						committed[s.ID(number)]++
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for _, s := range sets {
		for number := range s.Data {
			if n := committed[s.ID(number)]; n != 1 {
				t.Errorf("share %v was committed %d times", s.ID(number), n)
			}
			s.check(t, store, number)
		}
	}
}

// try puts a share unless another does or did.
func (s *Set) try(store shares.Store, number int) (bool, error) {
	in, err := store.Create(context.Background(), s.Header(number))
	if errors.Is(err, shares.ErrBusy) || errors.Is(err, shares.ErrExists) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if _, err := in.Write(s.Data[number]); err != nil {
		return false, fmt.Errorf("write: %w", err)
	}
	_, err = in.Commit(context.Background(), s.Manifest, s.Crosscheck)
	return err == nil, err
}
