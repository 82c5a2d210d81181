package p2p

import (
	"crypto/subtle"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/zeebo/blake3"
)

// Invite is what an inviter hands to one person, as one word of text. It is a
// secret until it was used.
type Invite struct {
	Peer    peer.ID  // the inviter
	Addrs   []string // where it listens, at most MaxAddrs, with or without /p2p/ID of Peer
	Secret  [16]byte // one-time secret
	Expires int64    // unix seconds
	Name    string   // what the inviter calls itself
	Terms   Terms    // what the inviter offers
}

// Validate tells whether every field lies in its range.
func (i Invite) Validate() error {
	if err := i.Peer.Validate(); err != nil {
		return fmt.Errorf("invite: inviter: %w", err)
	}
	if err := checkTime("invite: expires", i.Expires); err != nil {
		return err
	}
	return checkHello(i.Name, i.Terms, i.Addrs)
}

// String hides the secret.
func (i Invite) String() string { return fmt.Sprintf("[invite %x of %v]", i.ID(), i.Peer) }

// GoString hides the secret.
func (i Invite) GoString() string { return i.String() }

// MarshalText hides the secret from JSON and logs; Text gives the invite.
func (i Invite) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// Contexts of the derived values; part of the wire format.
const (
	inviteIDContext    = "potluck invite 1: id"
	inviteProofContext = "potluck invite 1: proof key"
)

// ID names the invite without telling the secret.
func (i Invite) ID() (id [16]byte) {
	blake3.DeriveKey(inviteIDContext, i.Secret[:], id[:])
	return id
}

// Proof shows that joiner knows the secret: to the inviter alone, and for that
// joiner alone.
func (i Invite) Proof(joiner peer.ID) [32]byte { return proof(i.Secret, i.Peer, joiner) }

// VerifyProof tells in constant time whether given is Proof(joiner) of the
// invite of inviter with secret.
func VerifyProof(secret [16]byte, inviter, joiner peer.ID, given [32]byte) bool {
	want := proof(secret, inviter, joiner)
	return subtle.ConstantTimeCompare(want[:], given[:]) == 1
}

// proof is BLAKE3, keyed with a key derived from the secret, over both peer IDs,
// each after its length in one byte.
func proof(secret [16]byte, inviter, joiner peer.ID) (sum [32]byte) {
	var key [32]byte
	blake3.DeriveKey(inviteProofContext, secret[:], key[:])
	h, err := blake3.NewKeyed(key[:])
	if err != nil {
		panic(err) // a key of 32 bytes is always taken
	}
	for _, p := range []peer.ID{inviter, joiner} {
		_, _ = h.Write([]byte{byte(len(p))})
		_, _ = h.Write([]byte(p))
	}
	_, _ = h.Digest().Read(sum[:])
	return sum
}

// wireInvite is what the text encodes. Addresses are in the binary form of
// multiaddrs, without /p2p/ID.
type wireInvite struct {
	Peer    []byte   `cbor:"1,keyasint"`
	Addrs   [][]byte `cbor:"2,keyasint"`
	Secret  [16]byte `cbor:"3,keyasint"`
	Expires int64    `cbor:"4,keyasint"`
	Name    string   `cbor:"5,keyasint"`
	Terms   Terms    `cbor:"6,keyasint"`
}

// MarshalCBOR gives the form that the text encodes. It holds the secret.
func (i Invite) MarshalCBOR() ([]byte, error) {
	w := wireInvite{[]byte(i.Peer), make([][]byte, len(i.Addrs)), i.Secret, i.Expires, i.Name, i.Terms}
	addrs, err := bareAddrs(i.Peer, i.Addrs)
	if err != nil {
		return nil, err
	}
	for j, a := range addrs {
		w.Addrs[j] = a.Bytes()
	}
	return encMode.Marshal(w)
}

// UnmarshalCBOR reads that form; the caller validates.
func (i *Invite) UnmarshalCBOR(data []byte) error {
	var w wireInvite
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	p, err := peer.IDFromBytes(w.Peer)
	if err != nil {
		return fmt.Errorf("inviter: %w", err)
	}
	if len(w.Addrs) > MaxAddrs {
		return fmt.Errorf("%d addresses, at most %d are allowed", len(w.Addrs), MaxAddrs)
	}
	*i = Invite{Peer: p, Secret: w.Secret, Expires: w.Expires, Name: w.Name, Terms: w.Terms, Addrs: make([]string, len(w.Addrs))}
	for j, b := range w.Addrs {
		a, err := ma.NewMultiaddrBytes(b)
		if err != nil {
			return fmt.Errorf("address: %w", err)
		}
		i.Addrs[j] = a.String()
	}
	_, err = bareAddrs(p, i.Addrs)
	return err
}

// bareAddrs reads the addresses of p and takes /p2p/ID off their ends.
func bareAddrs(p peer.ID, texts []string) ([]ma.Multiaddr, error) {
	addrs := make([]ma.Multiaddr, len(texts))
	for j, text := range texts {
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", text, err)
		}
		bare, id := peer.SplitAddr(a)
		if bare == nil || id != "" && id != p {
			return nil, fmt.Errorf("address %q is not one of %v", text, p)
		}
		addrs[j] = bare
	}
	return addrs, nil
}
