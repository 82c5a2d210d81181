package testnet

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/p2p"
)

// Key reads the key of a node that was started at least once.
func (m *Member) Key() (crypto.PrivKey, error) {
	line, err := os.ReadFile(filepath.Join(m.dir, "node.key"))
	if err != nil {
		return nil, err
	}
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return nil, fmt.Errorf("node.key of %s is empty", m.name)
	}
	seed, err := hex.DecodeString(words[len(words)-1])
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("node.key of %s has a seed of %d bytes: %w", m.name, len(seed), err)
	}
	return crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed))
}

// openGate lets everybody in.
type openGate struct{}

func (openGate) Admits(peer.ID) bool { return true }
func (openGate) Inviting() bool      { return false }

// Lie stops the node, and puts a host in its place that has its key and its
// address, and answers what keeper and clerk say; nil ones refuse. The caller
// closes it. Start brings the honest node back.
func (m *Member) Lie(keeper p2p.Keeper, clerk p2p.Clerk) (*p2p.Host, error) {
	if err := m.Stop(); err != nil {
		return nil, err
	}
	key, err := m.Key()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lie as %s", m.name), err)
	}
	return p2p.New(p2p.Config{Key: key, Listen: []string{m.listen}, Fabric: m.network(), Gate: openGate{}, Keeper: keeper, Clerk: clerk})
}
