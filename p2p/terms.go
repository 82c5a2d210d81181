package p2p

import (
	"fmt"

	"potluck"
)

// Terms is what one node offers another, told in joins and invites.
type Terms struct {
	RatioPPM  int64        `cbor:"1,keyasint" json:"ratio_ppm"`  // millionths of a byte given per byte held for the giver
	Gift      potluck.Size `cbor:"2,keyasint" json:"gift"`       // bytes given without return
	Opening   potluck.Size `cbor:"3,keyasint" json:"opening"`    // bytes of trust given to begin with
	Paid      potluck.Size `cbor:"4,keyasint" json:"paid"`       // bytes given until PaidUntil
	PaidUntil int64        `cbor:"5,keyasint" json:"paid_until"` // unix seconds; 0: no end meant as Paid is 0
}

// MaxRatioPPM bounds Terms.RatioPPM: a thousand bytes for each byte.
const MaxRatioPPM = 1_000_000_000

// Validate tells whether every figure lies in its range.
func (t Terms) Validate() error {
	if t.RatioPPM < 0 || t.RatioPPM > MaxRatioPPM {
		return fmt.Errorf("terms: ratio of %d ppm is not between 0 and %d", t.RatioPPM, int64(MaxRatioPPM))
	}
	for _, s := range []potluck.Size{t.Gift, t.Opening, t.Paid} {
		if err := checkSize("terms", s); err != nil {
			return err
		}
	}
	return checkTime("terms: paid until", t.PaidUntil)
}
