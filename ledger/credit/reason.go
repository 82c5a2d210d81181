package credit

import (
	"fmt"

	"potluck"
)

// Reason tells which duty an account breaks, and by how much. It becomes words
// only when somebody reads it: accounts are looked at far more often than they
// are read about. The zero Reason is that none is broken. Reasons with the same
// words may differ by ==; only that with the zero Reason means something.
type Reason struct {
	duty  duty
	count int64
	words string // of duty worded
}

type duty uint8

const (
	kept     duty = iota
	worded        // nothing but its words is known
	unfunded      // count bytes of what is held
	unproven      // count audits failed
	missing       // for count days
)

// Worded is a reason that was kept as words; "" is the zero Reason.
func Worded(words string) Reason {
	if words == "" {
		return Reason{}
	}
	return Reason{duty: worded, words: words}
}

// String gives the words, in which books and people have a reason; "" of none.
func (r Reason) String() string {
	switch r.duty {
	case unfunded:
		return fmt.Sprintf("%v of what is held is not funded", potluck.Size(r.count))
	case unproven:
		return fmt.Sprintf("%d audits failed", r.count)
	case missing:
		return fmt.Sprintf("absent for %d days", r.count)
	}
	return r.words
}
