package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/ledger"
	"potluck/shares"
)

// RepairOptions says how a file is repaired. The zero value brings back every
// number that nobody holds.
type RepairOptions struct {
	DryRun bool `json:"dry_run,omitempty"` // tell what would be done, and do nothing
	// Gone are hosts whose shares count as lost though nobody could ask them: they
	// were away for too long.
	Gone []peer.ID `json:"-"`
	// Retried are shares that were wrong in an earlier repair and that their hosts
	// were given anew. Who is wrong about one of them once more is given shares only
	// where nobody else takes them, as are those in Caught.
	Retried []Blame   `json:"-"`
	Caught  []peer.ID `json:"-"`
	// Authority, if not empty, is a sealed repair authority for this node, and Owner
	// who signed it: hosts charge the owner. This node's books aren't touched.
	Authority []byte  `json:"-"`
	Owner     peer.ID `json:"-"`
	// Most bounds the bytes that the repair may move; 0: any number. A repair that
	// would move more does nothing, and says what it would cost.
	Most potluck.Size `json:"-"`
	// NoWait has the repair end with ErrInUse when the file is being put, removed or
	// repaired just now, rather than wait for that.
	NoWait bool `json:"-"`
}

// ErrInUse says that the file is being put, removed or repaired just now.
var ErrInUse = errors.New("the file is being put, removed or repaired just now")

// Numbers are share numbers, as a list of numbers in JSON too: a slice of bytes would be base64 there.
type Numbers []potluck.ShareNumber

// MarshalJSON gives the list, empty rather than null.
func (n Numbers) MarshalJSON() ([]byte, error) {
	list := make([]int, len(n))
	for i, x := range n {
		list[i] = int(x)
	}
	return json.Marshal(list)
}

// RepairResult tells what a repair did, or with DryRun would do.
type RepairResult struct {
	Index    potluck.StorageIndex `json:"index"`
	Name     string               `json:"name,omitempty"`
	Size     potluck.Size         `json:"size"`
	Layout   potluck.Layout       `json:"layout"`
	Missing  Numbers              `json:"missing"`  // numbers that nobody held before, or only hosts that had lost or spoilt them
	Placed   []Placed             `json:"placed"`   // shares that were made anew
	Reused   []Placed             `json:"reused"`   // shares that were there and that the books didn't count as held
	Moved    []Placed             `json:"moved"`    // shares brought from hosts that have several to hosts that had none
	Unplaced []Placed             `json:"unplaced"` // further copies, what was moved, and leases on what is lost, that were given up
	Failed   []HostRefusal        `json:"failed"`   // hosts that couldn't take a share, or give one
	Cost     potluck.Size         `json:"cost"`     // bytes of shares that the repair has to move
	Read     potluck.Size         `json:"read"`     // bytes of shares read
	Sent     potluck.Size         `json:"sent"`     // bytes of shares sent
	Seconds  float64              `json:"seconds"`
	DryRun   bool                 `json:"dry_run,omitempty"`
	Left     int                  `json:"left"`   // numbers that nobody holds now
	Chance   Chance               `json:"chance"` // now, with what is unknown counted as there when its host is
	Blamed   []Blame              `json:"blamed,omitempty"`
}

// mend is one repair on its way.
type mend struct {
	*look
	o      RepairOptions
	get    *get
	report *reporter
	result RepairResult

	good    []holding        // the right shares, as far as is known, one entry per copy
	doubted []holding        // claimed, and not counted as held by the books: to be read whole before they count
	away    []edge           // in the books, at hosts that can't be asked and aren't gone
	avoid   map[peer.ID]bool // hosts that lost or damaged a share of this file
	last    map[peer.ID]bool // hosts that were wrong again about what they were given anew
	home    map[edge]bool    // shares that their hosts, which are here, lost or spoilt, or were to get
	wrong   map[edge]holding // of these: what the host claims still
	kept    []edge           // one copy of each number, once the others are given up
}

// Repair brings a file's missing shares back from any k that are left: the same
// shares, with the same roots. Shares that came back are used again rather than
// made anew, and further copies are given up. It needs no more than a verify cap.
// What it brings is charged to this node, and in its books as if it had put it; or
// to the owner who signed the authority. A put or removal of the file ends it.
// report may be nil. Errors: *UsageError, *NotEnoughError, *DamageError, or ctx's;
// what was done before an error is in the result and in the books.
func (c *Client) Repair(ctx context.Context, cp caps.Cap, o RepairOptions, report func(Progress)) (RepairResult, error) {
	start := c.c.Clock()
	v, err := VerifyCap(cp)
	if err != nil {
		return RepairResult{}, err
	}
	if !c.enter() {
		return RepairResult{}, errClosed
	}
	defer c.behind.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.life, func() { cancel(errClosed) })()
	turn, err := c.repairTurn(ctx, v.Index, o.NoWait)
	if err != nil {
		return RepairResult{}, err
	}
	defer c.giveBack(turn)
	turn.goBehind(cancel)
	l, err := c.look(ctx, v)
	if err != nil {
		return RepairResult{}, err
	}
	m := newMend(l, o, newReporter(report, c.c.Clock))
	err = m.run(ctx)
	m.finish()
	m.result.Seconds = c.c.Clock().Sub(start).Seconds()
	return m.result, err
}

func newMend(l *look, o RepairOptions, r *reporter) *mend {
	v := l.file
	m := &mend{look: l, o: o, get: l.get(), report: r, avoid: make(map[peer.ID]bool), last: make(map[peer.ID]bool),
		home: make(map[edge]bool), wrong: make(map[edge]holding)}
	for _, h := range o.Caught {
		m.last[h] = true
	}
	m.result = RepairResult{Index: v.Index, Size: v.Layout.Size, Layout: v.Layout, DryRun: o.DryRun, Missing: []potluck.ShareNumber{},
		Placed: []Placed{}, Reused: []Placed{}, Moved: []Placed{}, Unplaced: []Placed{}, Failed: []HostRefusal{}}
	return m
}

// repairTurn takes the turn of a file.
func (c *Client) repairTurn(ctx context.Context, index potluck.StorageIndex, noWait bool) (*turn, error) {
	if noWait {
		mine, other := c.tryTurn(index)
		if other != nil {
			return nil, ErrInUse
		}
		return mine, nil
	}
	mine, err := c.turn(ctx, index)
	if err != nil {
		return nil, fmt.Errorf("wait for the end of its put: %w", err)
	}
	return mine, nil
}

// own tells whether the file is this node's own, or becomes it.
func (m *mend) own() bool { return len(m.o.Authority) == 0 }

// run repairs: first what is there is counted, then used again, then made anew,
// and only then is anything given up, or moved.
func (m *mend) run(ctx context.Context) error {
	file, err := m.client.c.Books.File(ctx, m.file.Index)
	known := err == nil
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return fmt.Errorf("look the file up: %w", err)
	}
	m.result.Name = file.Name
	m.sort()
	m.result.Missing = m.missing(true)
	m.result.Cost = m.cost()
	m.result.Left = len(m.result.Missing)
	if m.o.DryRun {
		return m.foretell(ctx)
	}
	if err := m.markLost(ctx); err != nil {
		return err
	}
	if m.o.Most > 0 && m.result.Cost > m.o.Most {
		return nil
	}
	if len(m.doubted) > 0 || len(m.result.Missing) > 0 {
		if err := m.get.fetchManifest(ctx); err != nil {
			return err
		}
	}
	if err := m.reuse(ctx); err != nil {
		return err
	}
	var made []ledger.Placement
	if wanted := m.missing(false); len(wanted) > 0 {
		if made, err = m.rebuild(ctx, wanted); err != nil {
			return err
		}
	}
	m.result.Left = len(m.missing(false)) - len(made)
	if !m.own() {
		m.keep(made)
		return nil
	}
	if !known && len(made)+len(m.result.Reused) > 0 {
		if err := m.adopt(ctx); err != nil {
			return err
		}
	}
	if err := m.giveUp(ctx, made); err != nil {
		return err
	}
	return m.spreadOut(ctx)
}

// sort parts what is known of the file into what counts, what is doubted and what
// is away.
func (m *mend) sort() {
	for _, h := range m.held {
		e := edge{h.Number, h.host}
		switch {
		case !m.own(), m.booked(e) && h.Mine, h.host == m.client.c.Self:
			m.good = append(m.good, h)
		default:
			m.doubted = append(m.doubted, h)
		}
	}
	for _, s := range m.shares() {
		switch {
		case s.State == HealthUnknown && s.Host != "" && !slices.Contains(m.o.Gone, s.Host):
			m.away = append(m.away, edge{s.Number, s.Host})
		case s.State == HealthLost:
			m.avoid[s.Host] = true
			m.home[edge{s.Number, s.Host}] = m.answered(s.Host)
		}
	}
	for _, p := range m.placed { // what an earlier put or repair had reserved, and didn't bring
		if p.State == ledger.PlacedComing && m.answered(p.Host) {
			m.home[edge{p.Share.Number, p.Host}] = true
		}
	}
}

// missing lists the numbers that nobody holds; with hopes those that are merely
// doubted count as held, unless the books know that they were lost.
func (m *mend) missing(hopes bool) []potluck.ShareNumber {
	var there numbers
	for _, h := range m.good {
		there.add(h.Number)
	}
	for _, e := range m.away {
		there.add(e.number)
	}
	for _, h := range m.doubted {
		if hopes && !m.lostBefore(edge{h.Number, h.host}) {
			there.add(h.Number)
		}
	}
	list := []potluck.ShareNumber{}
	for n := range m.file.Layout.N {
		if !there.has(potluck.ShareNumber(n)) {
			list = append(list, potluck.ShareNumber(n))
		}
	}
	return list
}

// cost is how many bytes of shares have to be moved at most: k shares in and each
// missing one out, and each doubted copy of a number that nobody else holds in. If
// only k numbers are left beside what was lost before, these are read first.
func (m *mend) cost() potluck.Size {
	reads, spoilt := 0, false
	var left numbers
	for _, h := range m.good {
		left.add(h.Number)
	}
	for _, h := range m.doubted {
		if !m.isGood(h.Number) {
			reads++
			spoilt = spoilt || m.lostBefore(edge{h.Number, h.host})
		}
	}
	if k := int(m.file.Layout.K); spoilt && left.count() <= k {
		reads += k
	}
	return potluck.Size(reads)*shares.DataLen(m.file.Layout) + RepairCost(m.file.Layout, len(m.result.Missing))
}

// isGood tells whether a share that counts is there.
func (m *mend) isGood(n potluck.ShareNumber) bool {
	return slices.ContainsFunc(m.good, func(h holding) bool { return h.Number == n })
}

// RepairCost is how many bytes of shares a repair moves that makes so many shares
// of a layout anew.
func RepairCost(l potluck.Layout, missing int) potluck.Size {
	if missing == 0 {
		return 0
	}
	return potluck.Size(l.K)*shares.DataLen(l) + potluck.Size(missing)*shares.SentLen(l)
}

// finish fills in the figures of the result.
func (m *mend) finish() {
	bytes, blames := m.get.pool.account()
	for _, n := range bytes {
		m.result.Read += n
	}
	m.result.Blamed = append(m.result.Blamed, blames...)
	m.result.Failed = append(m.result.Failed, m.known.reasons()...)
	m.result.Failed = slices.DeleteFunc(m.result.Failed, func(r HostRefusal) bool { return r.Reason == errNotConnected.Error() })
	all := m.kept
	if all == nil {
		for _, h := range m.good {
			all = append(all, edge{h.Number, h.host})
		}
	}
	all = append(slices.Clone(all), m.away...)
	m.result.Chance = m.known.homes.chanceOf(int(m.file.Layout.K), all, m.known.up)
}

func (m *mend) at(number potluck.ShareNumber, host peer.ID) Placed {
	return Placed{Number: number, Host: host, Name: m.known.nameOf(host), Charge: shares.Charge(m.file.Layout)}
}

// adopt makes a file whose shares are charged to this node one of its own.
func (m *mend) adopt(ctx context.Context) error {
	l := m.file.Layout
	err := m.client.c.Books.PlaceFile(ctx, nil, ledger.File{Index: m.file.Index, Manifest: m.file.Manifest, Layout: l,
		Put: m.client.c.Clock().Unix(), Wanted: int(l.N)})
	if err != nil {
		return fmt.Errorf("write the file down: %w", err)
	}
	return nil
}
