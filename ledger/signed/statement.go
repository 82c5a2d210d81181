package signed

import (
	"errors"
	"fmt"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Statement says what a host holds for an owner at a time (CREDIT.md, section
// 8). Host and owner sign the same payload, each in an envelope of its own, so
// the two signatures together say that their books agree.
type Statement struct {
	Host      peer.ID        `json:"host"`
	Owner     peer.ID        `json:"owner"`
	Number    uint64         `json:"number"` // from 1 up, per host and owner
	Time      int64          `json:"time"`   // unix seconds
	Bytes     potluck.Size   `json:"bytes"`  // charged bytes that the host holds
	Shares    int64          `json:"shares"`
	Digest    potluck.Digest `json:"digest"` // over the shares, docs/spec/credit.md
	HostHead  Head           `json:"host_head"`
	OwnerHead Head           `json:"owner_head"`
}

// Head is where a node's chain of events stood when the statement was made. It
// binds the books' history. The zero value says nothing.
type Head struct {
	Seq   uint64         `json:"seq"`
	Chain potluck.Digest `json:"chain"`
	Epoch uint64         `json:"epoch,omitempty"` // of the node's life that the chain belongs to (see Keepsake); 0: the first
}

func (h Head) validate() error {
	switch {
	case h.Seq > MaxNumber:
		return fmt.Errorf("head at event %d, at most %d is allowed", h.Seq, uint64(MaxNumber))
	case h.Epoch == 1 || h.Epoch > MaxEpoch:
		return fmt.Errorf("head of epoch %d, want none or 2 to %d", h.Epoch, uint64(MaxEpoch))
	}
	return nil
}

// Validate tells whether every rule of a statement that needs no clock holds.
func (s Statement) Validate() error {
	err := first(checkPeer("host", s.Host), checkPeer("owner", s.Owner), checkNumber(s.Number), checkTime("time", s.Time),
		checkSize("held", s.Bytes, 0), s.HostHead.validate(), s.OwnerHead.validate())
	switch {
	case err != nil:
	case s.Host == s.Owner:
		err = errors.New("host and owner are one node")
	case s.Shares < 0 || s.Shares > MaxShares:
		err = fmt.Errorf("%d shares is not between 0 and %d", s.Shares, int64(MaxShares))
	}
	return broken(KindStatement, err)
}

// ValidAt refuses a statement from the future, beyond Tolerance. Errors wrap
// ErrNotYet. How old a statement may be is for the books to say.
func (s Statement) ValidAt(now int64) error { return signedBy("statement", s.Time, now) }

func (s Statement) kind() Kind         { return KindStatement }
func (s Statement) signers() []peer.ID { return []peer.ID{s.Host, s.Owner} }
func (s Statement) identity() Identity { return Identity{KindStatement, s.Host, s.Owner, s.Number} }

type wireStatement struct {
	Host      []byte         `cbor:"1,keyasint"`
	Owner     []byte         `cbor:"2,keyasint"`
	Number    uint64         `cbor:"3,keyasint"`
	Time      int64          `cbor:"4,keyasint"`
	Bytes     potluck.Size   `cbor:"5,keyasint"`
	Shares    int64          `cbor:"6,keyasint"`
	Digest    potluck.Digest `cbor:"7,keyasint"`
	HostHead  wireHead       `cbor:"8,keyasint"`
	OwnerHead wireHead       `cbor:"9,keyasint"`
}

type wireHead struct {
	Seq   uint64         `cbor:"1,keyasint"`
	Chain potluck.Digest `cbor:"2,keyasint"`
	Epoch uint64         `cbor:"3,keyasint,omitempty"`
}

// MarshalCBOR gives the payload.
func (s Statement) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireStatement{[]byte(s.Host), []byte(s.Owner), s.Number, s.Time, s.Bytes, s.Shares, s.Digest,
		wireHead(s.HostHead), wireHead(s.OwnerHead)})
}

// UnmarshalCBOR reads the payload; the caller validates.
func (s *Statement) UnmarshalCBOR(data []byte) error {
	var w wireStatement
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*s = Statement{peer.ID(w.Host), peer.ID(w.Owner), w.Number, w.Time, w.Bytes, w.Shares, w.Digest,
		Head(w.HostHead), Head(w.OwnerHead)}
	return nil
}
