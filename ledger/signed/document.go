package signed

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
)

// Document is what is stored, sent and handed on: one envelope, or two. A
// statement has the host's envelope and then the owner's, either of which may
// be empty, not both. A conflict has two that share an identity and a signer, the
// lesser payload first. Whether the envelopes are good is seen when they are
// opened (Identify, Verify and the methods that give the content).
type Document struct {
	Kind   Kind
	Sealed [][]byte
}

// Single makes a document of one envelope.
func Single(k Kind, sealed []byte) Document { return Document{k, [][]byte{sealed}} }

// StatementOf makes a document of a statement's envelopes; one may be nil.
func StatementOf(byHost, byOwner []byte) Document {
	return Document{KindStatement, [][]byte{byHost, byOwner}}
}

// Validate tells whether the document has the form of its kind. It doesn't open
// the envelopes.
func (d Document) Validate() error {
	if !d.Kind.Valid() {
		return fmt.Errorf("%w: %v is not known", ErrDocument, d.Kind)
	}
	if want := kinds[d.Kind].sealed; len(d.Sealed) != want {
		return broken(d.Kind, fmt.Errorf("%d envelopes, want %d", len(d.Sealed), want))
	}
	empty := 0
	for _, s := range d.Sealed {
		if len(s) > MaxSealed {
			return broken(d.Kind, fmt.Errorf("envelope of %d bytes, at most %d are allowed", len(s), MaxSealed))
		}
		if len(s) == 0 {
			empty++
		}
	}
	if empty > 0 && (d.Kind != KindStatement || empty == len(d.Sealed)) {
		return broken(d.Kind, fmt.Errorf("%d of %d envelopes are empty", empty, len(d.Sealed)))
	}
	return nil
}

type wireDocument struct {
	Kind   uint8    `cbor:"1,keyasint"`
	Sealed [][]byte `cbor:"2,keyasint"`
}

// MarshalCBOR gives the encoding without checks; Marshal is for callers.
func (d Document) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireDocument{uint8(d.Kind), d.Sealed})
}

// UnmarshalCBOR reads the encoding; the caller validates.
func (d *Document) UnmarshalCBOR(data []byte) error {
	var w wireDocument
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*d = Document{Kind(w.Kind), w.Sealed}
	return nil
}

// Marshal gives the one encoding, of at most MaxDocument bytes. Errors wrap
// ErrDocument.
func (d Document) Marshal() ([]byte, error) { return encode(d) }

// ParseDocument reads what Marshal wrote, and nothing else. It doesn't open the
// envelopes. Errors wrap ErrDocument.
func ParseDocument(b []byte) (Document, error) {
	if len(b) > MaxDocument {
		return Document{}, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrDocument, len(b), MaxDocument)
	}
	return decode[Document](b)
}

func single[T content](d Document) (T, error) {
	var zero T
	if err := d.Validate(); err != nil {
		return zero, err
	}
	if d.Kind != zero.kind() {
		return zero, fmt.Errorf("%w: %v, want %v", ErrDocument, d.Kind, zero.kind())
	}
	x, err := open[T](d.Sealed[0])
	return x.body, err
}

// Order opens a document of KindOrder. Errors wrap ErrDocument.
func (d Document) Order() (Order, error) { return single[Order](d) }

// Repay opens a document of KindRepay. Errors wrap ErrDocument.
func (d Document) Repay() (Repay, error) { return single[Repay](d) }

// Consent opens a document of KindConsent. Errors wrap ErrDocument.
func (d Document) Consent() (Consent, error) { return single[Consent](d) }

// Household opens a document of KindHousehold. Errors wrap ErrDocument.
func (d Document) Household() (Household, error) { return single[Household](d) }

// Keepsake opens a document of KindKeepsake. Errors wrap ErrDocument.
func (d Document) Keepsake() (Keepsake, error) { return single[Keepsake](d) }

// Statement opens a document of KindStatement and tells who signed it. When both
// did, they signed the same payload. Errors wrap ErrDocument.
func (d Document) Statement() (s Statement, byHost, byOwner bool, err error) {
	if err := d.Validate(); err != nil {
		return Statement{}, false, false, err
	}
	if d.Kind != KindStatement {
		return Statement{}, false, false, fmt.Errorf("%w: %v, want %v", ErrDocument, d.Kind, KindStatement)
	}
	host, owner, err := d.halves()
	switch {
	case err != nil:
		return Statement{}, false, false, err
	case host == nil:
		return *owner, false, true, nil
	case owner == nil:
		return *host, true, false, nil
	case *host != *owner:
		return Statement{}, false, false, broken(KindStatement, fmt.Errorf("host and owner signed different ones: %d and %d bytes, numbers %d and %d",
			host.Bytes, owner.Bytes, host.Number, owner.Number))
	}
	return *host, true, true, nil
}

// halves opens the host's envelope and the owner's; what is empty gives nil.
func (d Document) halves() (host, owner *Statement, err error) {
	half := func(i int, signer func(Statement) peer.ID) (*Statement, error) {
		if len(d.Sealed[i]) == 0 {
			return nil, nil
		}
		s, by, err := OpenStatement(d.Sealed[i])
		if err == nil && by != signer(s) {
			err = broken(KindStatement, fmt.Errorf("envelope %d is signed by %v", i, by))
		}
		return &s, err
	}
	if host, err = half(0, func(s Statement) peer.ID { return s.Host }); err != nil {
		return nil, nil, err
	}
	owner, err = half(1, func(s Statement) peer.ID { return s.Owner })
	return host, owner, err
}

// Identify opens a document of any kind and tells what it is filed under. A
// conflict is filed under the identity of what it is about, but for the kind.
// Errors wrap ErrDocument.
func Identify(d Document) (Identity, error) {
	switch d.Kind {
	case KindStatement:
		s, _, _, err := d.Statement()
		if err != nil {
			return Identity{}, err
		}
		return s.identity(), nil
	case KindConflict:
		c, err := VerifyConflict(d)
		if err != nil {
			return Identity{}, err
		}
		c.About.Kind = KindConflict
		return c.About, nil
	}
	if err := d.Validate(); err != nil {
		return Identity{}, err
	}
	x, err := openAny(d.Sealed[0])
	if err == nil && x.body.kind() != d.Kind {
		return Identity{}, fmt.Errorf("%w: %v in a document of kind %v", ErrDocument, x.body.kind(), d.Kind)
	}
	if err != nil {
		return Identity{}, err
	}
	return x.body.identity(), nil
}

// openAny opens an envelope of the kind that its payload type names.
func openAny(sealed []byte) (opened[content], error) {
	var none opened[content]
	if err := checkSealed(sealed); err != nil {
		return none, err
	}
	e, err := record.UnmarshalEnvelope(sealed)
	if err != nil {
		return none, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	k, err := kindOf(e.PayloadType)
	if err != nil {
		return none, err
	}
	switch k {
	case KindOrder:
		return widen(open[Order](sealed))
	case KindRepay:
		return widen(open[Repay](sealed))
	case KindConsent:
		return widen(open[Consent](sealed))
	case KindHousehold:
		return widen(open[Household](sealed))
	case KindKeepsake:
		return widen(open[Keepsake](sealed))
	case KindAuthority:
		return widen(open[Authority](sealed))
	case KindRevocation:
		return widen(open[Revocation](sealed))
	default:
		return widen(open[Statement](sealed))
	}
}

func widen[T content](x opened[T], err error) (opened[content], error) {
	return opened[content]{x.body, x.signer, x.payload}, err
}
