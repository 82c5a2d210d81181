package node

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/libp2p/go-libp2p/core/crypto"

	"potluck/caps"
	"potluck/internal/durable"
	"potluck/node/keepsake"
)

// node.key is one line: this word, a blank, and the Ed25519 seed as 64
// hexadecimal characters.
const keyWord = "potluck-node-key-1 "

// secretLabel derives the convergence secret from the node key. A new version
// of the derivation takes a new label.
const secretLabel = "potluck node 1: convergence secret"

// makeKey writes a new node key.
func makeKey(path string) error {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return fmt.Errorf("make the node key: %w", err)
	}
	return writeKey(path, seed)
}

// writeKey writes the one form.
func writeKey(path string, seed []byte) error {
	return durable.WriteFile(path, []byte(keyWord+hex.EncodeToString(seed)+"\n"), 0o600)
}

// readKey reads the node key, and refuses it when others could have.
func readKey(path string) (crypto.PrivKey, caps.Secret, error) {
	seed, err := readSeed(path)
	if err != nil {
		return nil, caps.Secret{}, err
	}
	return keysOf(seed)
}

// readSeed reads the seed of the node key.
func readSeed(path string) ([]byte, error) {
	st, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the node key %s is gone, and without it this is another node; cure: put it back from a backup, or start in an empty directory", path)
	}
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the node key %s has mode %v: others may have read it; cure: chmod 600 %s, or start in an empty directory if they did", path, st.Mode(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	seed, err := parseKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("the node key %s: %w", path, err)
	}
	return seed, nil
}

// parseKey reads the one form; its errors don't show the text.
func parseKey(text string) ([]byte, error) {
	word, ok := strings.CutPrefix(text, keyWord)
	seed, err := hex.DecodeString(strings.TrimSuffix(word, "\n"))
	if !ok || err != nil || len(seed) != ed25519.SeedSize || keyWord+hex.EncodeToString(seed)+"\n" != text {
		return nil, fmt.Errorf("%d bytes that are no node key of this version", len(text))
	}
	return seed, nil
}

// keysOf makes the libp2p key and the convergence secret of a seed.
func keysOf(seed []byte) (crypto.PrivKey, caps.Secret, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return nil, caps.Secret{}, fmt.Errorf("node key: %w", err)
	}
	b, err := hkdf.Key(sha256.New, seed, nil, secretLabel, len(caps.Secret{}))
	if err != nil {
		return nil, caps.Secret{}, fmt.Errorf("derive the convergence secret: %w", err)
	}
	return key, caps.Secret(b), nil
}

// sealKeyOf derives the key of keepsakes from the node key.
func sealKeyOf(key crypto.PrivKey) (keepsake.Key, error) {
	raw, err := key.Raw() // the seed, and the public key behind it
	if err != nil || len(raw) < ed25519.SeedSize {
		return keepsake.Key{}, fmt.Errorf("node key of %d bytes: %w", len(raw), err)
	}
	return keepsake.NewKey(raw[:ed25519.SeedSize])
}
