package ledger

import (
	"encoding/binary"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Every key begins with one of these bytes. They are never reused. Integers in
// keys are big-endian; a peer is one length byte and its bytes; a share is its
// storage index and one byte of number.
const (
	keyAccount         byte = 0x01 // peer
	keyUsage           byte = 0x02 // peer
	keyTotals          byte = 0x03 // nothing
	keyShare           byte = 0x04 // share
	keyLease           byte = 0x05 // share ‖ peer
	keyLeaseByOwner    byte = 0x06 // peer ‖ share; no value
	keyLeaseByEnd      byte = 0x07 // until ‖ share ‖ peer; no value; leases with an end of their own
	keyGoing           byte = 0x08 // deadline ‖ share; no value; GOING shares
	keyPlacement       byte = 0x09 // share ‖ peer
	keyPlacementByHost byte = 0x0a // peer ‖ share; no value
	keyFile            byte = 0x0b // storage index
	keyInvite          byte = 0x0c // invite ID
	keyEvent           byte = 0x0d // sequence
	keyDocument        byte = 0x0e // kind ‖ issuer ‖ other, which may be empty
	keyProof           byte = 0x0f // likewise, of what the proof is about
	keyRate            byte = 0x10 // peer
	keyRange           byte = 0x11 // role ‖ peer ‖ first byte of the storage index
	keyCursor          byte = 0x12 // name
	keyBuilt           byte = 0x13 // name of what was built from other rows
	keyBehind          byte = 0x14 // nothing
	keyDispute         byte = 0x15 // host ‖ owner
	keyHistory         byte = 0x18 // peer ‖ day
	keyProven          byte = 0x19 // peer
	keyVersion         byte = 0x1a // beginning of the hash of a file's name ‖ time

	keyLast = keyVersion
)

const (
	indexLen = 16           // bytes of a storage index and of an invite ID
	shareLen = indexLen + 1 // bytes of a share ID in a key
	timeLen  = 8
)

func peerKey(prefix byte, p peer.ID) []byte {
	return appendPeer(append(make([]byte, 0, 2+len(p)), prefix), p)
}

func shareKey(prefix byte, id potluck.ShareID) []byte {
	return appendShare(append(make([]byte, 0, 1+shareLen), prefix), id)
}

func sharePeerKey(prefix byte, id potluck.ShareID, p peer.ID) []byte {
	return appendPeer(appendShare(append(make([]byte, 0, 2+shareLen+len(p)), prefix), id), p)
}

func peerShareKey(prefix byte, p peer.ID, id potluck.ShareID) []byte {
	return appendShare(appendPeer(append(make([]byte, 0, 2+shareLen+len(p)), prefix), p), id)
}

func indexKey(prefix byte, x [indexLen]byte) []byte {
	return append(append(make([]byte, 0, 1+indexLen), prefix), x[:]...)
}

func leaseEndKey(until int64, id potluck.ShareID, p peer.ID) []byte {
	k := binary.BigEndian.AppendUint64([]byte{keyLeaseByEnd}, uint64(until))
	return appendPeer(appendShare(k, id), p)
}

func goingKey(deadline int64, id potluck.ShareID) []byte {
	return appendShare(binary.BigEndian.AppendUint64([]byte{keyGoing}, uint64(deadline)), id)
}

func eventKey(seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyEvent}, seq)
}

func appendPeer(k []byte, p peer.ID) []byte { return append(append(k, byte(len(p))), p...) }

func appendShare(k []byte, id potluck.ShareID) []byte {
	return append(append(k, id.Index[:]...), byte(id.Number))
}

// keyReader takes a key apart. The first wrong field sticks.
type keyReader struct {
	rest []byte
	bad  bool
}

// parts begins after the prefix byte.
func parts(key []byte) *keyReader { return &keyReader{rest: key[1:]} }

func (r *keyReader) take(n int) []byte {
	if r.bad || len(r.rest) < n {
		r.bad = true
		return make([]byte, n)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *keyReader) peer() peer.ID {
	n := int(r.take(1)[0])
	if n == 0 || n > MaxPeer {
		r.bad = true
		return ""
	}
	return peer.ID(r.take(n))
}

func (r *keyReader) share() (id potluck.ShareID) {
	b := r.take(shareLen)
	copy(id.Index[:], b)
	id.Number = potluck.ShareNumber(b[indexLen])
	return id
}

func (r *keyReader) index() (x [indexLen]byte) { copy(x[:], r.take(indexLen)); return x }

func (r *keyReader) number() uint64 { return binary.BigEndian.Uint64(r.take(timeLen)) }

// end tells whether the key was whole and had nothing after it.
func (r *keyReader) end(key []byte) error {
	if r.bad || len(r.rest) != 0 {
		return fmt.Errorf("key %x has the wrong form: %w", key, ErrDamaged)
	}
	return nil
}
