package ledger

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// This file has the wire form of the rows about shares: shares, leases and
// placements.

// share is a share's own row. Leases is how many lease rows it has.
type share struct {
	ID       potluck.ShareID
	State    ShareState
	Layout   potluck.Layout
	Charge   potluck.Size
	Root     potluck.Digest
	Manifest potluck.Digest
	Created  int64
	Deadline int64
	Leases   int64
}

type shareWire struct {
	State    uint8      `cbor:"1,keyasint"`
	Layout   layoutWire `cbor:"2,keyasint"`
	Charge   int64      `cbor:"3,keyasint"`
	Root     []byte     `cbor:"4,keyasint,omitempty"`
	Manifest []byte     `cbor:"5,keyasint,omitempty"`
	Created  int64      `cbor:"6,keyasint"`
	Deadline int64      `cbor:"7,keyasint,omitempty"`
	Leases   int64      `cbor:"8,keyasint,omitempty"`
}

func encodeShare(s share) []byte {
	m := newRowMap(128)
	m.number(1, int64(s.State))
	m.layout(2, s.Layout)
	m.number(3, int64(s.Charge))
	m.data(4, wireDigest(s.Root))
	m.data(5, wireDigest(s.Manifest))
	m.number(6, s.Created)
	m.some(7, s.Deadline)
	m.some(8, s.Leases)
	return m.b
}

func decodeShare(id potluck.ShareID, b []byte) (share, error) {
	w, err := parse[shareWire]("share", b)
	if err != nil {
		return share{}, err
	}
	s := share{ID: id, State: ShareState(w.State), Layout: w.Layout.layout(), Charge: potluck.Size(w.Charge),
		Created: w.Created, Deadline: w.Deadline, Leases: w.Leases}
	s.Root, s.Manifest, err = readDigests(w.Root, w.Manifest)
	if err := first(err, s.check()); err != nil {
		return s, damaged("share", err)
	}
	return s, sameRow("share", encodeShare(s), b)
}

// check holds a row to what its state promises.
func (s share) check() error {
	if err := first(checkShareID(s.ID, s.Layout), checkCharge(s.Charge), checkTimes(s.Created, s.Deadline)); err != nil {
		return err
	}
	known := s.Root != (potluck.Digest{}) && s.Manifest != (potluck.Digest{})
	switch s.State {
	case ShareComing:
		if s.Leases != 1 || s.Deadline == 0 || known {
			return fmt.Errorf("COMING share with %d leases, deadline %d, root %v", s.Leases, s.Deadline, s.Root)
		}
	case ShareStable, ShareLost, ShareCorrupt:
		if s.Leases < 1 || s.Deadline != 0 || !known {
			return fmt.Errorf("%v share with %d leases, deadline %d, root %v", s.State, s.Leases, s.Deadline, s.Root)
		}
	case ShareGoing:
		if s.Leases != 0 || s.Deadline == 0 {
			return fmt.Errorf("GOING share with %d leases, deadline %d", s.Leases, s.Deadline)
		}
	default:
		return fmt.Errorf("share state %d is not known", s.State)
	}
	return nil
}

// row gives the public form, without leases.
func (s share) row() ShareRow {
	return ShareRow{ID: s.ID, State: s.State, Layout: s.Layout, Charge: s.Charge, Root: s.Root,
		Manifest: s.Manifest, Created: s.Created, Deadline: s.Deadline}
}

type leaseWire struct {
	Pending bool  `cbor:"1,keyasint,omitempty"`
	Since   int64 `cbor:"2,keyasint"`
	Until   int64 `cbor:"3,keyasint,omitempty"`
	Renewed int64 `cbor:"4,keyasint"`
	Charge  int64 `cbor:"5,keyasint"`
}

func encodeLease(l Lease) []byte {
	m := newRowMap(32)
	m.yes(1, l.Pending)
	m.number(2, l.Since)
	m.some(3, l.Until)
	m.number(4, l.Renewed)
	m.number(5, int64(l.Charge))
	return m.b
}

func decodeLease(owner peer.ID, b []byte) (Lease, error) {
	w, err := parse[leaseWire]("lease", b)
	if err != nil {
		return Lease{}, err
	}
	l := Lease{Owner: owner, Pending: w.Pending, Since: w.Since, Until: w.Until, Renewed: w.Renewed, Charge: potluck.Size(w.Charge)}
	if l.Pending && l.Until == 0 {
		return Lease{}, fmt.Errorf("lease row is pending without a deadline: %w", ErrDamaged)
	}
	if err := first(checkCharge(l.Charge), checkTimes(l.Since, l.Until, l.Renewed)); err != nil {
		return l, damaged("lease", err)
	}
	return l, sameRow("lease", encodeLease(l), b)
}

type placementWire struct {
	Layout   layoutWire `cbor:"1,keyasint"`
	Charge   int64      `cbor:"2,keyasint"`
	Root     []byte     `cbor:"3,keyasint,omitempty"`
	Manifest []byte     `cbor:"4,keyasint,omitempty"`
	Receipt  []byte     `cbor:"5,keyasint,omitempty"`
	Placed   int64      `cbor:"6,keyasint"`
	LastGood int64      `cbor:"7,keyasint,omitempty"`
	State    uint8      `cbor:"8,keyasint"`
}

func encodePlacement(p Placement) []byte {
	return marshal(placementWire{Layout: wireLayout(p.Layout), Charge: int64(p.Charge), Root: wireDigest(p.Root),
		Manifest: wireDigest(p.Manifest), Receipt: p.Receipt, Placed: p.Placed, LastGood: p.LastGood, State: uint8(p.State)})
}

func decodePlacement(id potluck.ShareID, host peer.ID, b []byte) (Placement, error) {
	w, err := unmarshal[placementWire]("placement", b)
	if err != nil {
		return Placement{}, err
	}
	p := Placement{Share: id, Host: host, Layout: w.Layout.layout(), Charge: potluck.Size(w.Charge), Receipt: w.Receipt,
		Placed: w.Placed, LastGood: w.LastGood, State: PlacementState(w.State)}
	p.Root, p.Manifest, err = readDigests(w.Root, w.Manifest)
	return p, damaged("placement", first(err, p.check()))
}
