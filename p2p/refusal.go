package p2p

import (
	"fmt"

	"potluck"
)

// maxCures bounds the cures of a refusal: each kind once.
const maxCures = 7

// checkRefusal tells whether a refusal may cross the wire.
func checkRefusal(r *potluck.Refusal) error {
	if _, ok := codeNumbers[Code(r.Code)]; !ok || codeNumbers[Code(r.Code)] >= firstErrorCode {
		return fmt.Errorf("refusal: code %q is not in the table", r.Code)
	}
	for _, s := range []potluck.Size{r.Asked, r.Free, r.Short} {
		if err := checkSize("refusal", s); err != nil {
			return err
		}
	}
	if len(r.Cures) > maxCures {
		return fmt.Errorf("refusal: %d cures, at most %d are allowed", len(r.Cures), maxCures)
	}
	for _, c := range r.Cures {
		if _, ok := cureNumbers[c.Kind]; !ok {
			return fmt.Errorf("refusal: cure %q is not in the table", c.Kind)
		}
		if err := checkSize("refusal: cure", c.Bytes); err != nil {
			return err
		}
	}
	return nil
}
