package p2p

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
)

// What became of a delivered document.
const (
	DeliveredNew           uint8 = 1 // taken into the books
	DeliveredKnown         uint8 = 2 // the same is in the books already
	DeliveredStale         uint8 = 3 // a higher number is in the books
	DeliveredConflict      uint8 = 4 // another document with its number is in the books: its issuer equivocated
	DeliveredUnknownIssuer uint8 = 5 // nothing is known here of who signed it
	DeliveredInvalid       uint8 = 6 // broken, expired, not valid yet, or without a consent that it needs
	DeliveredNotConcerned  uint8 = 7 // valid, and of no use in these books
)

// HostHint tells how a peer that a document names can be reached: a host, or the
// one that a pointer leads to. It is the sender's word alone, and no more than a
// hint: who answers at an address shows the handshake.
type HostHint struct {
	Peer  peer.ID
	Name  string   // what the sender calls it; may be empty
	Addrs []string // where it listens, at most MaxAddrs
}

// Validate tells whether every field lies in its range.
func (h HostHint) Validate() error {
	if err := checkPeer("hint", h.Peer); err != nil {
		return err
	}
	if err := CheckName(h.Name); err != nil {
		return fmt.Errorf("hint: %w", err)
	}
	return checkAddrs(h.Addrs)
}

// DeliverRequest hands over signed documents: the sender's own, or those of
// others who are offline. Package p2p doesn't look into them.
type DeliverRequest struct {
	Documents [][]byte   `cbor:"1,keyasint"` // at most MaxDocuments and MaxDocumentBytes; none empty or above MaxDocument
	Hosts     []HostHint `cbor:"2,keyasint"` // at most MaxHints
}

// Validate tells whether every field lies in its range.
func (d DeliverRequest) Validate() error {
	if len(d.Documents) == 0 && len(d.Hosts) == 0 {
		return fmt.Errorf("deliver: nothing is delivered")
	}
	if err := checkDocuments(d.Documents, MaxDocuments); err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	if len(d.Hosts) > MaxHints {
		return fmt.Errorf("deliver: hints at %d hosts, at most %d are allowed", len(d.Hosts), MaxHints)
	}
	for _, h := range d.Hosts {
		if err := h.Validate(); err != nil {
			return fmt.Errorf("deliver: %w", err)
		}
	}
	return nil
}

// DeliverResponse says what became of each document, in the same order.
type DeliverResponse struct {
	Results []uint8 `cbor:"1,keyasint"` // DeliveredNew to DeliveredNotConcerned
}

// Validate tells whether every field lies in its range.
func (d DeliverResponse) Validate() error {
	if len(d.Results) > MaxDocuments {
		return fmt.Errorf("deliver: %d results, at most %d are allowed", len(d.Results), MaxDocuments)
	}
	for _, r := range d.Results {
		if r < DeliveredNew || r > DeliveredNotConcerned {
			return fmt.Errorf("deliver: result %d is not known", r)
		}
	}
	return nil
}

// DocumentKey names a document that the asker of a sync has, and how new it is.
type DocumentKey struct {
	Kind   uint8   // as in package ledger/signed; not 0
	Issuer peer.ID // who signed
	Other  peer.ID // the other peer of a document between two; else empty
	Number uint64  // the highest number that the asker has
}

// Compare orders keys by kind, issuer and other peer, the bytes of their IDs.
func (k DocumentKey) Compare(other DocumentKey) int {
	return cmp.Or(cmp.Compare(k.Kind, other.Kind), strings.Compare(string(k.Issuer), string(other.Issuer)),
		strings.Compare(string(k.Other), string(other.Other)))
}

// Validate tells whether every field lies in its range.
func (k DocumentKey) Validate() error {
	if k.Kind == 0 {
		return fmt.Errorf("document key: no kind")
	}
	if err := checkPeer("document key: issuer", k.Issuer); err != nil {
		return err
	}
	if k.Other == "" {
		return nil
	}
	return checkPeer("document key: other", k.Other)
}

// SyncRequest asks for the documents that the asked one has and the asker
// hasn't, or has with a lower number.
type SyncRequest struct {
	Have []DocumentKey `cbor:"1,keyasint"` // at most MaxKeys; ascending, see DocumentKey.Compare, each once
}

// Validate tells whether every field lies in its range.
func (s SyncRequest) Validate() error {
	if len(s.Have) > MaxKeys {
		return fmt.Errorf("sync: %d keys, at most %d are allowed", len(s.Have), MaxKeys)
	}
	for i, k := range s.Have {
		if err := k.Validate(); err != nil {
			return fmt.Errorf("sync: %w", err)
		}
		if i > 0 && s.Have[i-1].Compare(k) >= 0 {
			return fmt.Errorf("sync: keys %d and %d are not ascending", i-1, i)
		}
	}
	return nil
}

// SyncResponse has some of those documents.
type SyncResponse struct {
	Documents [][]byte `cbor:"1,keyasint"` // at most MaxSync and MaxDocumentBytes; none empty or above MaxDocument
	More      bool     `cbor:"2,keyasint"` // there are more: take these, then ask again
}

// Validate tells whether every field lies in its range.
func (s SyncResponse) Validate() error {
	if s.More && len(s.Documents) == 0 {
		return fmt.Errorf("sync: more documents are announced, and none came")
	}
	if err := checkDocuments(s.Documents, MaxSync); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

// checkDocuments tells whether there are not too many documents, none too
// large, and not too many bytes in all.
func checkDocuments(documents [][]byte, most int) error {
	if len(documents) > most {
		return fmt.Errorf("%d documents, at most %d are allowed", len(documents), most)
	}
	total := 0
	for i, d := range documents {
		if len(d) < 1 || len(d) > MaxDocument {
			return fmt.Errorf("document %d has %d bytes, want 1 to %d", i, len(d), MaxDocument)
		}
		total += len(d)
	}
	if total > MaxDocumentBytes {
		return fmt.Errorf("documents have %d bytes in all, at most %d are allowed", total, MaxDocumentBytes)
	}
	return nil
}

// ed25519Peer stands before the public key in the ID of an Ed25519 node key:
// an identity multihash of 36 bytes, around a key of type Ed25519 with 32.
const ed25519Peer = "\x00\x24\x08\x01\x12\x20"

// checkPeer tells whether p is the ID of an Ed25519 node key.
func checkPeer(what string, p peer.ID) error {
	if len(p) != len(ed25519Peer)+32 || !strings.HasPrefix(string(p), ed25519Peer) {
		return fmt.Errorf("%s: %d bytes that are not the ID of an Ed25519 key", what, len(p))
	}
	return nil
}
