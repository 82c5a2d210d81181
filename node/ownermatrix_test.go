package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// stumble says how one step of the owner fails.
type stumble struct {
	name string
	done bool // it has its effect all the same
	dies bool // it is the last of this life: nothing is written or sent after it
}

var stumbles = []stumble{
	{"an error, nothing done", false, false},
	{"an error, though it is done", true, false},
	{"the end before it", false, true},
	{"the end after it", true, true},
}

var errStumble = errors.New("this step failed")

// steps counts what an owner writes into its books and asks of hosts for one file,
// and has one of these fail.
type steps struct {
	mu    sync.Mutex
	of    potluck.StorageIndex
	how   stumble
	at    int      // the number of the step that fails, from 0; below 0: none
	calls []string // so far
	dead  bool
}

// set has a step fail from now on.
func (s *steps) set(at int, how stumble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.how, s.calls, s.dead = at, how, nil, false
}

func (s *steps) made() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *steps) isDead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// step does one step, or has it fail.
func (s *steps) step(name string, about potluck.StorageIndex, do func() error) error {
	s.mu.Lock()
	if s.dead {
		s.mu.Unlock()
		return errStumble
	}
	if about != s.of {
		s.mu.Unlock()
		return do()
	}
	s.calls = append(s.calls, name)
	fails := len(s.calls) == s.at+1
	s.dead = fails && s.how.dies
	s.mu.Unlock()
	if !fails {
		return do()
	}
	if s.how.done {
		return errors.Join(errStumble, do())
	}
	return errStumble
}

// stumblingBooks and stumblingNet are what the owner's files write to.
type stumblingBooks struct {
	files.Books
	*steps
}

func (b stumblingBooks) Place(ctx context.Context, ps []ledger.Placement) error {
	if len(ps) == 0 {
		return nil
	}
	return b.step(fmt.Sprintf("books: %d rows in state %d", len(ps), ps[0].State), ps[0].Share.Index, func() error { return b.Books.Place(ctx, ps) })
}

func (b stumblingBooks) Unplace(ctx context.Context, host peer.ID, ids []potluck.ShareID) error {
	return b.step("books: rows gone", ids[0].Index, func() error { return b.Books.Unplace(ctx, host, ids) })
}

func (b stumblingBooks) Mark(ctx context.Context, host peer.ID, ids []potluck.ShareID, to ledger.PlacementState, why string) error {
	return b.step(fmt.Sprintf("books: rows to state %d", to), ids[0].Index, func() error { return b.Books.Mark(ctx, host, ids, to, why) })
}

func (b stumblingBooks) PlaceFile(ctx context.Context, ps []ledger.Placement, f ledger.File) error {
	return b.step("books: the file", f.Index, func() error { return b.Books.PlaceFile(ctx, ps, f) })
}

func (b stumblingBooks) DropFile(ctx context.Context, index potluck.StorageIndex) error {
	return b.step("books: the file gone", index, func() error { return b.Books.DropFile(ctx, index) })
}

type stumblingNet struct {
	files.Network
	*steps
}

func (n stumblingNet) Connected(p peer.ID) bool { return !n.isDead() && n.Network.Connected(p) }

func (n stumblingNet) Allocate(ctx context.Context, p peer.ID, a p2p.AllocateRequest) (r p2p.AllocateResponse, err error) {
	err = n.step("a host: reserve", a.Index, func() (err error) {
		r, err = n.Network.Allocate(ctx, p, a)
		return err
	})
	return r, err
}

func (n stumblingNet) Write(ctx context.Context, p peer.ID, q p2p.WriteRequest) (w *p2p.Writer, err error) {
	err = n.step("a host: write", q.Index, func() (err error) {
		w, err = n.Network.Write(ctx, p, q)
		return err
	})
	if err != nil && w != nil {
		w.Abort()
		w = nil
	}
	return w, err
}

func (n stumblingNet) Store(ctx context.Context, p peer.ID, q p2p.StoreRequest) (r p2p.StoreResponse, err error) {
	err = n.step("a host: store", q.Index, func() (err error) {
		r, err = n.Network.Store(ctx, p, q)
		return err
	})
	return r, err
}

func (n stumblingNet) Cancel(ctx context.Context, p peer.ID, q p2p.CancelRequest) (r p2p.CancelResponse, err error) {
	err = n.step("a host: cancel", q.Shares[0].Index, func() (err error) {
		r, err = n.Network.Cancel(ctx, p, q)
		return err
	})
	return r, err
}

// matrix is an owner whose steps fail, and hosts that live on.
type matrix struct {
	*neighbourhood
	t      *testing.T // of the subtest
	whole  *testing.T // of the test: nodes live as long
	doer   *Node      // whose steps fail: the owner, or a friend that repairs for it
	end    func()
	steps  *steps
	data   []byte
	cap    caps.Read
	option files.PutOptions
}

// hinder puts steps between a node's files and its books and hosts.
func (m *matrix) hinder(n *Node) {
	_, secret, err := readKey(n.dir.join("node.key"))
	if err != nil {
		m.t.Fatal(err)
	}
	n.files.Close()
	n.files = files.New(files.Config{Self: n.self, Network: stumblingNet{n.host, m.steps}, Local: n.keep, Books: stumblingBooks{n.book, m.steps},
		Hosts: (*hosts)(n), Secret: secret, Rand: zeros{}, Clock: n.config.Clock, Log: n.log, Stall: 2 * time.Second})
	m.doer = n
}

// zeros is no randomness: what is put twice is the same.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// revive ends the node whose steps failed, and starts it again.
func (m *matrix) revive() {
	m.t.Helper()
	m.steps.set(-1, stumble{})
	old := m.doer
	m.end()
	n, end := start(m.whole, old.config)
	n.repair.cycle.Pause()
	m.end = end
	if old == m.owner {
		m.owner = n
	}
	m.hinder(n)
	for i, h := range m.hosts {
		if h == old { // a friend that holds shares too
			m.hosts[i] = n
			reunite(m.t, m.owner, n)
		} else {
			reunite(m.t, n, h)
		}
	}
}

// held lists the shares of the file that hosts hold under a lease, and fails the
// test when anything else of it is there.
func (m *matrix) held() (list []potluck.ShareNumber) {
	m.t.Helper()
	for _, h := range m.hosts {
		rows, err := h.book.SharesOf(m.t.Context(), m.cap.Index())
		if err != nil {
			m.t.Fatal(err)
		}
		for _, row := range rows {
			if row.State != ledger.ShareStable || len(row.Leases) != 1 || row.Leases[0].Pending || row.Leases[0].Owner != m.owner.self {
				m.t.Errorf("%s has %+v", h.config.Name, row)
			}
			list = append(list, row.ID.Number)
		}
	}
	return list
}

// agreed fails the test unless the books of the owner and of all hosts are equal
// after a comparison, if they are to be, every host's store is as its books say, and nothing is
// reserved.
func (m *matrix) agreed(equal bool) {
	m.t.Helper()
	for _, h := range m.hosts {
		if equal { // a removal may be on its way to the host
			eventually(m.t, "the books agree", func() bool {
				m.owner.tend.catchUp(m.t.Context(), h.self)
				reconciled(m.t, m.owner, h)
				return agree(m.t, m.owner, h)
			})
			sameBooks(m.t, m.owner, h)
		}
		clean(m.t, h)
		if u, err := h.book.Usage(m.t.Context(), m.owner.self); err != nil || u.Reserved != 0 {
			m.t.Errorf("%s reserves %v, %v", h.config.Name, u.Reserved, err)
		}
	}
}

// readable fails the test unless the file can be had.
func (m *matrix) readable() {
	m.t.Helper()
	var got sink
	if _, err := m.owner.Get(m.t.Context(), m.cap, &got, files.GetOptions{}, nil); err != nil || string(got) != string(m.data) {
		m.t.Errorf("the file can't be had: %d bytes, %v", len(got), err)
	}
}

type sink []byte

func (s *sink) Write(p []byte) (int, error) { *s = append(*s, p...); return len(p), nil }

// errand is something that an owner, or who repairs for it, does in steps, any of
// which may fail or be the last.
type errand struct {
	name   string
	before func(m *matrix)       // nil: nothing is there
	run    func(m *matrix) error // nil: it was acknowledged
	gone   bool                  // afterwards nothing is there
	differ bool                  // before it the books differ: the owner knows of a spoilt share, the host doesn't
	friend bool                  // a friend does it
	least  int                   // so many steps, or the test proves little
}

func (m *matrix) put() error {
	r, err := m.owner.Put(m.t.Context(), files.FromBytes("a file", m.data), m.option, nil)
	if err != nil {
		return err
	}
	c, err := caps.Parse(r.Cap)
	if err == nil {
		m.cap = c.(caps.Read)
		m.steps.mu.Lock()
		m.steps.of = m.cap.Index()
		m.steps.mu.Unlock()
	}
	return err
}

// remove is rm, and done also when nothing is left to be done.
func (m *matrix) remove() error {
	_, err := m.owner.Remove(m.t.Context(), m.cap)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return nil
	}
	return err
}

func (m *matrix) repair() error {
	r, err := m.doer.Repair(m.t.Context(), m.cap.Verify(), false, nil)
	if err == nil && r.Files[0].Left > 0 {
		err = fmt.Errorf("%d shares are still missing: %+v", r.Files[0].Left, r.Files[0].Failed)
	}
	return err
}

func (m *matrix) mustPut() {
	m.t.Helper()
	if err := m.put(); err != nil {
		m.t.Fatal(err)
	}
}

// first is the share that the first host holds of the file.
func (m *matrix) first() potluck.ShareID {
	m.t.Helper()
	rows, err := m.hosts[0].book.SharesOf(m.t.Context(), m.cap.Index())
	if err != nil || len(rows) == 0 {
		m.t.Fatalf("%+v, %v", rows, err)
	}
	return rows[0].ID
}

// found has the owner's check find what the first host lost or spoilt.
func (m *matrix) found() {
	m.t.Helper()
	if r, err := m.owner.Health(m.t.Context(), m.cap.Verify(), files.CheckOptions{Verify: true}, nil); err != nil || r.Short != 1 {
		m.t.Fatalf("check: %+v, %v", r, err)
	}
}

func losing(m *matrix) {
	m.mustPut()
	if err := m.hosts[0].store.Delete(m.t.Context(), m.first()); err != nil {
		m.t.Fatal(err)
	}
	m.found()
}

func errands() []errand {
	return []errand{
		{name: "put", run: (*matrix).put, least: 4},
		{name: "rm", before: (*matrix).mustPut, run: (*matrix).remove, gone: true, least: 5},
		{name: "repair of a lost share", before: losing, run: (*matrix).repair, least: 4},
		{name: "repair of a spoilt share", before: func(m *matrix) {
			m.mustPut()
			flipBit(m.t, m.hosts[0], m.first(), int64(shares.HeaderLen)+100)
			m.found()
		}, run: (*matrix).repair, differ: true, least: 5},
		{name: "move", before: func(m *matrix) {
			m.option.Hosts = []peer.ID{m.hosts[0].self}
			m.mustPut()
			m.option.Hosts = nil
		}, run: (*matrix).repair, least: 6},
		{name: "repair under an authority", before: losing, run: (*matrix).repair, friend: true, least: 2},
	}
}

// Every step of an owner's put, rm and repair, and of a friend's repair for it,
// fails in every way while the process lives, and is the last of a life. No
// acknowledged byte is lost, the errand can be done again at once, and then the
// books of both sides are equal and nothing is charged that isn't there.
func TestEveryFaultOfTheOwner(t *testing.T) {
	for _, x := range errands() {
		t.Run(x.name, func(t *testing.T) {
			m := newMatrix(t, x)
			m.round(x, -1, stumble{}, false)
			calls := m.steps.made()
			if len(calls) < x.least {
				t.Fatalf("only %d steps, want %d at least: the matrix has holes; %q", len(calls), x.least, calls)
			}
			for at, call := range calls {
				for _, how := range stumbles {
					t.Run(fmt.Sprintf("%d %s: %s", at, call, how.name), func(t *testing.T) { m.on(t).round(x, at, how, false) })
				}
				if !x.friend { // what a friend leaves reserved ends at its hosts by itself
					t.Run(fmt.Sprintf("%d %s: the end, and nobody goes on", at, call), func(t *testing.T) { m.on(t).round(x, at, stumbles[3], true) })
				}
			}
		})
	}
}

func newMatrix(t *testing.T, x errand) *matrix {
	m := &matrix{neighbourhood: newNeighbourhood(t, 2, nil), t: t, whole: t, steps: &steps{at: -1}, data: random(t, 50_000)}
	m.option = files.PutOptions{K: 1, N: 2, Happy: 1}
	m.end = m.ends[m.owner]
	if !x.friend {
		m.hinder(m.owner)
		m.mustPut() // the index is known from then on
		if err := m.remove(); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, h := range m.hosts {
		m.option.Hosts = append(m.option.Hosts, h.self)
	}
	friend, end := start(t, config(t, "friend"))
	friend.repair.cycle.Pause()
	befriend(t, friend, m.owner)
	for _, h := range m.hosts {
		befriend(t, h, friend)
	}
	m.end = end
	m.hinder(friend)
	m.hosts = append(m.hosts, friend)
	return m
}

// on has the matrix report to a subtest.
func (m *matrix) on(t *testing.T) *matrix {
	m.t, m.neighbourhood.t = t, t
	return m
}

// round does the errand once, one step of which fails, holds what is left against
// what was said, and cleans up.
func (m *matrix) round(x errand, at int, how stumble, abandoned bool) {
	m.steps.set(-1, stumble{})
	m.doer.repair.spoilers = spoilers{} // each round is the first
	if x.before != nil {
		x.before(m)
	}
	if x.friend {
		account, err := m.owner.Resolve(m.t.Context(), m.doer.self.String())
		if err == nil {
			_, err = m.owner.Authorize(m.t.Context(), account, m.cap, time.Hour)
		}
		if err != nil {
			m.t.Fatal(err)
		}
	}
	m.steps.set(at, how)
	err := x.run(m)
	if at < 0 && err != nil {
		m.t.Fatalf("%s, unhindered: %v", x.name, err)
	}
	if at >= 0 {
		m.steps.mu.Lock()
		m.steps.at = -1
		m.steps.mu.Unlock()
	}
	if how.dies {
		m.revive()
	}
	if err == nil || x.before != nil && !x.gone {
		if !x.gone {
			m.readable()
		}
	}
	switch {
	case abandoned:
		m.forget()
	case at >= 0:
		if err := x.run(m); err != nil {
			m.t.Fatalf("%s, once more: %v", x.name, err)
		}
	}
	calls := m.steps.made()
	if x.friend { // the owner gives up what the friend has replaced
		if _, err := m.owner.Repair(m.t.Context(), m.cap.Verify(), false, nil); err != nil {
			m.t.Error(err)
		}
	}
	m.agreed(!abandoned || !x.differ)
	if held := m.held(); !abandoned {
		slices.Sort(held)
		if want := map[bool][]potluck.ShareNumber{true: nil, false: {0, 1}}[x.gone]; !slices.Equal(held, want) {
			m.t.Errorf("hosts hold %v, want %v", held, want)
		}
		if !x.gone {
			m.readable()
		}
	}
	if err := m.remove(); err != nil {
		m.t.Errorf("rm in the end: %v", err)
	}
	if held := m.held(); len(held) > 0 {
		m.t.Errorf("hosts hold %v in the end", held)
	}
	m.agreed(true)
	if at < 0 {
		m.steps.mu.Lock()
		m.steps.calls = calls
		m.steps.mu.Unlock()
	}
}

// forget lets the time pass after which nobody is expected to go on.
func (m *matrix) forget() {
	m.clock.forward(m.owner.config.Coming + time.Hour)
	eventually(m.t, "what was reserved is given up", func() bool {
		if err := m.owner.tend.sweeping.TriggerWait(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
		rows, err := m.owner.book.Placements(m.t.Context(), m.cap.Index())
		return err == nil && !slices.ContainsFunc(rows, func(p ledger.Placement) bool { return p.State == ledger.PlacedComing })
	})
}

// agree tells whether an owner and a host count the same.
func agree(t *testing.T, owner, host *Node) bool {
	t.Helper()
	mine, err := owner.book.Summary(t.Context(), host.self, owner.self)
	theirs, failed := host.book.Summary(t.Context(), host.self, owner.self)
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	return mine == theirs
}
