package p2p

import (
	"fmt"

	"potluck"
)

// AllocateRequest asks to reserve room for some shares of one share set, all or
// none. The charge of each follows from the layout.
type AllocateRequest struct {
	Index   potluck.StorageIndex
	Layout  potluck.Layout
	Numbers []potluck.ShareNumber // ascending, each below Layout.N, at least one
	// Authority, if not empty, is a sealed repair authority for the asker: the
	// shares are its owner's, who is charged.
	Authority []byte
}

// Validate tells whether every field lies in its range.
func (a AllocateRequest) Validate() error {
	if err := a.Layout.Validate(); err != nil {
		return err
	}
	if len(a.Numbers) == 0 {
		return fmt.Errorf("allocate: no share numbers")
	}
	for i, n := range a.Numbers {
		if uint8(n) >= a.Layout.N {
			return fmt.Errorf("allocate: share number %d is not below n = %d", n, a.Layout.N)
		}
		if i > 0 && a.Numbers[i-1] >= n {
			return fmt.Errorf("allocate: share numbers %d, %d are not ascending", a.Numbers[i-1], n)
		}
	}
	return checkAuthority(a.Authority)
}

func checkAuthority(sealed []byte) error {
	if len(sealed) > MaxAuthority {
		return fmt.Errorf("authority of %d bytes, at most %d are allowed", len(sealed), MaxAuthority)
	}
	return nil
}

// GrantState says what is to be done about one granted share.
type GrantState uint8

// The states of a grant.
const (
	GrantNew    GrantState = 1 // room is reserved: send the data from Offset on
	GrantHeld   GrantState = 2 // the asker has a lease on it already: nothing to send
	GrantExists GrantState = 3 // it is there by another's lease: prove with a write that the content is the same
)

// Grant is the answer about one share.
type Grant struct {
	Number   potluck.ShareNumber `cbor:"1,keyasint"`
	State    GrantState          `cbor:"2,keyasint"`
	Offset   potluck.Size        `cbor:"3,keyasint"` // bytes of data that are there already
	Root     potluck.Digest      `cbor:"4,keyasint"` // zero with GrantNew
	Manifest potluck.Digest      `cbor:"5,keyasint"` // zero with GrantNew
}

// AllocateResponse has one grant for each asked number, in the same order.
type AllocateResponse struct {
	Grants []Grant `cbor:"1,keyasint"`
}

// Validate tells whether every field lies in its range.
func (a AllocateResponse) Validate() error {
	if len(a.Grants) > potluck.MaxShares {
		return fmt.Errorf("allocate: %d grants, at most %d are allowed", len(a.Grants), potluck.MaxShares)
	}
	for i, g := range a.Grants {
		if err := checkNumber(g.Number); err != nil {
			return fmt.Errorf("grant: %w", err)
		}
		if g.State < GrantNew || g.State > GrantExists {
			return fmt.Errorf("grant: state %d is not known", g.State)
		}
		if err := checkSize("grant: offset", g.Offset); err != nil {
			return err
		}
		if i > 0 && a.Grants[i-1].Number >= g.Number {
			return fmt.Errorf("grant: share numbers %d, %d are not ascending", a.Grants[i-1].Number, g.Number)
		}
	}
	return nil
}
