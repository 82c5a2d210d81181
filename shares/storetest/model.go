package storetest

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"potluck"
	"potluck/shares"
)

// model is what a store should hold, in the simplest way. Its state of a share
// is one of absent, open, suspended and complete.
type model struct {
	store    shares.Store
	set      *Set
	open     map[int]shares.Incoming
	offset   map[int]int // of open and suspended shares
	complete map[int]bool
}

// testModel does random operations and compares every answer with the model's.
func testModel(t *testing.T, store shares.Store) {
	sets := []*Set{small(t, 1), large(t, 2)}
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{store: store, set: sets[round%2], open: map[int]shares.Incoming{}, offset: map[int]int{}, complete: map[int]bool{}}
		round++
		rt.Repeat(map[string]func(*rapid.T){
			"create": m.create, "write": m.write, "commit": m.commit, "suspend": m.suspend,
			"abort": m.abort, "delete": m.remove, "": m.check,
		})
		for number := range m.set.Data { // leave nothing to the next round
			if in := m.open[number]; in != nil {
				m.must(rt, in.Abort(), nil)
			}
			m.must(rt, store.Delete(context.Background(), m.set.ID(number)), nil)
		}
	})
}

func (m *model) must(t *rapid.T, err, want error) {
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

func (m *model) number(t *rapid.T) int { return rapid.IntRange(0, len(m.set.Data)-1).Draw(t, "number") }

// opened draws one of the open shares.
func (m *model) opened(t *rapid.T) (int, shares.Incoming) {
	number := m.number(t)
	if m.open[number] == nil {
		t.Skip("not open")
	}
	return number, m.open[number]
}

func (m *model) create(t *rapid.T) {
	number := m.number(t)
	in, err := m.store.Create(context.Background(), m.set.Header(number))
	switch {
	case m.complete[number]:
		m.must(t, err, shares.ErrExists)
	case m.open[number] != nil:
		m.must(t, err, shares.ErrBusy)
	default:
		m.must(t, err, nil)
		if in.Offset() != potluck.Size(m.offset[number]) {
			t.Fatalf("offset is %d, want %d", in.Offset(), m.offset[number])
		}
		m.open[number] = in
	}
}

func (m *model) write(t *rapid.T) {
	number, in := m.opened(t)
	data, at := m.set.Data[number], m.offset[number]
	n := rapid.IntRange(0, len(data)).Draw(t, "bytes")
	if at+n > len(data) {
		_, err := in.Write(make([]byte, n))
		m.must(t, err, shares.ErrTooLong)
		return
	}
	_, err := in.Write(data[at : at+n])
	m.must(t, err, nil)
	m.offset[number] += n
}

func (m *model) commit(t *rapid.T) {
	number, in := m.opened(t)
	_, err := in.Commit(context.Background(), m.set.Manifest, m.set.Crosscheck)
	if m.offset[number] == len(m.set.Data[number]) {
		m.must(t, err, nil)
		m.complete[number] = true
	} else {
		m.must(t, err, shares.ErrMismatch)
	}
	delete(m.open, number)
	delete(m.offset, number)
}

func (m *model) suspend(t *rapid.T) {
	number, in := m.opened(t)
	m.must(t, in.Suspend(), nil)
	delete(m.open, number)
}

func (m *model) abort(t *rapid.T) {
	number, in := m.opened(t)
	m.must(t, in.Abort(), nil)
	delete(m.open, number)
	delete(m.offset, number)
}

func (m *model) remove(t *rapid.T) {
	number := m.number(t)
	err := m.store.Delete(context.Background(), m.set.ID(number))
	if m.open[number] != nil {
		m.must(t, err, shares.ErrBusy)
		return
	}
	m.must(t, err, nil)
	delete(m.complete, number)
	delete(m.offset, number)
}

// check runs after every operation.
func (m *model) check(t *rapid.T) {
	listed := map[potluck.ShareID]bool{}
	m.must(t, m.store.List(context.Background(), potluck.ShareID{}, func(i shares.Info) error {
		listed[i.ID] = true
		return nil
	}), nil)
	if len(listed) != len(m.complete) {
		t.Fatalf("%d shares are listed, want %d", len(listed), len(m.complete))
	}
	for number := range m.complete {
		if !listed[m.set.ID(number)] {
			t.Fatalf("share %d isn't listed", number)
		}
		sh, err := m.store.Open(context.Background(), m.set.ID(number))
		m.must(t, err, nil)
		m.must(t, sh.Verify(context.Background()), nil)
		m.must(t, sh.Close(), nil)
	}
	for number, in := range m.open {
		if in.Offset() != potluck.Size(m.offset[number]) {
			t.Fatalf("offset of %d is %d, want %d", number, in.Offset(), m.offset[number])
		}
	}
}
