package signed

import "fmt"

// Kind is the kind of a document. The numbers are part of the format.
type Kind uint8

// The closed table of kinds.
const (
	KindOrder     Kind = 1 // standing order: credit pointers
	KindRepay     Kind = 2 // repay order: which servers repay for a principal
	KindConsent   Kind = 3 // a server works for a principal, or no longer
	KindHousehold Kind = 4 // which nodes are one person's
	KindStatement Kind = 5 // what a host holds for an owner, signed by either or both
	KindConflict  Kind = 6 // two documents of one signer under one number
	KindKeepsake  Kind = 7 // what a node leaves with its friends, sealed for itself
	KindAuthority Kind = 8 // a friend may repair one file for its owner
	// KindRevocation: repair authorities hold no longer.
	KindRevocation Kind = 9
)

// kindRow says how a kind is called and which signature serves it. A conflict
// is a pair of signed documents and has no signature of its own.
type kindRow struct {
	name, domain, codec string
	sealed              int // envelopes in a document
}

var kinds = [...]kindRow{
	KindOrder:      {"order", "potluck-order", "/potluck/order/1", 1},
	KindRepay:      {"repay", "potluck-repay", "/potluck/repay/1", 1},
	KindConsent:    {"consent", "potluck-consent", "/potluck/consent/1", 1},
	KindHousehold:  {"household", "potluck-household", "/potluck/household/1", 1},
	KindStatement:  {"statement", "potluck-statement", "/potluck/statement/1", 2},
	KindConflict:   {"conflict", "", "", 2},
	KindKeepsake:   {"keepsake", "potluck-keepsake", "/potluck/keepsake/1", 1},
	KindAuthority:  {"authority", "potluck-authority", "/potluck/authority/1", 1},
	KindRevocation: {"revocation", "potluck-revocation", "/potluck/revocation/1", 1},
}

// Valid tells whether k is in the table.
func (k Kind) Valid() bool { return k >= KindOrder && int(k) < len(kinds) }

// String gives the kind's one word.
func (k Kind) String() string {
	if !k.Valid() {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kinds[k].name
}

// ParseKind reads the one word. Errors wrap ErrDocument.
func ParseKind(word string) (Kind, error) {
	for k := KindOrder; k.Valid(); k++ {
		if kinds[k].name == word {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%w: kind %.20q is none of order, repay, consent, household, statement, conflict, keepsake, authority, revocation", ErrDocument, word)
}

// MarshalText gives the one word.
func (k Kind) MarshalText() ([]byte, error) {
	if !k.Valid() {
		return nil, fmt.Errorf("%w: %v is not known", ErrDocument, k)
	}
	return []byte(kinds[k].name), nil
}

// UnmarshalText reads the one word.
func (k *Kind) UnmarshalText(text []byte) (err error) {
	*k, err = ParseKind(string(text))
	return err
}

// kindOf finds the kind that signs with a payload type.
func kindOf(codec []byte) (Kind, error) {
	for k := KindOrder; k.Valid(); k++ {
		if kinds[k].codec != "" && kinds[k].codec == string(codec) {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%w: payload type %.40q", ErrDocument, codec)
}
