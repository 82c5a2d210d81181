package keepsake

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
)

// Reader reads a backup.
type Reader struct {
	Head
	Names         []ledger.Version // what names meant, as far as Next has read; all of them after its io.EOF
	r             *bufio.Reader
	files, shares int64
	done          bool
}

// NewReader reads the head. Errors wrap ErrInvalid, or are those of r.
func NewReader(r io.Reader) (*Reader, error) {
	x := &Reader{r: bufio.NewReader(r)}
	begin := make([]byte, len(magic))
	if _, err := io.ReadFull(x.r, begin); err != nil {
		return nil, short(err)
	}
	if string(begin) != magic {
		return nil, fmt.Errorf("%w: backup begins with %q", ErrInvalid, begin)
	}
	b, err := x.record(maxRecord)
	if err != nil {
		return nil, err
	}
	w, err := decode[wireHead](b)
	if err != nil {
		return nil, err
	}
	if w.Kind != kindHead {
		return nil, fmt.Errorf("%w: record %d where the head belongs", ErrInvalid, w.Kind)
	}
	x.Head = Head{Owner: peer.ID(w.Owner), Time: w.Time, Friends: make([]Friend, len(w.Friends))}
	for i, f := range w.Friends {
		x.Friends[i] = f.friend()
		if err := x.Friends[i].Validate(); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// short gives an end in the middle its meaning.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the backup ends in the middle", ErrInvalid)
	}
	return err
}

// record reads the bytes of one record, as they come: a wrong length reserves
// no memory.
func (x *Reader) record(most int64) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(x.r, length[:]); err != nil {
		return nil, short(err)
	}
	n := int64(binary.BigEndian.Uint32(length[:]))
	if n > most {
		return nil, fmt.Errorf("%w: record of %d bytes, at most %d are allowed", ErrInvalid, n, most)
	}
	b, err := io.ReadAll(io.LimitReader(x.r, n))
	if err == nil && int64(len(b)) < n {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, short(err)
	}
	return b, nil
}

// Next gives the next file; io.EOF after the last, when the end was whole and
// nothing came behind it. Other errors wrap ErrInvalid, or are those of the
// reader below.
func (x *Reader) Next() (File, error) {
	if x.done {
		return File{}, io.EOF
	}
	b, err := x.record(maxFile)
	for ; err == nil && len(b) > 2 && b[2] == kindName; b, err = x.record(maxFile) { // a map, its first key 0, and the kind
		if err := x.name(b); err != nil {
			return File{}, err
		}
	}
	if err != nil {
		return File{}, err
	}
	if len(b) > 2 && b[2] == kindEnd {
		return File{}, x.end(b)
	}
	if len(x.Names) > 0 {
		return File{}, fmt.Errorf("%w: a file comes after the names", ErrInvalid)
	}
	w, err := decode[wireFile](b)
	if err != nil {
		return File{}, err
	}
	if w.Kind != kindFile {
		return File{}, fmt.Errorf("%w: record of kind %d", ErrInvalid, w.Kind)
	}
	f := File{Index: w.Index, Manifest: w.Manifest, Name: w.Name, Put: w.Put, Wanted: w.Wanted, Key: w.Key, Shares: make([]Held, len(w.Shares)),
		Layout: potluck.Layout{Suite: w.Layout.Suite, K: w.Layout.K, N: w.Layout.N, Block: w.Layout.Block, Size: potluck.Size(w.Layout.Size)}}
	for i, h := range w.Shares {
		f.Shares[i] = Held{potluck.ShareNumber(h.Number), h.Host, h.Root, h.Placed}
	}
	x.files, x.shares = x.files+1, x.shares+int64(len(f.Shares))
	return f, f.Validate(len(x.Friends))
}

// end checks the sums and gives io.EOF.
func (x *Reader) end(b []byte) error {
	w, err := decode[wireEnd](b)
	if err != nil {
		return err
	}
	if names := int64(len(x.Names)); w.Names != names {
		return fmt.Errorf("%w: %d names came, %d were written", ErrInvalid, names, w.Names)
	}
	if w.Files != x.files || w.Shares != x.shares {
		return fmt.Errorf("%w: %d files with %d shares came, %d and %d were written", ErrInvalid, x.files, x.shares, w.Files, w.Shares)
	}
	if _, err := x.r.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the end", ErrInvalid)
	}
	x.done = true
	return io.EOF
}
