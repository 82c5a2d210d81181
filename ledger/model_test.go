package ledger

import (
	"errors"
	"maps"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// model is the books as a child would keep them: maps, nothing counted ahead,
// every figure summed anew.
type model struct {
	accounts map[peer.ID]Account
	shares   map[potluck.ShareID]*modelShare
	placed   map[placeKey]Placement
	now      int64
	looked   int64 // last Expire
}

type placeKey struct {
	id   potluck.ShareID
	host peer.ID
}

type modelShare struct {
	state    ShareState
	charge   potluck.Size
	root     potluck.Digest
	deadline int64 // of GOING
	leases   map[peer.ID]modelLease
}

type modelLease struct {
	pending bool
	until   int64
}

func (s *modelShare) vanished() bool { return s.state == ShareLost || s.state == ShareCorrupt }

func newModel(now int64) *model {
	return &model{accounts: make(map[peer.ID]Account), shares: make(map[potluck.ShareID]*modelShare),
		placed: make(map[placeKey]Placement), now: now, looked: now}
}

func (m *model) usage(p peer.ID) (u Usage) {
	for _, s := range m.shares {
		if l, ok := s.leases[p]; ok && l.pending {
			u.Reserved, u.ReservedShares = u.Reserved+s.charge, u.ReservedShares+1
		} else if ok {
			u.Held, u.HeldShares = u.Held+s.charge, u.HeldShares+1
		}
	}
	for k, pl := range m.placed {
		if k.host == p && pl.State == PlacedStable {
			u.Earned, u.EarnedShares = u.Earned+pl.Charge, u.EarnedShares+1
		}
	}
	return u
}

func (m *model) totals() (u Usage) {
	for p := range m.accounts {
		u, _ = u.plus(m.usage(p))
	}
	return u
}

var errRefused = errors.New("refused")

// reserve gives the grants that are due, or the class of error.
func (m *model) reserve(p peer.ID, offered potluck.Size, rs []Reservation) ([]GrantState, error) {
	var grants []GrantState
	var fresh potluck.Size
	for _, r := range rs {
		s := m.shares[r.Share]
		switch {
		case s == nil:
			grants, fresh = append(grants, GrantNew), fresh+r.Charge
			continue
		case s.state == ShareGoing:
			return nil, ErrBusy
		}
		l, mine := s.leases[p]
		switch {
		case s.state == ShareComing && !mine:
			return nil, ErrBusy
		case s.vanished() && !mine, s.charge != r.Charge:
			return nil, ErrConflict
		case s.vanished():
			grants = append(grants, GrantNew)
		case s.state == ShareComing:
			grants = append(grants, GrantResumed)
		case mine && !l.pending:
			grants = append(grants, GrantHeld)
		default:
			grants = append(grants, GrantExists)
			if !mine {
				fresh += r.Charge
			}
		}
	}
	a, u, all := m.accounts[p], m.usage(p), m.totals()
	limit := a.Terms.Gift + a.Terms.Opening + u.Earned*potluck.Size(a.Terms.RatioPPM)/1_000_000
	if !a.Friend || a.Denied || (fresh > 0 && (all.Held+all.Reserved+fresh > offered || u.Held+u.Reserved+fresh > limit)) {
		return nil, errRefused
	}
	for i, r := range rs {
		switch grants[i] {
		case GrantNew:
			if s := m.shares[r.Share]; s != nil {
				if l := s.leases[p]; l.pending {
					s.leases[p] = modelLease{true, r.Until.Unix()}
				}
				continue
			}
			m.shares[r.Share] = &modelShare{state: ShareComing, charge: r.Charge, leases: map[peer.ID]modelLease{p: {true, r.Until.Unix()}}}
		case GrantResumed, GrantExists:
			m.shares[r.Share].leases[p] = modelLease{true, r.Until.Unix()}
		}
	}
	return grants, nil
}

func (m *model) commit(p peer.ID, id potluck.ShareID, root potluck.Digest) error {
	s := m.shares[id]
	if s == nil {
		return ErrNotFound
	}
	if _, mine := s.leases[p]; !mine {
		return ErrNotFound
	}
	switch {
	case s.state == ShareComing:
		s.state, s.root = ShareStable, root
	case s.root != root:
		return ErrConflict
	case s.vanished():
		s.state = ShareStable
	}
	if s.leases[p].pending {
		s.leases[p] = modelLease{}
	}
	return nil
}

// drop removes p's leases for which ok holds.
func (m *model) drop(p peer.ID, ids []potluck.ShareID, ok func(modelLease) bool) (freed potluck.Size, gone []potluck.ShareID) {
	for _, id := range ids {
		s := m.shares[id]
		if s == nil {
			continue
		}
		if l, mine := s.leases[p]; !mine || !ok(l) {
			continue
		}
		delete(s.leases, p)
		freed += s.charge
		if len(s.leases) == 0 {
			s.state, s.deadline = ShareGoing, m.now+goingRetry
			gone = append(gone, id)
		}
	}
	return freed, gone
}

func (m *model) all() []potluck.ShareID {
	return slices.SortedFunc(maps.Keys(m.shares), potluck.ShareID.Compare)
}

// expire gives the set of shares that go.
func (m *model) expire() (gone map[potluck.ShareID]bool) {
	gone = make(map[potluck.ShareID]bool)
	steady := max(m.now-m.looked, m.looked-m.now) <= clockJump
	m.looked = m.now
	if !steady {
		return gone
	}
	for _, id := range m.all() {
		s := m.shares[id]
		if s.state == ShareGoing && s.deadline <= m.now {
			s.deadline = m.now + goingRetry
			gone[id] = true
			continue
		}
		for p, l := range s.leases {
			end := l.until
			if end == 0 {
				end = m.accounts[p].LeasesUntil
			}
			if end == 0 || end > m.now {
				continue
			}
			if _, g := m.drop(p, []potluck.ShareID{id}, func(modelLease) bool { return true }); len(g) > 0 {
				gone[id] = true
			}
		}
	}
	return gone
}

func (m *model) goingAll(ids []potluck.ShareID) bool {
	for _, id := range ids {
		if s := m.shares[id]; s != nil && s.state != ShareGoing {
			return false
		}
	}
	return true
}
