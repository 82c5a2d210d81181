package p2p

import (
	"bytes"
	"errors"
	"fmt"

	"potluck"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
)

// The domain is inside every signature, so that one made for a receipt serves
// no other purpose and no other signature serves as a receipt.
const (
	receiptDomain = "potluck-receipt"
	receiptCodec  = "/potluck/receipt/1"
)

// ErrReceipt: the bytes aren't a receipt, or the signature isn't the host's.
var ErrReceipt = errors.New("not a valid receipt")

// Receipt is a host's signed word that it holds a share for an owner.
type Receipt struct {
	Host     peer.ID // who signed
	Owner    peer.ID
	Share    potluck.ShareID
	Layout   potluck.Layout
	Charge   potluck.Size // bytes that the owner is charged
	Root     potluck.Digest
	Manifest potluck.Digest
	Time     int64 // unix seconds, when the share became durable
}

// Validate tells whether every field lies in its range.
func (r Receipt) Validate() error {
	if err := r.Host.Validate(); err != nil {
		return fmt.Errorf("receipt: host: %w", err)
	}
	if err := r.Owner.Validate(); err != nil {
		return fmt.Errorf("receipt: owner: %w", err)
	}
	if err := r.Layout.Validate(); err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	if uint8(r.Share.Number) >= r.Layout.N {
		return fmt.Errorf("receipt: share number %d is not below n = %d", r.Share.Number, r.Layout.N)
	}
	if err := checkSize("receipt", r.Charge); err != nil {
		return err
	}
	return checkTime("receipt", r.Time)
}

// wireReceipt is the signed payload. The peers are the bytes of their IDs.
type wireReceipt struct {
	Host     []byte         `cbor:"1,keyasint"`
	Owner    []byte         `cbor:"2,keyasint"`
	Share    wireShareID    `cbor:"3,keyasint"`
	Layout   wireLayout     `cbor:"4,keyasint"`
	Charge   potluck.Size   `cbor:"5,keyasint"`
	Root     potluck.Digest `cbor:"6,keyasint"`
	Manifest potluck.Digest `cbor:"7,keyasint"`
	Time     int64          `cbor:"8,keyasint"`
}

// MarshalCBOR gives the wire form.
func (r Receipt) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireReceipt{[]byte(r.Host), []byte(r.Owner), wireShareID(r.Share),
		wireLayout(r.Layout), r.Charge, r.Root, r.Manifest, r.Time})
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (r *Receipt) UnmarshalCBOR(data []byte) error {
	var w wireReceipt
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	host, err := peer.IDFromBytes(w.Host)
	if err != nil {
		return fmt.Errorf("receipt: host: %w", err)
	}
	owner, err := peer.IDFromBytes(w.Owner)
	if err != nil {
		return fmt.Errorf("receipt: owner: %w", err)
	}
	*r = Receipt{host, owner, potluck.ShareID(w.Share), potluck.Layout(w.Layout), w.Charge, w.Root, w.Manifest, w.Time}
	return nil
}

// receiptRecord makes a Receipt a libp2p record.
type receiptRecord struct{ Receipt }

var _ record.Record = (*receiptRecord)(nil)

// Domain implements record.Record.
func (*receiptRecord) Domain() string { return receiptDomain }

// Codec implements record.Record.
func (*receiptRecord) Codec() []byte { return []byte(receiptCodec) }

// MarshalRecord implements record.Record.
func (r *receiptRecord) MarshalRecord() ([]byte, error) { return encode(r.Receipt) }

// UnmarshalRecord implements record.Record.
func (r *receiptRecord) UnmarshalRecord(data []byte) (err error) {
	r.Receipt, err = decode[Receipt](data)
	return err
}

// SealReceipt signs r with the host's key; r.Host must be that key's peer.
func SealReceipt(key crypto.PrivKey, r Receipt) ([]byte, error) {
	if !r.Host.MatchesPrivateKey(key) {
		return nil, fmt.Errorf("seal receipt: the key is not that of host %v", r.Host)
	}
	e, err := record.Seal(&receiptRecord{r}, key)
	if err != nil {
		return nil, fmt.Errorf("seal receipt: %w", err)
	}
	sealed, err := e.Marshal()
	if err != nil {
		return nil, fmt.Errorf("seal receipt: %w", err)
	}
	if len(sealed) > MaxReceipt {
		return nil, fmt.Errorf("seal receipt: %d bytes, at most %d are allowed", len(sealed), MaxReceipt)
	}
	return sealed, nil
}

// OpenReceipt parses a sealed receipt strictly and verifies its signature
// against Receipt.Host. Whether host, owner and share are the expected ones is
// for the caller to compare. Errors wrap ErrReceipt.
func OpenReceipt(sealed []byte) (Receipt, error) {
	if len(sealed) > MaxReceipt {
		return Receipt{}, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrReceipt, len(sealed), MaxReceipt)
	}
	var r receiptRecord
	e, err := record.ConsumeTypedEnvelope(sealed, &r)
	if err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	again, err := e.Marshal()
	switch {
	case err != nil:
		return Receipt{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	case !bytes.Equal(again, sealed):
		return Receipt{}, fmt.Errorf("%w: not the one encoding of an envelope", ErrReceipt)
	case string(e.PayloadType) != receiptCodec:
		return Receipt{}, fmt.Errorf("%w: payload type %q", ErrReceipt, e.PayloadType)
	case e.PublicKey.Type() != crypto.Ed25519:
		return Receipt{}, fmt.Errorf("%w: key type %v", ErrReceipt, e.PublicKey.Type())
	case !r.Host.MatchesPublicKey(e.PublicKey):
		return Receipt{}, fmt.Errorf("%w: not signed by its host %v", ErrReceipt, r.Host)
	}
	return r.Receipt, nil
}
