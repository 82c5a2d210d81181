package signed

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/zeebo/blake3"

	"potluck"
)

// MaxRevoked is how many authorities one revocation names at most.
const MaxRevoked = 512

// Revocation takes repair authorities back. It is all that its owner takes back:
// the newest counts alone, so each has what those before it had, as long as an
// authority may live that it is about.
type Revocation struct {
	Owner   peer.ID   `json:"owner"` // who signs, and signed the authorities
	Number  uint64    `json:"number"`
	Time    int64     `json:"time"`    // unix seconds when signed
	Revoked []Revoked `json:"revoked"` // ascending by what they are about, each once; at most MaxRevoked
}

// Revoked says which authorities of one owner hold no longer. Who has one at hand
// finds it; to others it tells neither the repairer nor the file.
type Revoked struct {
	About Subject `json:"about"`
	UpTo  uint64  `json:"up_to"` // the greatest number of an authority that it ends
}

// Subject stands for an owner, a repairer, and one file or all.
type Subject [16]byte

// String gives it in hexadecimal.
func (s Subject) String() string { return fmt.Sprintf("%x", s[:]) }

// MarshalText gives it in hexadecimal.
func (s Subject) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText gave. Errors wrap ErrDocument.
func (s *Subject) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(s) || hex.EncodeToString(b) != string(text) {
		return fmt.Errorf("%w: subject %.40q is not 32 digits", ErrDocument, text)
	}
	*s = Subject(b)
	return nil
}

const subjectContext = "potluck revocation 1: subject"

// SubjectOf gives what stands for the authorities of an owner to a repairer for one
// file; the zero index: for every file.
func SubjectOf(owner, repairer peer.ID, index potluck.StorageIndex) (s Subject) {
	blake3.DeriveKey(subjectContext, slices.Concat([]byte(owner), []byte(repairer), index[:]), s[:])
	return s
}

// Ends tells whether an authority holds no longer.
func (r Revocation) Ends(a Authority) bool {
	if r.Owner != a.Owner {
		return false
	}
	for _, index := range []potluck.StorageIndex{a.Index, {}} {
		i, found := slices.BinarySearchFunc(r.Revoked, SubjectOf(a.Owner, a.Repairer, index), Revoked.compare)
		if found && a.Number <= r.Revoked[i].UpTo {
			return true
		}
	}
	return false
}

func (r Revoked) compare(about Subject) int { return bytes.Compare(r.About[:], about[:]) }

// With gives a revocation with one more entry, in order. Of two about the same the
// greater number counts.
func (r Revocation) With(x Revoked) Revocation {
	r.Revoked = slices.Clone(r.Revoked)
	i, found := slices.BinarySearchFunc(r.Revoked, x.About, Revoked.compare)
	if !found {
		r.Revoked = slices.Insert(r.Revoked, i, x)
	}
	r.Revoked[i].UpTo = max(r.Revoked[i].UpTo, x.UpTo)
	return r
}

// Validate tells whether every rule of a revocation that needs no clock holds.
func (r Revocation) Validate() error {
	err := first(checkPeer("owner", r.Owner), checkNumber(r.Number), checkTime("signed", r.Time))
	if err == nil && len(r.Revoked) > MaxRevoked {
		err = fmt.Errorf("%d authorities, at most %d are allowed", len(r.Revoked), MaxRevoked)
	}
	for i, x := range r.Revoked {
		if err == nil {
			err = checkNumber(x.UpTo)
		}
		if err == nil && i > 0 && r.Revoked[i-1].compare(x.About) >= 0 {
			err = fmt.Errorf("authorities %d and %d are not ascending", i-1, i)
		}
	}
	return broken(KindRevocation, err)
}

// ValidAt refuses a document from the future, beyond Tolerance. Errors wrap
// ErrNotYet.
func (r Revocation) ValidAt(now int64) error { return signedBy("revocation", r.Time, now) }

func (r Revocation) kind() Kind         { return KindRevocation }
func (r Revocation) signers() []peer.ID { return []peer.ID{r.Owner} }
func (r Revocation) identity() Identity { return Identity{KindRevocation, r.Owner, "", r.Number} }

func (r Revocation) sentence() string {
	return fmt.Sprintf("revocation %d of %v, signed %s: %d repair authorities hold no longer", r.Number, r.Owner, date(r.Time), len(r.Revoked))
}

type wireRevocation struct {
	Owner   []byte        `cbor:"1,keyasint"`
	Number  uint64        `cbor:"2,keyasint"`
	Time    int64         `cbor:"3,keyasint"`
	Revoked []wireRevoked `cbor:"4,keyasint"`
}

type wireRevoked struct {
	_     struct{} `cbor:",toarray"`
	About Subject
	UpTo  uint64
}

// MarshalCBOR gives the payload.
func (r Revocation) MarshalCBOR() ([]byte, error) {
	w := wireRevocation{[]byte(r.Owner), r.Number, r.Time, make([]wireRevoked, len(r.Revoked))}
	for i, x := range r.Revoked {
		w.Revoked[i] = wireRevoked{About: x.About, UpTo: x.UpTo}
	}
	return encMode.Marshal(w)
}

// UnmarshalCBOR reads the payload; the caller validates.
func (r *Revocation) UnmarshalCBOR(data []byte) error {
	var w wireRevocation
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*r = Revocation{Owner: peer.ID(w.Owner), Number: w.Number, Time: w.Time, Revoked: make([]Revoked, len(w.Revoked))}
	for i, x := range w.Revoked {
		r.Revoked[i] = Revoked{x.About, x.UpTo}
	}
	return nil
}

// Revocation opens a document of KindRevocation. Errors wrap ErrDocument.
func (d Document) Revocation() (Revocation, error) { return single[Revocation](d) }

// SealRevocation signs a valid revocation with its owner's key.
func SealRevocation(key crypto.PrivKey, r Revocation) ([]byte, error) { return seal(key, r) }
