package ledger

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// This file has the wire form of the rows about peers: accounts and counters.
// What is in a row's key isn't repeated in its value.

type accountWire struct {
	Name        string    `cbor:"1,keyasint,omitempty"`
	Household   string    `cbor:"2,keyasint,omitempty"`
	Terms       termsWire `cbor:"3,keyasint"`
	Theirs      termsWire `cbor:"4,keyasint"`
	Friend      bool      `cbor:"5,keyasint,omitempty"`
	Denied      bool      `cbor:"6,keyasint,omitempty"`
	Addrs       []string  `cbor:"7,keyasint,omitempty"`
	FirstSeen   int64     `cbor:"8,keyasint,omitempty"`
	LastSeen    int64     `cbor:"9,keyasint,omitempty"`
	LeasesUntil int64     `cbor:"10,keyasint,omitempty"`
}

func encodeAccount(a Account) []byte {
	return marshal(accountWire{Name: a.Name, Household: a.Household, Terms: wireTerms(a.Terms),
		Theirs: wireTerms(a.Theirs), Friend: a.Friend, Denied: a.Denied, Addrs: a.Addrs,
		FirstSeen: a.FirstSeen, LastSeen: a.LastSeen, LeasesUntil: a.LeasesUntil})
}

func decodeAccount(p peer.ID, b []byte) (Account, error) {
	w, err := unmarshal[accountWire]("account", b)
	if err != nil {
		return Account{}, err
	}
	a := Account{Peer: p, Name: w.Name, Household: w.Household, Terms: w.Terms.terms(),
		Theirs: w.Theirs.terms(), Friend: w.Friend, Denied: w.Denied, Addrs: w.Addrs,
		FirstSeen: w.FirstSeen, LastSeen: w.LastSeen, LeasesUntil: w.LeasesUntil}
	return a, damaged("account", a.check())
}

type usageWire struct {
	_              struct{} `cbor:",toarray"`
	Held           int64
	HeldShares     int64
	Reserved       int64
	ReservedShares int64
	Earned         int64
	EarnedShares   int64
}

func encodeUsage(u Usage) []byte {
	return marshal(usageWire{Held: int64(u.Held), HeldShares: u.HeldShares, Reserved: int64(u.Reserved),
		ReservedShares: u.ReservedShares, Earned: int64(u.Earned), EarnedShares: u.EarnedShares})
}

func decodeUsage(b []byte) (Usage, error) {
	w, err := unmarshal[usageWire]("usage", b)
	if err != nil {
		return Usage{}, err
	}
	u := Usage{Held: potluck.Size(w.Held), HeldShares: w.HeldShares, Reserved: potluck.Size(w.Reserved),
		ReservedShares: w.ReservedShares, Earned: potluck.Size(w.Earned), EarnedShares: w.EarnedShares}
	if !u.inRange() {
		return Usage{}, fmt.Errorf("usage row has a counter out of range: %w", ErrDamaged)
	}
	return u, nil
}

type inviteWire struct {
	Secret  []byte    `cbor:"1,keyasint"`
	Name    string    `cbor:"2,keyasint,omitempty"`
	Terms   termsWire `cbor:"3,keyasint"`
	Created int64     `cbor:"4,keyasint"`
	Expires int64     `cbor:"5,keyasint"`
	State   uint8     `cbor:"6,keyasint"`
	UsedBy  []byte    `cbor:"7,keyasint,omitempty"`
}

func encodeInvite(i Invite) []byte {
	return marshal(inviteWire{Secret: i.Secret[:], Name: i.Name, Terms: wireTerms(i.Terms),
		Created: i.Created, Expires: i.Expires, State: uint8(i.State), UsedBy: wirePeer(i.UsedBy)})
}

func decodeInvite(id InviteID, b []byte) (Invite, error) {
	w, err := unmarshal[inviteWire]("invite", b)
	if err != nil {
		return Invite{}, err
	}
	i := Invite{ID: id, Name: w.Name, Terms: w.Terms.terms(), Created: w.Created, Expires: w.Expires,
		State: InviteState(w.State), UsedBy: peer.ID(w.UsedBy)}
	if len(w.Secret) != len(i.Secret) {
		return Invite{}, fmt.Errorf("invite row has a secret of %d bytes: %w", len(w.Secret), ErrDamaged)
	}
	copy(i.Secret[:], w.Secret)
	return i, damaged("invite", i.check())
}

type fileWire struct {
	Manifest []byte     `cbor:"1,keyasint,omitempty"`
	Layout   layoutWire `cbor:"2,keyasint"`
	Name     string     `cbor:"3,keyasint,omitempty"`
	Put      int64      `cbor:"4,keyasint"`
	Wanted   int        `cbor:"5,keyasint"`
}

func encodeFile(f File) []byte {
	return marshal(fileWire{Manifest: wireDigest(f.Manifest), Layout: wireLayout(f.Layout),
		Name: f.Name, Put: f.Put, Wanted: f.Wanted})
}

func decodeFile(x potluck.StorageIndex, b []byte) (File, error) {
	w, err := unmarshal[fileWire]("file", b)
	if err != nil {
		return File{}, err
	}
	f := File{Index: x, Layout: w.Layout.layout(), Name: w.Name, Put: w.Put, Wanted: w.Wanted}
	f.Manifest, err = readDigest(w.Manifest)
	return f, damaged("file", first(err, f.check()))
}
