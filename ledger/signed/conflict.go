package signed

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Conflict says what a proof of equivocation proves: Signer signed two
// different contents under one identity (CREDIT.md, section 3).
type Conflict struct {
	Signer peer.ID
	About  Identity
}

// Prove makes the proof that one signer signed different contents in a and b,
// which are documents of one kind. The proof of a and b is that of b and a, byte
// for byte. Errors wrap ErrDocument: one of the two isn't valid, or they are no
// conflict.
func Prove(a, b Document) (Document, error) {
	if err := first(a.Validate(), b.Validate()); err != nil {
		return Document{}, err
	}
	if a.Kind != b.Kind || a.Kind == KindConflict {
		return Document{}, fmt.Errorf("%w: %v and %v are no conflict", ErrDocument, a.Kind, b.Kind)
	}
	var last error
	for i := range a.Sealed { // a statement's signers are compared each with itself
		if len(a.Sealed[i]) == 0 || len(b.Sealed[i]) == 0 {
			last = fmt.Errorf("%w: no signer signed both", ErrDocument)
			continue
		}
		d, err := provePair(a.Sealed[i], b.Sealed[i])
		if err == nil {
			return d, nil
		}
		last = err
	}
	return Document{}, last
}

func provePair(a, b []byte) (Document, error) {
	x, err := openAny(a)
	if err != nil {
		return Document{}, err
	}
	y, err := openAny(b)
	if err != nil {
		return Document{}, err
	}
	if bytes.Compare(x.payload, y.payload) > 0 {
		a, b = b, a
	}
	d := Document{KindConflict, [][]byte{a, b}}
	_, err = VerifyConflict(d)
	return d, err
}

// VerifyConflict tells what a document of KindConflict proves. It needs nothing
// else: anybody can do it. Errors wrap ErrDocument.
func VerifyConflict(d Document) (Conflict, error) {
	x, _, err := d.pair()
	if err != nil {
		return Conflict{}, err
	}
	return Conflict{x.signer, x.body.identity()}, nil
}

// pair opens both sides of a conflict and checks that they make one. Payloads
// are compared, not signatures: the same content signed twice is no offence.
func (d Document) pair() (x, y opened[content], err error) {
	var none opened[content]
	if err := d.Validate(); err != nil {
		return none, none, err
	}
	if d.Kind != KindConflict {
		return none, none, fmt.Errorf("%w: %v, want %v", ErrDocument, d.Kind, KindConflict)
	}
	if x, err = openAny(d.Sealed[0]); err != nil {
		return none, none, err
	}
	if y, err = openAny(d.Sealed[1]); err != nil {
		return none, none, err
	}
	switch {
	case x.body.identity() != y.body.identity():
		err = errors.New("the two are about different things: kind, peers and number must be the same")
	case x.signer != y.signer:
		err = fmt.Errorf("the two have different signers, %v and %v", x.signer, y.signer)
	case bytes.Equal(x.payload, y.payload):
		err = errors.New("the two say the same")
	case bytes.Compare(x.payload, y.payload) > 0:
		err = errors.New("the lesser payload must be first")
	}
	if err != nil {
		return none, none, broken(KindConflict, err)
	}
	return x, y, nil
}
