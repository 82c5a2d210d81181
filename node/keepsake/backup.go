package keepsake

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/zeebo/blake3"

	"potluck"
	"potluck/ledger"
)

// magic begins a backup. Behind it come records: a length of four bytes
// (big-endian) and so many bytes of CBOR each; a head, files, an end.
const magic = "potluck books 1\n"

// maxRecord is the greatest length of one record. A head has all friends.
const (
	maxRecord = 64 << 20
	maxFile   = 64 << 10
)

// Head begins a backup.
type Head struct {
	Owner   peer.ID
	Time    int64    // unix seconds when it was begun
	Friends []Friend // all friends, and all who hold something
}

// File is one file of this node with its placements.
type File struct {
	Index    potluck.StorageIndex
	Manifest potluck.Digest
	Layout   potluck.Layout
	Name     string
	Put      int64
	Wanted   int
	Key      []byte // of its read cap: 32 bytes, or none
	Shares   []Held
}

// Held is one placement.
type Held struct {
	Number potluck.ShareNumber
	Host   int // which of the head's friends
	Root   potluck.Digest
	Placed int64
}

type wireHead struct {
	Kind    uint8        `cbor:"0,keyasint"`
	Owner   []byte       `cbor:"1,keyasint"`
	Time    int64        `cbor:"2,keyasint"`
	Friends []wireFriend `cbor:"3,keyasint"`
}

type wireFile struct {
	Kind     uint8      `cbor:"0,keyasint"`
	Index    [16]byte   `cbor:"1,keyasint"`
	Manifest [32]byte   `cbor:"2,keyasint"`
	Layout   wireLayout `cbor:"3,keyasint"`
	Name     string     `cbor:"4,keyasint"`
	Put      int64      `cbor:"5,keyasint"`
	Wanted   int        `cbor:"6,keyasint"`
	Key      []byte     `cbor:"7,keyasint"`
	Shares   []wireHeld `cbor:"8,keyasint"`
}

type wireLayout struct {
	_     struct{} `cbor:",toarray"`
	Suite uint8
	K     uint8
	N     uint8
	Block uint32
	Size  int64
}

func wireLayoutOf(l potluck.Layout) wireLayout {
	return wireLayout{Suite: l.Suite, K: l.K, N: l.N, Block: l.Block, Size: int64(l.Size)}
}

func (w wireLayout) layout() potluck.Layout {
	return potluck.Layout{Suite: w.Suite, K: w.K, N: w.N, Block: w.Block, Size: potluck.Size(w.Size)}
}

type wireHeld struct {
	_      struct{} `cbor:",toarray"`
	Number uint8
	Host   int
	Root   [32]byte
	Placed int64
}

type wireEnd struct {
	Kind   uint8 `cbor:"0,keyasint"`
	Files  int64 `cbor:"1,keyasint"`
	Shares int64 `cbor:"2,keyasint"`
	Names  int64 `cbor:"3,keyasint,omitempty"`
}

// Kinds of records.
const (
	kindHead = 1
	kindFile = 2
	kindEnd  = 3
	kindName = 4 // after the files
)

// Validate tells whether every field lies in its range; hosts is how many
// friends the head has. The books check the rest.
func (f File) Validate(hosts int) error {
	if err := f.Layout.Validate(); err != nil {
		return fmt.Errorf("%w: file %v: %w", ErrInvalid, f.Index, err)
	}
	switch {
	case len(f.Name) > ledger.MaxFileName:
		return fmt.Errorf("%w: file %v: name of %d bytes", ErrInvalid, f.Index, len(f.Name))
	case len(f.Key) != 0 && len(f.Key) != 32:
		return fmt.Errorf("%w: file %v: key of %d bytes", ErrInvalid, f.Index, len(f.Key))
	case f.Wanted < 0 || f.Wanted > potluck.MaxShares:
		return fmt.Errorf("%w: file %v: %d shares wanted", ErrInvalid, f.Index, f.Wanted)
	}
	for _, h := range f.Shares {
		if int(h.Number) >= int(f.Layout.N) || h.Host < 0 || h.Host >= hosts {
			return fmt.Errorf("%w: file %v: share %d at host %d of %d", ErrInvalid, f.Index, h.Number, h.Host, hosts)
		}
	}
	return nil
}

// Writer writes a backup.
type Writer struct {
	w             *bufio.Writer
	hosts         int
	files, shares int64
	names         int64
	sum           *blake3.Hasher
}

// NewWriter writes the head.
func NewWriter(w io.Writer, h Head) (*Writer, error) {
	x := &Writer{w: bufio.NewWriter(w), hosts: len(h.Friends), sum: blake3.New()}
	wire := wireHead{Kind: kindHead, Owner: []byte(h.Owner), Time: h.Time, Friends: make([]wireFriend, len(h.Friends))}
	for i, f := range h.Friends {
		if err := f.Validate(); err != nil {
			return nil, err
		}
		wire.Friends[i] = wireFriendOf(f)
	}
	if len(h.Friends) > MaxFriends {
		return nil, fmt.Errorf("%w: %d friends, at most %d are allowed", ErrInvalid, len(h.Friends), MaxFriends)
	}
	if _, err := x.w.WriteString(magic); err != nil {
		return nil, err
	}
	_, err := x.record(wire, maxRecord)
	return x, err
}

func (x *Writer) record(wire any, most int) ([]byte, error) {
	b, err := encMode.Marshal(wire)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(b) > most {
		return nil, fmt.Errorf("%w: record of %d bytes, at most %d are allowed", ErrInvalid, len(b), most)
	}
	if _, err := x.w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b)))); err != nil {
		return nil, err
	}
	_, err = x.w.Write(b)
	return b, err
}

// File writes one file.
func (x *Writer) File(f File) error {
	if err := f.Validate(x.hosts); err != nil {
		return err
	}
	wire := wireFile{Kind: kindFile, Index: f.Index, Manifest: f.Manifest, Name: f.Name, Put: f.Put, Wanted: f.Wanted, Key: f.Key,
		Layout: wireLayoutOf(f.Layout), Shares: make([]wireHeld, len(f.Shares))}
	for i, h := range f.Shares {
		wire.Shares[i] = wireHeld{Number: uint8(h.Number), Host: h.Host, Root: h.Root, Placed: h.Placed}
	}
	x.files, x.shares = x.files+1, x.shares+int64(len(f.Shares))
	b, err := x.record(wire, maxFile)
	_, _ = x.sum.Write(b) // never fails
	return err
}

// Sum is the hash of the files and names that were written. It tells whether the books
// say something else than at the last backup.
func (x *Writer) Sum() potluck.Digest { return potluck.Digest(x.sum.Sum(nil)) }

// Close writes the end. It doesn't close what is below.
func (x *Writer) Close() error {
	if _, err := x.record(wireEnd{kindEnd, x.files, x.shares, x.names}, maxRecord); err != nil {
		return err
	}
	return x.w.Flush()
}
