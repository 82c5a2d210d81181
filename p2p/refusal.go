package p2p

import (
	"fmt"

	"potluck"
)

// maxCures bounds the cures of a refusal: each kind once.
const maxCures = 7

// saturated gives r with what is above potluck.MaxSize brought down to that: a
// cure can cost more than any message may name. nil stays nil.
func saturated(r *potluck.Refusal) *potluck.Refusal {
	if r == nil {
		return nil
	}
	s := &potluck.Refusal{Code: r.Code, Asked: tellable(r.Asked), Free: tellable(r.Free), Short: tellable(r.Short)}
	for _, c := range r.Cures {
		s.Cures = append(s.Cures, potluck.Cure{Kind: c.Kind, Bytes: tellable(c.Bytes)})
	}
	return s
}

// tellable is the most of a sum that a message may name.
func tellable(s potluck.Size) potluck.Size { return min(s, potluck.MaxSize) }

// checkRefusal tells whether a refusal may cross the wire.
func checkRefusal(r *potluck.Refusal) error {
	if n := codeNumbers[Code(r.Code)]; n == 0 || n >= firstErrorCode {
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
		if cureNumbers[c.Kind] == 0 {
			return fmt.Errorf("refusal: cure %q is not in the table", c.Kind)
		}
		if err := checkSize("refusal: cure", c.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// sealRefusal gives the wire form of a refusal that passed checkRefusal.
func sealRefusal(r *potluck.Refusal) wireError {
	w := wireError{Code: codeNumbers[Code(r.Code)], Asked: r.Asked, Free: r.Free, Short: r.Short}
	for _, c := range r.Cures {
		w.Cures = append(w.Cures, wireCure{Kind: cureNumbers[c.Kind], Bytes: c.Bytes})
	}
	return w
}

// openRefusal gives the refusal that w means, checked.
func openRefusal(w wireError) (*potluck.Refusal, error) {
	r := &potluck.Refusal{Code: potluck.Code(codesByNumber[w.Code]), Asked: w.Asked, Free: w.Free, Short: w.Short}
	for _, c := range w.Cures {
		r.Cures = append(r.Cures, potluck.Cure{Kind: curesByNumber[c.Kind], Bytes: c.Bytes})
	}
	return r, checkRefusal(r)
}
