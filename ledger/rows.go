package ledger

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/credit"
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

	Standing *standingWire `cbor:"11,keyasint,omitempty"`
}

// standingWire is left out for the zero standing.
type standingWire struct {
	_           struct{} `cbor:",toarray"`
	Step        uint8
	Since       int64
	Breach      int64
	Short       int64
	GoodwillPPM int64
	Service     int64
	Told        uint8
	ToldAt      int64
	Pinned      bool
	Word        bool
	Reason      string
	Evicted     int64
}

func wireStanding(s credit.Standing) *standingWire {
	if s == (credit.Standing{}) {
		return nil
	}
	return &standingWire{Step: uint8(s.Step), Since: s.Since, Breach: s.Breach, Short: int64(s.Short), GoodwillPPM: s.GoodwillPPM,
		Service: s.Service, Told: uint8(s.Told), ToldAt: s.ToldAt, Pinned: s.Pinned, Word: s.Word, Reason: s.Reason.String(), Evicted: s.Evicted}
}

// standing reads nothing as the zero standing, which is never written out.
func (w *standingWire) standing() (s credit.Standing, err error) {
	if w == nil {
		return s, nil
	}
	s = credit.Standing{Step: credit.Step(w.Step), Since: w.Since, Breach: w.Breach, Short: potluck.Size(w.Short), GoodwillPPM: w.GoodwillPPM,
		Service: w.Service, Told: credit.Step(w.Told), ToldAt: w.ToldAt, Pinned: w.Pinned, Word: w.Word, Reason: credit.Worded(w.Reason), Evicted: w.Evicted}
	if s == (credit.Standing{}) {
		err = fmt.Errorf("standing of nothing is written out")
	}
	return s, err
}

func encodeAccount(a Account) []byte {
	return marshal(accountWire{Name: a.Name, Household: a.Household, Terms: wireTerms(a.Terms),
		Theirs: wireTerms(a.Theirs), Friend: a.Friend, Denied: a.Denied, Addrs: a.Addrs,
		FirstSeen: a.FirstSeen, LastSeen: a.LastSeen, LeasesUntil: a.LeasesUntil, Standing: wireStanding(a.Standing)})
}

func decodeAccount(p peer.ID, b []byte) (Account, error) {
	w, err := unmarshal[accountWire]("account", b)
	if err != nil {
		return Account{}, err
	}
	a := Account{Peer: p, Name: w.Name, Household: w.Household, Terms: w.Terms.terms(),
		Theirs: w.Theirs.terms(), Friend: w.Friend, Denied: w.Denied, Addrs: w.Addrs,
		FirstSeen: w.FirstSeen, LastSeen: w.LastSeen, LeasesUntil: w.LeasesUntil}
	a.Standing, err = w.Standing.standing()
	return a, damaged("account", first(err, a.check()))
}

// A usage row is an array of six counters, and of Newest when it isn't zero. It
// is read and written with every change of a lease, so it has a codec of its own.
const (
	usageSix   = 0x86 // an array of six
	usageSeven = 0x87
)

func encodeUsage(u Usage) []byte {
	b := append(make([]byte, 0, 48), usageSix)
	if u.Newest != 0 {
		b[0] = usageSeven
	}
	for _, v := range [...]int64{int64(u.Held), u.HeldShares, int64(u.Reserved), u.ReservedShares, int64(u.Earned), u.EarnedShares} {
		b = appendNumber(b, uint64(v))
	}
	if u.Newest != 0 {
		b = appendNumber(b, uint64(u.Newest))
	}
	return b
}

func decodeUsage(b []byte) (Usage, error) {
	wrong := func(why string) (Usage, error) {
		return Usage{}, fmt.Errorf("usage row of %d bytes %s: %w", len(b), why, ErrDamaged)
	}
	if len(b) == 0 || (b[0] != usageSix && b[0] != usageSeven) {
		return wrong("isn't an array of 6 or 7")
	}
	var v [7]int64
	rest, ok := b[1:], true
	for i := range int(b[0] - 0x80) {
		if v[i], rest, ok = takeNumber(rest); !ok {
			return wrong("has a counter in a wrong form")
		}
	}
	if len(rest) != 0 || (b[0] == usageSeven && v[6] == 0) {
		return wrong("is not in its one encoding")
	}
	u := Usage{Held: potluck.Size(v[0]), HeldShares: v[1], Reserved: potluck.Size(v[2]), ReservedShares: v[3],
		Earned: potluck.Size(v[4]), EarnedShares: v[5], Newest: v[6]}
	if !u.inRange() {
		return wrong("has a counter out of range")
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
	Cap      string     `cbor:"6,keyasint,omitempty"`
}

func encodeFile(f File) []byte {
	return marshal(fileWire{Manifest: wireDigest(f.Manifest), Layout: wireLayout(f.Layout),
		Name: f.Name, Put: f.Put, Wanted: f.Wanted, Cap: f.Cap})
}

func decodeFile(x potluck.StorageIndex, b []byte) (File, error) {
	w, err := unmarshal[fileWire]("file", b)
	if err != nil {
		return File{}, err
	}
	f := File{Index: x, Layout: w.Layout.layout(), Name: w.Name, Put: w.Put, Wanted: w.Wanted, Cap: w.Cap}
	f.Manifest, err = readDigest(w.Manifest)
	return f, damaged("file", first(err, f.check()))
}
