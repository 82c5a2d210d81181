package signed

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
)

// Identity is what a document is filed under. Two payloads with one identity
// and one signer are a conflict.
type Identity struct {
	Kind   Kind
	Issuer peer.ID // order: issuer; repay: principal; consent: server; household: member; statement: host; keepsake: owner
	Other  peer.ID // consent: principal; statement: owner; else ""
	Number uint64
}

// keyHeader is how every envelope of an Ed25519 key begins: the field of the
// key, its length, its type, 32 bytes. Others aren't worth a verification.
const keyHeader = "\x0a\x24\x08\x01\x12\x20"

// checkSealed is what can be seen of an envelope before it is parsed.
func checkSealed(sealed []byte) error {
	switch {
	case len(sealed) > MaxSealed:
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrDocument, len(sealed), MaxSealed)
	case !bytes.HasPrefix(sealed, []byte(keyHeader)):
		return fmt.Errorf("%w: not an envelope that an Ed25519 key signed", ErrDocument)
	}
	return nil
}

// content is what can be signed.
type content interface {
	valid
	kind() Kind
	signers() []peer.ID // who may sign it
	identity() Identity
}

// signable makes a content a libp2p record.
type signable[T content] struct{ body T }

// Domain implements record.Record.
func (s *signable[T]) Domain() string { return kinds[s.body.kind()].domain }

// Codec implements record.Record.
func (s *signable[T]) Codec() []byte { return []byte(kinds[s.body.kind()].codec) }

// MarshalRecord implements record.Record.
func (s *signable[T]) MarshalRecord() ([]byte, error) { return encode(s.body) }

// UnmarshalRecord implements record.Record.
func (s *signable[T]) UnmarshalRecord(data []byte) (err error) {
	s.body, err = decode[T](data)
	return err
}

func seal[T content](key crypto.PrivKey, body T) ([]byte, error) {
	k := body.kind()
	if !slices.ContainsFunc(body.signers(), func(p peer.ID) bool { return p.MatchesPrivateKey(key) }) {
		return nil, fmt.Errorf("seal %v: %w: the key is not that of %v", k, ErrDocument, body.signers())
	}
	e, err := record.Seal(&signable[T]{body}, key)
	if err != nil {
		return nil, fmt.Errorf("seal %v: %w", k, err)
	}
	sealed, err := e.Marshal()
	if err != nil {
		return nil, fmt.Errorf("seal %v: %w", k, err)
	}
	if len(sealed) > MaxSealed {
		return nil, fmt.Errorf("seal %v: %w: %d bytes, at most %d are allowed; name fewer peers", k, ErrDocument, len(sealed), MaxSealed)
	}
	return sealed, nil
}

// opened is a content whose signature was verified.
type opened[T content] struct {
	body    T
	signer  peer.ID
	payload []byte
}

// open parses an envelope strictly and verifies its signature against those who
// may sign its content.
func open[T content](sealed []byte) (opened[T], error) {
	var r signable[T]
	k := r.body.kind()
	if err := checkSealed(sealed); err != nil {
		return opened[T]{}, fmt.Errorf("open %v: %w", k, err)
	}
	e, err := record.ConsumeTypedEnvelope(sealed, &r)
	if err != nil {
		return opened[T]{}, fmt.Errorf("open %v: %w: %w", k, ErrDocument, err)
	}
	again, err := e.Marshal()
	switch {
	case err != nil:
		return opened[T]{}, fmt.Errorf("open %v: %w: %w", k, ErrDocument, err)
	case !bytes.Equal(again, sealed):
		return opened[T]{}, fmt.Errorf("open %v: %w: not the one encoding of an envelope", k, ErrDocument)
	case string(e.PayloadType) != kinds[k].codec:
		return opened[T]{}, fmt.Errorf("open %v: %w: payload type %.40q", k, ErrDocument, e.PayloadType)
	}
	for _, p := range r.body.signers() {
		if p.MatchesPublicKey(e.PublicKey) {
			return opened[T]{r.body, p, e.RawPayload}, nil
		}
	}
	return opened[T]{}, fmt.Errorf("open %v: %w: not signed by %v", k, ErrDocument, r.body.signers())
}

// SealOrder signs a valid order with its issuer's key.
func SealOrder(key crypto.PrivKey, o Order) ([]byte, error) { return seal(key, o) }

// OpenOrder parses a sealed order strictly and verifies its issuer's signature.
// Errors wrap ErrDocument.
func OpenOrder(sealed []byte) (Order, error) {
	x, err := open[Order](sealed)
	return x.body, err
}

// SealRepay signs a valid repay order with its principal's key.
func SealRepay(key crypto.PrivKey, r Repay) ([]byte, error) { return seal(key, r) }

// OpenRepay parses a sealed repay order strictly and verifies its principal's
// signature. Errors wrap ErrDocument.
func OpenRepay(sealed []byte) (Repay, error) {
	x, err := open[Repay](sealed)
	return x.body, err
}

// SealConsent signs a valid consent with its server's key.
func SealConsent(key crypto.PrivKey, c Consent) ([]byte, error) { return seal(key, c) }

// OpenConsent parses a sealed consent strictly and verifies its server's
// signature. Errors wrap ErrDocument.
func OpenConsent(sealed []byte) (Consent, error) {
	x, err := open[Consent](sealed)
	return x.body, err
}

// SealHousehold signs a valid household with its member's key.
func SealHousehold(key crypto.PrivKey, h Household) ([]byte, error) { return seal(key, h) }

// OpenHousehold parses a sealed household strictly and verifies its member's
// signature. Errors wrap ErrDocument.
func OpenHousehold(sealed []byte) (Household, error) {
	x, err := open[Household](sealed)
	return x.body, err
}

// SealStatement signs a valid statement with the host's key or the owner's.
func SealStatement(key crypto.PrivKey, s Statement) ([]byte, error) { return seal(key, s) }

// OpenStatement parses a sealed statement strictly and verifies its signature.
// The signer is the statement's host or its owner. Errors wrap ErrDocument.
func OpenStatement(sealed []byte) (Statement, peer.ID, error) {
	x, err := open[Statement](sealed)
	return x.body, x.signer, err
}

// SealKeepsake signs a valid keepsake with its owner's key.
func SealKeepsake(key crypto.PrivKey, k Keepsake) ([]byte, error) { return seal(key, k) }
