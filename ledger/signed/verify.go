package signed

import (
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Verdict is what "credit verify" prints: what a document is, who signed it and
// what it says. It speaks of signatures and rules only; whether a document is
// the newest is known to the books alone. Sizes are bytes, times unix seconds.
type Verdict struct {
	Kind      Kind      `json:"kind"`
	Of        Kind      `json:"of,omitempty"` // of a conflict: what it is about
	Sentence  string    `json:"sentence"`     // for people
	Signers   []peer.ID `json:"signers"`
	Number    uint64    `json:"number"`
	NotBefore int64     `json:"not_before,omitempty"`
	Expires   int64     `json:"expires,omitempty"`
	Time      int64     `json:"time,omitempty"`
	Proof     bool      `json:"proof"` // the signers' disagreement with themselves is proved

	// The contents: one, or the two of a conflict.
	Orders      []Order      `json:"orders,omitempty"`
	Repays      []Repay      `json:"repays,omitempty"`
	Consents    []Consent    `json:"consents,omitempty"`
	Households  []Household  `json:"households,omitempty"`
	Statements  []Statement  `json:"statements,omitempty"`
	Keepsakes   []Keepsake   `json:"keepsakes,omitempty"`
	Authorities []Authority  `json:"authorities,omitempty"`
	Revocations []Revocation `json:"revocations,omitempty"`
}

// Verify opens a document of any kind and tells what it is. Errors wrap
// ErrDocument and say what is wrong.
func Verify(d Document) (Verdict, error) {
	switch d.Kind {
	case KindStatement:
		return verifyStatement(d)
	case KindConflict:
		return verifyConflict(d)
	}
	if _, err := Identify(d); err != nil {
		return Verdict{}, err
	}
	x, err := openAny(d.Sealed[0])
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Kind: d.Kind, Signers: []peer.ID{x.signer}, Sentence: sentence(x.body)}
	v.add(x.body)
	return v, nil
}

func verifyStatement(d Document) (Verdict, error) {
	s, byHost, byOwner, err := d.Statement()
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Kind: KindStatement}
	by := "the host and the owner"
	if byHost {
		v.Signers = append(v.Signers, s.Host)
	} else {
		by = "the owner alone"
	}
	if byOwner {
		v.Signers = append(v.Signers, s.Owner)
	} else {
		by = "the host alone"
	}
	v.Sentence = sentence(s) + ", signed by " + by
	v.add(s)
	return v, nil
}

func verifyConflict(d Document) (Verdict, error) {
	x, y, err := d.pair()
	if err != nil {
		return Verdict{}, err
	}
	id := x.body.identity()
	v := Verdict{Kind: KindConflict, Of: id.Kind, Signers: []peer.ID{x.signer}, Proof: true,
		Sentence: fmt.Sprintf("proof that %v signed two different documents of kind %v with number %d: %s; and %s", x.signer, id.Kind, id.Number,
			sentence(x.body), sentence(y.body))}
	v.add(x.body)
	v.add(y.body)
	return v, nil
}

// add takes the figures of a content over. Of a conflict's two, the dates are
// those of neither.
func (v *Verdict) add(c content) {
	v.Number = c.identity().Number
	switch c := c.(type) {
	case Order:
		v.Orders = append(v.Orders, c)
		v.NotBefore, v.Expires = c.NotBefore, c.Expires
	case Repay:
		v.Repays = append(v.Repays, c)
		v.NotBefore, v.Expires = c.NotBefore, c.Expires
	case Consent:
		v.Consents = append(v.Consents, c)
		v.NotBefore, v.Expires = c.NotBefore, c.Expires
	case Household:
		v.Households = append(v.Households, c)
		v.Time = c.Time
	case Statement:
		v.Statements = append(v.Statements, c)
		v.Time = c.Time
	case Authority:
		v.Authorities = append(v.Authorities, c)
		v.NotBefore, v.Expires = c.NotBefore, c.Expires
	case Revocation:
		v.Revocations = append(v.Revocations, c)
		v.Time = c.Time
	case Keepsake:
		v.Keepsakes = append(v.Keepsakes, c)
		v.Time = c.Time
	}
	if v.Proof {
		v.NotBefore, v.Expires, v.Time = 0, 0, 0
	}
}

// sentence says a content in words.
func sentence(c content) string {
	switch c := c.(type) {
	case Order:
		return orderSentence(c)
	case Repay:
		var parts []string
		for _, a := range c.Allotments {
			parts = append(parts, fmt.Sprintf("%s by %v", percent(a.SharePPM), a.Node))
		}
		return fmt.Sprintf("repay order %d of %v, %s to %s: debts repaid %s", c.Number, c.Principal, date(c.NotBefore), date(c.Expires),
			list(parts, "by itself alone"))
	case Consent:
		works := "works for"
		if !c.Works {
			works = "no longer works for"
		}
		return fmt.Sprintf("consent %d: %v %s %v, %s to %s", c.Number, c.Server, works, c.Principal, date(c.NotBefore), date(c.Expires))
	case Household:
		if c.Label == "" {
			return fmt.Sprintf("household %d: %v is of none, signed %s", c.Number, c.Member, date(c.Time))
		}
		var parts []string
		for _, p := range c.Members {
			parts = append(parts, p.String())
		}
		return fmt.Sprintf("household %d: %v is of %q with %s, signed %s", c.Number, c.Member, c.Label, list(parts, "nobody yet"), date(c.Time))
	case Statement:
		return fmt.Sprintf("statement %d: on %s %v held %v (%d bytes) in %d shares for %v", c.Number, date(c.Time), c.Host, c.Bytes,
			int64(c.Bytes), c.Shares, c.Owner)
	case Authority:
		return c.sentence()
	case Revocation:
		return c.sentence()
	case Keepsake:
		return fmt.Sprintf("keepsake %d of epoch %d of %v, signed %s: %d bytes that only it can open", c.Serial, c.Epoch, c.Owner, date(c.Time), len(c.Blob))
	}
	return ""
}

func orderSentence(o Order) string {
	var parts []string
	for _, p := range o.Pointers {
		parts = append(parts, p.String())
	}
	s := fmt.Sprintf("order %d of %v, %s to %s: points %s", o.Number, o.Issuer, date(o.NotBefore), date(o.Expires), list(parts, "to nobody"))
	if n := len(o.Declined); n > 0 {
		s += fmt.Sprintf("; declines the pointers of %d", n)
	}
	return s
}

// String gives the pointer as a clause for people.
func (p Pointer) String() string {
	var bounds []string
	if p.Limit != NoLimit {
		bounds = append(bounds, p.Limit.String())
	}
	if p.SharePPM != NoShare {
		bounds = append(bounds, percent(p.SharePPM))
	}
	at := "any host"
	if p.Host != "" {
		at = p.Host.String()
	}
	mode := "gives"
	if p.Loan {
		mode = "lends"
	}
	what := "everything"
	if len(bounds) > 0 {
		what = strings.Join(bounds, " and at most ")
	}
	if p.Until != 0 {
		at += " until " + date(p.Until)
	}
	return fmt.Sprintf("%v (%s %s at %s)", p.To, mode, what, at)
}

// list joins what a sentence has room for.
func list(parts []string, none string) string {
	const most = 16
	if len(parts) == 0 {
		return none
	}
	if more := len(parts) - most; more > 0 {
		parts = append(parts[:most:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

func date(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }

func percent(ppm int64) string {
	s := fmt.Sprintf("%d.%04d", ppm/10_000, ppm%10_000)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + " %"
}
