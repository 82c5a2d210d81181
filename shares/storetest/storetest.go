package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"potluck"
	"potluck/shares"
)

// Run tests the stores that open makes, each new and empty, with room for 64 MiB.
func Run(t *testing.T, open func(t *testing.T) shares.Store) {
	tests := []struct {
		name string
		test func(*testing.T, shares.Store)
	}{
		{"what was put is there", testRoundTrip},
		{"absent share", testAbsent},
		{"create twice", testCreateTwice},
		{"abort leaves nothing", testAbort},
		{"suspend and resume", testSuspend},
		{"resume needs the same layout and owner", testResumeOther},
		{"too long", testTooLong},
		{"mismatch keeps nothing", testMismatch},
		{"delete", testDelete},
		{"list", testList},
		{"set aside", testSetAside},
		{"bad header", testBadHeader},
		{"ended context", testContext},
		{"bad ranges", testRanges},
		{"room", testRoom},
		{"close", testClose},
		{"one of many creators", testConcurrent},
		{"random operations", testModel},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			store := open(t)
			t.Cleanup(func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			})
			c.test(t, store)
		})
	}
}

func small(t *testing.T, seed uint64) *Set {
	l, err := shares.NewLayout(2, 3, 3000)
	if err != nil {
		t.Fatal(err)
	}
	return NewSet(t, l, seed)
}

// large is a set whose shares no store holds back in memory.
func large(t *testing.T, seed uint64) *Set {
	l, err := shares.NewLayout(2, 3, 600_000)
	if err != nil {
		t.Fatal(err)
	}
	return NewSet(t, l, seed)
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

// check reads a share in every way and compares it with what was put.
func (s *Set) check(t *testing.T, store shares.Store, number int) {
	t.Helper()
	ctx := context.Background()
	sh, err := store.Open(ctx, s.ID(number))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := sh.Close(); err != nil {
			t.Error(err)
		}
	}()
	s.checkOpen(t, sh, number)
	info, err := store.Stat(ctx, s.ID(number))
	if err != nil {
		t.Fatal(err)
	}
	want := shares.Info{ID: s.ID(number), Header: sh.Header(), Stored: shares.StoredLen(s.Layout)}
	if info != want {
		t.Fatalf("info is %+v, want %+v", info, want)
	}
}

func (s *Set) checkOpen(t *testing.T, sh shares.Share, number int) {
	t.Helper()
	ctx := context.Background()
	h := s.Header(number)
	h.Root, h.Manifest = shares.Sum(s.Data[number]), shares.Sum(s.Manifest)
	if sh.Header() != h {
		t.Fatalf("header is %+v, want %+v", sh.Header(), h)
	}
	if !bytes.Equal(sh.Manifest(), s.Manifest) {
		t.Fatal("manifest differs")
	}
	if c, err := sh.Crosscheck(ctx); err != nil || !bytes.Equal(c, s.Crosscheck) {
		t.Fatalf("crosscheck differs: %v", err)
	}
	if err := sh.Verify(ctx); err != nil {
		t.Fatal(err)
	}
	size := shares.DataLen(s.Layout)
	for _, r := range [][2]potluck.Size{{0, size}, {size - 1, 1}, {size / 3, size/2 + 1 - size/3}} {
		var slice, data bytes.Buffer
		if err := sh.Slice(ctx, &slice, r[0], r[1]); err != nil {
			t.Fatal(err)
		}
		if err := shares.VerifySlice(&data, &slice, size, r[0], r[1], h.Root); err != nil {
			t.Fatal(err)
		}
		if slice.Len() != 0 || !bytes.Equal(data.Bytes(), s.Data[number][r[0]:r[0]+r[1]]) {
			t.Fatalf("slice of %d from %d differs", r[1], r[0])
		}
	}
}

func testRoundTrip(t *testing.T, store shares.Store) {
	for i, l := range Layouts(t) {
		s := NewSet(t, l, uint64(i))
		for _, number := range []int{0, int(l.N) - 1} {
			if number == 0 && l.N == 1 {
				continue
			}
			s.Put(t, store, number)
			s.check(t, store, number)
		}
	}
}

func testAbsent(t *testing.T, store shares.Store) {
	id := small(t, 1).ID(0)
	_, err := store.Open(context.Background(), id)
	wantErr(t, err, shares.ErrNotFound)
	_, err = store.Stat(context.Background(), id)
	wantErr(t, err, shares.ErrNotFound)
	wantErr(t, store.Delete(context.Background(), id), nil)
}

func testCreateTwice(t *testing.T, store shares.Store) {
	for _, s := range []*Set{small(t, 1), large(t, 2)} {
		in, err := store.Create(context.Background(), s.Header(0))
		wantErr(t, err, nil)
		_, err = store.Create(context.Background(), s.Header(0))
		wantErr(t, err, shares.ErrBusy)
		wantErr(t, store.Delete(context.Background(), s.ID(0)), shares.ErrBusy)
		_, err = store.Open(context.Background(), s.ID(0))
		wantErr(t, err, shares.ErrNotFound)
		s.Put(t, store, 1) // the others are free
		wantErr(t, in.Abort(), nil)
		s.Put(t, store, 0)
		_, err = store.Create(context.Background(), s.Header(0))
		wantErr(t, err, shares.ErrExists)
	}
}

func testAbort(t *testing.T, store shares.Store) {
	for _, s := range []*Set{small(t, 1), large(t, 2)} {
		in, err := store.Create(context.Background(), s.Header(0))
		wantErr(t, err, nil)
		_, err = in.Write(s.Data[0][:100])
		wantErr(t, err, nil)
		wantErr(t, in.Abort(), nil)
		wantErr(t, in.Abort(), nil)
		_, err = in.Write(s.Data[0])
		wantErr(t, err, shares.ErrClosed)
		wantErr(t, in.Suspend(), shares.ErrClosed)
		_, err = in.Commit(context.Background(), s.Manifest, s.Crosscheck)
		wantErr(t, err, shares.ErrClosed)
		in, err = store.Create(context.Background(), s.Header(0))
		wantErr(t, err, nil)
		if in.Offset() != 0 {
			t.Fatalf("offset after abort is %d", in.Offset())
		}
		wantErr(t, in.Abort(), nil)
	}
}

func testSuspend(t *testing.T, store shares.Store) {
	for _, s := range []*Set{small(t, 1), large(t, 2)} {
		for at := range 4 {
			end := len(s.Data[0]) * (at + 1) / 4
			h := s.Header(0)
			h.Created += int64(at) // the first one stays
			in, err := store.Create(context.Background(), h)
			wantErr(t, err, nil)
			if want := len(s.Data[0]) * at / 4; in.Offset() != potluck.Size(want) {
				t.Fatalf("offset is %d, want %d", in.Offset(), want)
			}
			_, err = in.Write(s.Data[0][in.Offset():end])
			wantErr(t, err, nil)
			wantErr(t, in.Suspend(), nil)
			_, err = in.Write(nil)
			wantErr(t, err, shares.ErrClosed)
		}
		s.Put(t, store, 0)
		s.check(t, store, 0)
	}
}

func testResumeOther(t *testing.T, store shares.Store) {
	s := small(t, 1)
	other, longer := s.Header(0), s.Header(0)
	other.Owner[0]++
	longer.Layout.Size++
	for _, h := range []shares.Header{other, longer} {
		in, err := store.Create(context.Background(), s.Header(0))
		wantErr(t, err, nil)
		_, err = in.Write(s.Data[0][in.Offset():])
		wantErr(t, err, nil)
		wantErr(t, in.Suspend(), nil)
		in, err = store.Create(context.Background(), h)
		wantErr(t, err, nil)
		if in.Offset() != 0 {
			t.Fatalf("resumed for %+v", h)
		}
		wantErr(t, in.Abort(), nil)
	}
}

func testTooLong(t *testing.T, store shares.Store) {
	for _, s := range []*Set{small(t, 1), large(t, 2)} {
		in, err := store.Create(context.Background(), s.Header(0))
		wantErr(t, err, nil)
		_, err = in.Write(s.Data[0][:10])
		wantErr(t, err, nil)
		_, err = in.Write(s.Data[0][9:])
		wantErr(t, err, shares.ErrTooLong)
		_, err = in.Write(s.Data[0][10:])
		wantErr(t, err, nil)
		_, err = in.Write([]byte{0})
		wantErr(t, err, shares.ErrTooLong)
		_, err = in.Commit(context.Background(), s.Manifest, s.Crosscheck)
		wantErr(t, err, nil)
		s.check(t, store, 0)
	}
}
