package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"potluck/internal/durable"
)

// doorFile says where the page of a data directory's node is, and has the key
// that its links and tokens are made with. Mode 0600: who can read it is the
// node's owner.
const doorFile = "page.json"

// door is what doorFile says. Its methods are safe for concurrent use.
type door struct {
	Addr string `json:"addr"` // host:port on loopback
	Boot string `json:"boot"` // 32 hexadecimal characters, others with each start: links don't outlive it
	Key  string `json:"key"`  // 64 hexadecimal characters, the same until it is thrown away
}

const (
	linkTime    = 15 * time.Minute
	sessionTime = 30 * 24 * time.Hour

	passLen = 8 + 16 + 16 // expiry, random, the first half of the MAC
	bootLen = 16
	keyLen  = 32
)

// openDoor keeps the key of an earlier start, if there is one, and notes where
// the page is now. renew throws the key away: nobody stays signed in.
func openDoor(dataDir, addr string, renew bool) (*door, error) {
	d, err := readDoor(dataDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if renew || d == nil {
		d = &door{Key: randomHex(keyLen)}
	}
	d.Addr, d.Boot = addr, randomHex(bootLen)
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	if err := durable.WriteFile(filepath.Join(dataDir, doorFile), append(text, '\n'), 0o600); err != nil {
		return nil, fmt.Errorf("note where the page is: %w", err)
	}
	return d, nil
}

// readDoor reads doorFile. Errors: fs.ErrNotExist.
func readDoor(dataDir string) (*door, error) {
	text, err := os.ReadFile(filepath.Join(dataDir, doorFile))
	if err != nil {
		return nil, err
	}
	d := new(door)
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("%s can't be read: %w; cure: remove it and start the node again", doorFile, err)
	}
	if key, err := hex.DecodeString(d.Key); err != nil || len(key) != keyLen {
		return nil, fmt.Errorf("%s has no key of %d bytes; cure: remove it and start the node again", doorFile, keyLen)
	}
	return d, nil
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// What a pass is for; part of what its MAC is over.
const (
	passLink    = "potluck page 1: link"
	passSession = "potluck page 1: session"
)

// pass makes a text that says: good for this purpose until then.
func (d *door) pass(purpose string, until time.Time) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, passLen), uint64(until.Unix()))
	b = b[:8+16]
	_, _ = rand.Read(b[8:]) // never fails
	return base64.RawURLEncoding.EncodeToString(append(b, d.mac(purpose, b)...))
}

// check tells whether a text was made by pass for this purpose and is good
// still, and until when. id names the pass.
func (d *door) check(purpose, text string, now time.Time) (id [16]byte, until time.Time, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != passLen || !hmac.Equal(d.mac(purpose, b[:24]), b[24:]) {
		return id, until, false
	}
	copy(id[:], b[8:24])
	until = time.Unix(int64(binary.BigEndian.Uint64(b)), 0)
	return id, until, now.Before(until)
}

// mac is over the purpose and the beginning of a pass; of a link also over the
// start of the node that it is for, which remembers what was used.
func (d *door) mac(purpose string, head []byte) []byte {
	key, _ := hex.DecodeString(d.Key) // checked by readDoor
	m := hmac.New(sha256.New, key)
	m.Write([]byte(purpose))
	if purpose == passLink {
		m.Write([]byte(d.Boot))
	}
	m.Write(head)
	return m.Sum(nil)[:16]
}

// PageLink makes a link to the page of the node that runs in a data directory:
// good once, within 15 minutes. Errors: ErrNotRunning when there is no page.
func PageLink(dataDir string, now time.Time) (string, error) {
	d, err := readDoor(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s has no page: %w", dataDir, ErrNotRunning)
	}
	if err != nil {
		return "", err
	}
	return "http://" + d.Addr + "/#code=" + d.pass(passLink, now.Add(linkTime)), nil
}

// PageToken makes a token for programs that speak to the page's address, such
// as a collector of metrics. Errors are those of PageLink.
func PageToken(dataDir string, until time.Time) (addr, token string, err error) {
	d, err := readDoor(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("%s has no page: %w", dataDir, ErrNotRunning)
	}
	if err != nil {
		return "", "", err
	}
	return d.Addr, d.pass(passSession, until), nil
}
