package shares

import (
	"fmt"

	"potluck"
)

// Seal is the check that every store makes before it commits a share: that the
// manifest is of this share set, that it has the data's root at the share's
// number, and that crosscheck is the list that it names. It returns the
// complete header, or ErrMismatch with what differs.
func Seal(h Header, root potluck.Digest, manifest, crosscheck []byte) (Header, error) {
	m, err := ParseManifest(manifest)
	if err != nil {
		return Header{}, fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	switch {
	case m.Layout != h.Layout:
		return Header{}, fmt.Errorf("%w: it is of layout %+v, the share of %+v", ErrMismatch, m.Layout, h.Layout)
	case m.Index != h.ID.Index:
		return Header{}, fmt.Errorf("%w: it is of %v, the share of %v", ErrMismatch, m.Index, h.ID.Index)
	case m.Roots[h.ID.Number] != root:
		return Header{}, fmt.Errorf("%w: it has root %v, the data %v", ErrMismatch, m.Roots[h.ID.Number], root)
	case potluck.Size(len(crosscheck)) != CrosscheckLen(h.Layout):
		return Header{}, fmt.Errorf("%w: crosscheck has %d bytes, want %d", ErrMismatch, len(crosscheck), CrosscheckLen(h.Layout))
	case Sum(crosscheck) != m.Crosscheck:
		return Header{}, fmt.Errorf("%w: crosscheck has another hash than %v", ErrMismatch, m.Crosscheck)
	}
	h.Root, h.Manifest = root, Sum(manifest)
	return h, nil
}
