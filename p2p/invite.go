package p2p

import (
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Invite is what an inviter hands to one person, as one word of text.
type Invite struct {
	Peer    peer.ID  // the inviter
	Addrs   []string // where it listens, at most MaxAddrs, without /p2p/…
	Secret  [16]byte // one-time secret
	Expires int64    // unix seconds
	Name    string   // what the inviter calls itself
	Terms   Terms    // what the inviter offers
}

// Text gives the invite as one word that is safe in a shell and in a URL. It
// holds the secret.
func (i Invite) Text() string { return "" }

// ParseInvite reads the word; the error names the mistake.
func ParseInvite(text string) (Invite, error) { return Invite{}, errors.New("not built") }

// ID names the invite without telling the secret.
func (i Invite) ID() [16]byte { return [16]byte{} }

// Proof shows that joiner knows the secret, to the inviter alone and for that joiner alone.
func (i Invite) Proof(joiner peer.ID) [32]byte { return [32]byte{} }

// VerifyProof tells in constant time whether proof is Proof(joiner) of the
// invite of inviter with secret.
func VerifyProof(secret [16]byte, inviter, joiner peer.ID, proof [32]byte) bool { return false }
