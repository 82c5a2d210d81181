// Package keepsake has the contents of what a node leaves with its friends for
// the day on which its disk is gone: the blob of a signed keepsake, which only
// the node's own key opens, and the backup of its books, which is an ordinary
// file at its friends and whose cap lies in the blob. docs/spec/recovery.md has
// every byte.
//
// The package is pure: bytes in, values out. What is read was sealed or put by
// this node itself; it is bounded and validated all the same, since an older or
// newer program may have written it.
package keepsake

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
)

// What a caller can conclude from an error of this package.
var (
	// ErrInvalid: the bytes aren't what this package writes.
	ErrInvalid = errors.New("not a valid keepsake")
	// ErrKey: it was sealed for another key, or somebody changed it.
	ErrKey = errors.New("keepsake can't be opened with this key")
	// ErrNewer: a newer program wrote it.
	ErrNewer = errors.New("keepsake was written by a newer version of potluck")
)

// Bounds of what is read.
const (
	MaxFriends = 1 << 12 // in one keepsake or backup
	MaxCap     = 256     // bytes of a cap's text
	MaxRecent  = 64      // files in one keepsake
)

// Content is what a keepsake says.
type Content struct {
	Name     string   // of the node
	Backup   Backup   // the newest backup of the books; the zero value: there is none
	Previous Backup   // the one before, which is removed after the next
	Friends  []Friend // those who hold most come first
	Recent   []Recent // files that the backup may not have: the newest come first
}

// Recent is a file that was put after the newest backup began.
type Recent struct {
	Manifest potluck.Digest
	Layout   potluck.Layout
	Name     string
	Put      int64
	Wanted   int
	Key      []byte // of its read cap: 32 bytes
}

// Validate tells whether every field lies in its range.
func (r Recent) Validate() error {
	if len(r.Key) != 32 {
		return fmt.Errorf("%w: recent file with a key of %d bytes", ErrInvalid, len(r.Key))
	}
	return File{Manifest: r.Manifest, Layout: r.Layout, Name: r.Name, Put: r.Put, Wanted: r.Wanted, Key: r.Key}.Validate(0)
}

// Backup names a backup of the books.
type Backup struct {
	Cap  string // text of its read cap
	Time int64  // unix seconds when it was made
}

// Friend is one peer as the books have it: a friend, or one that holds something.
type Friend struct {
	Peer      peer.ID
	Name      string
	Household string
	Friend    bool // false: it is known and holds something
	Denied    bool
	Addrs     []string
	Terms     ledger.Terms // what it may have here
	Theirs    ledger.Terms // what it gives
}

// Validate tells whether every field lies in its range.
func (c Content) Validate() error {
	if len(c.Friends) > MaxFriends {
		return fmt.Errorf("%w: %d friends, at most %d are allowed", ErrInvalid, len(c.Friends), MaxFriends)
	}
	if len(c.Name) > ledger.MaxName || len(c.Backup.Cap) > MaxCap || len(c.Previous.Cap) > MaxCap {
		return fmt.Errorf("%w: a name of %d bytes, caps of %d and %d", ErrInvalid, len(c.Name), len(c.Backup.Cap), len(c.Previous.Cap))
	}
	if len(c.Recent) > MaxRecent {
		return fmt.Errorf("%w: %d recent files, at most %d are allowed", ErrInvalid, len(c.Recent), MaxRecent)
	}
	for _, r := range c.Recent {
		if err := r.Validate(); err != nil {
			return err
		}
	}
	for _, f := range c.Friends {
		if err := f.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// Validate tells whether every field lies in its range. The books check the rest.
func (f Friend) Validate() error {
	switch {
	case len(f.Peer) == 0 || len(f.Peer) > ledger.MaxPeer:
		return fmt.Errorf("%w: peer ID of %d bytes", ErrInvalid, len(f.Peer))
	case len(f.Name) > ledger.MaxName || len(f.Household) > ledger.MaxName:
		return fmt.Errorf("%w: name of %d bytes, household of %d", ErrInvalid, len(f.Name), len(f.Household))
	case len(f.Addrs) > ledger.MaxAddrs:
		return fmt.Errorf("%w: %d addresses", ErrInvalid, len(f.Addrs))
	}
	for _, a := range f.Addrs {
		if len(a) > ledger.MaxAddr {
			return fmt.Errorf("%w: address of %d bytes", ErrInvalid, len(a))
		}
	}
	return nil
}

// Account is the row that a friend gets in new books.
func (f Friend) Account() ledger.Account {
	return ledger.Account{Peer: f.Peer, Name: f.Name, Household: f.Household, Friend: f.Friend, Denied: f.Denied, Addrs: f.Addrs,
		Terms: f.Terms, Theirs: f.Theirs}
}

// FriendOf is the other way round.
func FriendOf(a ledger.Account) Friend {
	return Friend{Peer: a.Peer, Name: a.Name, Household: a.Household, Friend: a.Friend, Denied: a.Denied, Addrs: a.Addrs,
		Terms: a.Terms, Theirs: a.Theirs}
}

// The two modes make one pair, as in ledger/signed: what the decoder lets pass
// and the encoder wouldn't write is found by encoding again.
var (
	encMode = must(encOptions().EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField, UTF8: cbor.UTF8RejectInvalid,
		MaxNestedLevels: 5, MaxArrayElements: MaxFriends, MaxMapPairs: 16,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive, ByteStringToString: cbor.ByteStringToStringForbidden,
	}.DecMode())
)

func encOptions() cbor.EncOptions {
	o := cbor.CoreDetEncOptions()
	o.NilContainers, o.TagsMd = cbor.NilContainerAsEmpty, cbor.TagsForbidden
	return o
}

// must is for tables that are built from constants alone.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// decode reads the one encoding of a wire form.
func decode[T any](data []byte) (w T, err error) {
	var zero T
	if err := decMode.Unmarshal(data, &w); err != nil {
		return zero, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	again, err := encMode.Marshal(w)
	if err != nil {
		return zero, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if !bytes.Equal(again, data) {
		return zero, fmt.Errorf("%w: %d bytes that would be written otherwise", ErrInvalid, len(data))
	}
	return w, nil
}

type wireContent struct {
	Name     string       `cbor:"1,keyasint"`
	Backup   wireBackup   `cbor:"2,keyasint"`
	Previous wireBackup   `cbor:"3,keyasint"`
	Friends  []wireFriend `cbor:"4,keyasint"`
	Recent   []wireRecent `cbor:"5,keyasint,omitempty"`
}

type wireRecent struct {
	_        struct{} `cbor:",toarray"`
	Manifest [32]byte
	Layout   wireLayout
	Name     string
	Put      int64
	Wanted   int
	Key      []byte
}

type wireBackup struct {
	_    struct{} `cbor:",toarray"`
	Cap  string
	Time int64
}

type wireFriend struct {
	Peer      []byte    `cbor:"1,keyasint"`
	Name      string    `cbor:"2,keyasint"`
	Household string    `cbor:"3,keyasint,omitempty"`
	Friend    bool      `cbor:"4,keyasint"`
	Denied    bool      `cbor:"5,keyasint"`
	Addrs     []string  `cbor:"6,keyasint"`
	Terms     wireTerms `cbor:"7,keyasint"`
	Theirs    wireTerms `cbor:"8,keyasint"`
}

type wireTerms struct {
	_                                     struct{} `cbor:",toarray"`
	Ratio, Gift, Opening, Paid, PaidUntil int64
}

func wireTermsOf(t ledger.Terms) wireTerms {
	return wireTerms{Ratio: t.RatioPPM, Gift: int64(t.Gift), Opening: int64(t.Opening), Paid: int64(t.Paid), PaidUntil: t.PaidUntil}
}

func (w wireTerms) terms() ledger.Terms {
	return ledger.Terms{RatioPPM: w.Ratio, Gift: potluck.Size(w.Gift), Opening: potluck.Size(w.Opening), Paid: potluck.Size(w.Paid),
		PaidUntil: w.PaidUntil}
}

func wireFriendOf(f Friend) wireFriend {
	return wireFriend{Peer: []byte(f.Peer), Name: f.Name, Household: f.Household, Friend: f.Friend, Denied: f.Denied, Addrs: f.Addrs,
		Terms: wireTermsOf(f.Terms), Theirs: wireTermsOf(f.Theirs)}
}

func (w wireFriend) friend() Friend {
	return Friend{Peer: peer.ID(w.Peer), Name: w.Name, Household: w.Household, Friend: w.Friend, Denied: w.Denied, Addrs: w.Addrs,
		Terms: w.Terms.terms(), Theirs: w.Theirs.terms()}
}

// Marshal gives the one encoding. Errors wrap ErrInvalid.
func (c Content) Marshal() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	w := wireContent{Name: c.Name, Backup: wireBackup{Cap: c.Backup.Cap, Time: c.Backup.Time},
		Previous: wireBackup{Cap: c.Previous.Cap, Time: c.Previous.Time}, Friends: make([]wireFriend, len(c.Friends))}
	for i, f := range c.Friends {
		w.Friends[i] = wireFriendOf(f)
	}
	for _, r := range c.Recent {
		w.Recent = append(w.Recent, wireRecent{Manifest: r.Manifest, Layout: wireLayoutOf(r.Layout), Name: r.Name, Put: r.Put, Wanted: r.Wanted, Key: r.Key})
	}
	b, err := encMode.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return b, nil
}

// ParseContent reads what Marshal wrote, and nothing else. Errors wrap ErrInvalid.
func ParseContent(b []byte) (Content, error) {
	w, err := decode[wireContent](b)
	if err != nil {
		return Content{}, err
	}
	c := Content{Name: w.Name, Backup: Backup{w.Backup.Cap, w.Backup.Time}, Previous: Backup{w.Previous.Cap, w.Previous.Time},
		Friends: make([]Friend, len(w.Friends))}
	for i, f := range w.Friends {
		c.Friends[i] = f.friend()
	}
	for _, r := range w.Recent {
		c.Recent = append(c.Recent, Recent{Manifest: r.Manifest, Layout: r.Layout.layout(), Name: r.Name, Put: r.Put, Wanted: r.Wanted, Key: r.Key})
	}
	if err := c.Validate(); err != nil {
		return Content{}, err
	}
	return c, nil
}
