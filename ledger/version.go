package ledger

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/zeebo/blake3"

	"potluck"
)

// Version is what a name meant from one put on: the content of a storage index,
// or, of a file so small that it lies in its cap, the cap itself. The rows of
// files say what is kept; these say what was called how, and when.
type Version struct {
	Name    string               `json:"name"`
	Time    int64                `json:"time"`    // unix seconds of the put; each version of a name has a later one than the one before
	Size    potluck.Size         `json:"size"`    // of the content
	Index   potluck.StorageIndex `json:"index"`   // zero for one that lies in its cap
	Cap     string               `json:"cap"`     // the literal cap, at most MaxCap bytes, or "-" when it was given up; "" with an index
	Removed int64                `json:"removed"` // unix seconds at which it was given up under this name; 0: it wasn't
}

// Validate tells whether every field lies in its range.
func (v Version) Validate() error { return v.check() }

func (v Version) check() error {
	switch {
	case v.Name == "":
		return fmt.Errorf("version without a name")
	case (v.Index == potluck.StorageIndex{}) == (v.Cap == ""):
		return fmt.Errorf("version has both a storage index and a cap, or neither")
	case v.Removed != 0 && v.Removed < v.Time:
		return fmt.Errorf("version of %d was removed before, at %d", v.Time, v.Removed)
	}
	return first(checkText("file name", v.Name, MaxFileName), checkText("cap", v.Cap, MaxCap), checkTimes(v.Time, v.Removed), checkSize("size", v.Size))
}

// same tells whether two versions have the same content.
func (v Version) same(w Version) bool { return v.Index == w.Index && v.Cap == w.Cap }

// PutSmall notes a named file that lies in its cap, which this node keeps.
// Errors: ErrInvalid, ErrFull.
func (b *Book) PutSmall(ctx context.Context, v Version) error {
	if err := first(v.check(), inCap(v)); err != nil {
		return fmt.Errorf("note a small file: %w: %w", err, ErrInvalid)
	}
	return b.do(ctx, "note a small file", true, func(t *tx) error { return t.putVersion(v) })
}

func inCap(v Version) error {
	if v.Cap == "" || v.Removed != 0 {
		return fmt.Errorf("%q of no cap, or removed already", v.Name)
	}
	return nil
}

// Recall notes versions of books that were lost, as they were. What these books
// know of the same name and time stays. Errors: ErrInvalid, ErrFull.
func (b *Book) Recall(ctx context.Context, vs []Version) error {
	for _, v := range vs {
		if err := v.check(); err != nil {
			return fmt.Errorf("recall what %q meant: %w: %w", v.Name, err, ErrInvalid)
		}
	}
	return b.do(ctx, "recall what names meant", true, func(t *tx) error {
		for _, v := range vs {
			key := versionKey(v.Name, v.Time)
			_, known, err := t.get(key)
			if err != nil {
				return err
			}
			if !known {
				t.set(key, encodeVersion(v))
			}
		}
		return nil
	})
}

// DropSmall gives up every version that lies in a cap, and tells how many there were.
func (b *Book) DropSmall(ctx context.Context, capText string) (gone int, err error) {
	var names []string
	if err := b.Versions(ctx, func(v Version) error {
		if capText != "" && v.Cap == capText && v.Removed == 0 {
			names = append(names, v.Name)
		}
		return nil
	}); err != nil {
		return 0, err
	}
	for _, name := range names {
		err := b.do(ctx, "forget a small file", false, func(t *tx) error {
			return t.endVersions(name, func(v Version) bool { return v.Cap == capText })
		})
		if err != nil {
			return gone, err
		}
		gone++
	}
	return gone, nil
}

// Versions visits all versions, those of one name one after the other, the oldest
// first. visit may call methods of the book.
func (b *Book) Versions(ctx context.Context, visit func(Version) error) error {
	return b.scan(ctx, span{prefix: []byte{keyVersion}}, visitVersion(visit))
}

// VersionsOf visits the versions of one name, the oldest first.
func (b *Book) VersionsOf(ctx context.Context, name string, visit func(Version) error) error {
	return b.scan(ctx, span{prefix: versionsKey(name)}, visitVersion(visit))
}

func visitVersion(visit func(Version) error) func(key, row []byte) error {
	return func(key, row []byte) error {
		v, err := readVersion(key, row)
		if err != nil {
			return err
		}
		return visit(v)
	}
}

// versions gives those of a name as the operation sees them, and the newest.
func (t *tx) versions(name string) (all []Version, newest Version, err error) {
	rows, err := t.under(versionsKey(name))
	if err != nil {
		return nil, newest, err
	}
	for key, row := range rows {
		v, err := readVersion([]byte(key), row)
		if err != nil {
			return nil, newest, err
		}
		if v.Time >= newest.Time {
			newest = v
		}
		all = append(all, v)
	}
	return all, newest, nil
}

// putVersion notes what a name means from now on. The same content put again makes
// no row, or a copy that is made every night would fill the books.
func (t *tx) putVersion(v Version) error {
	if v.Name == "" {
		return nil
	}
	all, newest, err := t.versions(v.Name)
	if err == nil && v.Time < newest.Time && newest.Time <= t.now { // noted late, as in a recovery: it isn't the newest
		return t.recallVersion(v)
	}
	if err != nil || newest.Name != "" && newest.same(v) && newest.Removed == 0 {
		return err
	}
	v.Time = max(v.Time, newest.Time+1, newest.Removed) // a clock that was set back changes no order
	t.set(versionKey(v.Name, v.Time), encodeVersion(v))
	t.thin(all)
	return nil
}

// maxVersions bounds the versions of one name: each put reads them all.
const maxVersions = 4096

// thin makes room for one version of a name more. The oldest go, a batch at most;
// what is kept of their contents has its row as a file.
func (t *tx) thin(all []Version) {
	over := len(all) + 1 - maxVersions
	if over <= 0 {
		return
	}
	slices.SortFunc(all, func(a, b Version) int { return cmp.Compare(a.Time, b.Time) })
	for _, v := range all[:min(over, MaxBatch)] {
		t.del(versionKey(v.Name, v.Time))
	}
}

// capGone stands for the cap of a small file that was given up.
const capGone = "-"

// endVersions notes that versions of a name were given up now.
func (t *tx) endVersions(name string, given func(Version) bool) error {
	all, _, err := t.versions(name)
	if err != nil {
		return err
	}
	for _, v := range all {
		if v.Removed == 0 && given(v) {
			v.Removed = max(t.now, v.Time)
			if v.Cap != "" {
				v.Cap = capGone // it was the content, which is to be gone
			}
			t.set(versionKey(name, v.Time), encodeVersion(v))
		}
	}
	return nil
}

// recallVersion notes what the row of a file says of its name, if no version says
// it: it was put when there were no versions.
func (t *tx) recallVersion(v Version) error {
	all, _, err := t.versions(v.Name)
	taken := func(w Version) bool { return w.same(v) || w.Time == v.Time }
	if err != nil || v.Name == "" || slices.ContainsFunc(all, taken) {
		return err
	}
	t.set(versionKey(v.Name, v.Time), encodeVersion(v))
	return nil
}

func versionOf(f File) Version {
	return Version{Name: f.Name, Time: f.Put, Size: f.Layout.Size, Index: f.Index}
}

// ForgetVersions drops versions that were given up before a time, at most MaxBatch
// a call, and tells how many went.
func (b *Book) ForgetVersions(ctx context.Context, before int64) (gone int, err error) {
	var keys [][]byte
	err = b.Versions(ctx, func(v Version) error {
		if v.Removed != 0 && v.Removed < before {
			keys = append(keys, versionKey(v.Name, v.Time))
		}
		if len(keys) == MaxBatch {
			return ErrStop
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	return len(keys), b.do(ctx, "forget old versions", false, func(t *tx) error {
		for _, k := range keys {
			t.del(k)
		}
		return nil
	})
}

// versionsKey begins the keys of all versions of a name. A name may be longer than
// a key should be, and keys are read more often than they are shown.
func versionsKey(name string) []byte {
	sum := blake3.Sum256([]byte(name))
	return append([]byte{keyVersion}, sum[:indexLen]...)
}

func versionKey(name string, time int64) []byte {
	return binary.BigEndian.AppendUint64(versionsKey(name), uint64(time))
}

type versionWire struct {
	Name    string `cbor:"1,keyasint"`
	Size    int64  `cbor:"2,keyasint,omitempty"`
	Index   []byte `cbor:"3,keyasint,omitempty"`
	Cap     string `cbor:"4,keyasint,omitempty"`
	Removed int64  `cbor:"5,keyasint,omitempty"`
}

func encodeVersion(v Version) []byte {
	w := versionWire{Name: v.Name, Size: int64(v.Size), Cap: v.Cap, Removed: v.Removed}
	if v.Index != (potluck.StorageIndex{}) {
		w.Index = v.Index[:]
	}
	return marshal(w)
}

func decodeVersion(time int64, b []byte) (Version, error) {
	w, err := unmarshal[versionWire]("version", b)
	if err != nil {
		return Version{}, err
	}
	v := Version{Name: w.Name, Time: time, Size: potluck.Size(w.Size), Cap: w.Cap, Removed: w.Removed}
	if len(w.Index) != 0 && len(w.Index) != indexLen {
		return Version{}, fmt.Errorf("version row has an index of %d bytes: %w", len(w.Index), ErrDamaged)
	}
	copy(v.Index[:], w.Index)
	return v, damaged("version", v.check())
}

func readVersion(key, row []byte) (Version, error) {
	k := parts(key)
	k.index()
	time := int64(k.number())
	if err := k.end(key); err != nil {
		return Version{}, err
	}
	v, err := decodeVersion(time, row)
	if err == nil && string(versionKey(v.Name, v.Time)) != string(key) {
		err = fmt.Errorf("version of %q has the key of another name: %w", v.Name, ErrDamaged)
	}
	return v, err
}

// versions checks the rows of names.
func (c *checker) versions() error {
	return c.each(keyVersion, func(key, row []byte) error {
		_, err := readVersion(key, row)
		return err
	})
}
