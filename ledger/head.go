package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/zeebo/blake3"

	"potluck"
)

// head is where the chain of events stands.
type head struct {
	seq uint64         // of the newest event; 0: none yet
	sum potluck.Digest // chain value after it; zeros at 0
}

// next gives the head after one more event with this encoding.
func (h head) next(encoded []byte) head {
	hash := blake3.New()
	hash.Write(h.sum[:])
	hash.Write(encoded)
	n := head{seq: h.seq + 1}
	hash.Sum(n.sum[:0])
	return n
}

// A head record has 64 bytes: magic, generation, sequence, chain value, one
// byte that is 1 after a clean stop, and 7 bytes of BLAKE3 over what comes
// before them.
const (
	headMagic  = "plhead1\n"
	headRecord = 64
	headSlot   = 4096 // the two slots lie in different sectors
)

// headFile keeps the head outside of the database. Two slots are written in
// turn, so that one is whole after a torn write.
//
// A record is written after each commit and synced within a second. So after a
// crash of the process the file stands where the book stands or one commit
// behind it, and after a power cut at most a second behind; it is never ahead of
// a healthy book. Syncing it with each commit would double the cost of a commit
// and find no more than the last second's.
type headFile struct {
	f   *os.File
	gen uint64
}

type headState struct {
	head
	gen   uint64
	clean bool
}

func (s headState) marshal() []byte {
	b := append(make([]byte, 0, headRecord), headMagic...)
	b = binary.BigEndian.AppendUint64(b, s.gen)
	b = binary.BigEndian.AppendUint64(b, s.seq)
	b = append(b, s.sum[:]...)
	if s.clean {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	sum := blake3.Sum256(b)
	return append(b, sum[:headRecord-len(b)]...)
}

func parseHead(b []byte) (s headState, err error) {
	if len(b) != headRecord || string(b[:8]) != headMagic {
		return s, fmt.Errorf("head record of %d bytes without its magic: %w", len(b), ErrDamaged)
	}
	s.gen, s.seq, s.clean = binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:]), b[56] == 1
	copy(s.sum[:], b[24:56])
	if string(s.marshal()) != string(b) {
		return headState{}, fmt.Errorf("head record with a wrong checksum: %w", ErrDamaged)
	}
	return s, nil
}

// openHead gives the newest whole record; found is false when there is none.
func openHead(path string) (h *headFile, newest headState, found bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, newest, false, err
	}
	if newest, found, err = newestHead(f); err != nil {
		return nil, newest, false, errors.Join(err, f.Close())
	}
	return &headFile{f: f, gen: newest.gen}, newest, found, nil
}

// newestHead reads both slots.
func newestHead(f *os.File) (newest headState, found bool, err error) {
	for slot := range int64(2) {
		b := make([]byte, headRecord)
		if _, err := f.ReadAt(b, slot*headSlot); err != nil && !errors.Is(err, io.EOF) {
			return newest, false, err
		}
		if s, err := parseHead(b); err == nil && (!found || s.gen > newest.gen) {
			newest, found = s, true
		}
	}
	return newest, found, nil
}

// write puts a record into the other slot; sync makes it durable.
func (h *headFile) write(at head, clean bool) error {
	h.gen++
	s := headState{head: at, gen: h.gen, clean: clean}
	_, err := h.f.WriteAt(s.marshal(), int64(h.gen%2)*headSlot)
	return err
}

func (h *headFile) sync() error { return h.f.Sync() }
