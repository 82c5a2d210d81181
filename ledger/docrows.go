package ledger

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// This file has the wire form of the rows about documents.

type documentWire struct {
	Document []byte       `cbor:"1,keyasint,omitempty"`
	Number   uint64       `cbor:"2,keyasint,omitempty"`
	AsOf     int64        `cbor:"3,keyasint,omitempty"`
	Rival    []byte       `cbor:"4,keyasint,omitempty"`
	Frozen   []frozenWire `cbor:"5,keyasint,omitempty"`
	ByHost   []byte       `cbor:"6,keyasint,omitempty"`
	ByOwner  []byte       `cbor:"7,keyasint,omitempty"`
	Disputed uint64       `cbor:"8,keyasint,omitempty"`
	Least    int64        `cbor:"9,keyasint,omitempty"`
}

type frozenWire struct {
	_     struct{} `cbor:",toarray"`
	To    []byte
	Limit int64
	Since int64
}

func encodeEntry(e *entry) []byte {
	w := documentWire{Document: e.paper.wire(), Number: e.number(), AsOf: e.asOf, Rival: e.rival.wire(),
		ByHost: e.byHost.wire(), ByOwner: e.byOwner.wire(), Disputed: e.disputed, Least: int64(e.leastBytes)}
	for _, f := range e.frozen {
		w.Frozen = append(w.Frozen, frozenWire{To: []byte(f.To), Limit: int64(f.Limit), Since: f.Since})
	}
	return marshal(w)
}

func (p *paper) wire() []byte {
	if p == nil {
		return nil
	}
	return p.encoded
}

// decodeEntry reads a row and verifies every signature in it that isn't known
// from before; o may be nil.
func decodeEntry(k docKey, b []byte, o *opened) (*entry, error) {
	w, err := unmarshal[documentWire]("document", b)
	if err != nil {
		return nil, err
	}
	e := &entry{key: k, asOf: w.AsOf, disputed: w.Disputed, leastBytes: potluck.Size(w.Least)}
	for _, f := range w.Frozen {
		e.frozen = append(e.frozen, Frozen{peer.ID(f.To), potluck.Size(f.Limit), f.Since})
	}
	for _, p := range []struct {
		row []byte
		to  **paper
	}{{w.Document, &e.paper}, {w.Rival, &e.rival}, {w.ByHost, &e.byHost}, {w.ByOwner, &e.byOwner}} {
		if len(p.row) == 0 {
			continue
		}
		if *p.to, err = o.open(p.row); err != nil {
			return nil, damaged("document", err)
		}
	}
	if w.Number != e.number() {
		return nil, damaged("document", fmt.Errorf("number %d, the document has %d", w.Number, e.number()))
	}
	return e, damaged("document", e.check())
}

// check holds a row to what the kinds of documents promise.
func (e *entry) check() error {
	for _, p := range []*paper{e.paper, e.rival, e.byHost, e.byOwner} {
		if p != nil && p.key() != e.key {
			return fmt.Errorf("document of %v %v %v under another key", p.id.Kind, p.id.Issuer, p.id.Other)
		}
	}
	if err := e.checkStatement(); err != nil {
		return err
	}
	if e.rival != nil && (e.rival.id.Number != e.number() || e.rival.same(e.paper)) {
		return fmt.Errorf("number %d isn't in conflict with itself", e.number())
	}
	if e.key.kind != signed.KindOrder && (len(e.frozen) > 0 || e.asOf != 0) {
		return fmt.Errorf("%v with what only orders have", e.key.kind)
	}
	for i, f := range e.frozen {
		if i > 0 && e.frozen[i-1].To >= f.To {
			return fmt.Errorf("frozen pointers aren't in order")
		}
		// What a pointer without a limit carries may be beyond MaxSize, by sums of supplies.
		if f.Limit < 1 {
			return fmt.Errorf("frozen pointer of %d bytes", f.Limit)
		}
		if err := first(checkPeer(f.To), checkTimes(f.Since)); err != nil {
			return err
		}
	}
	return checkTimes(e.asOf)
}

func (e *entry) checkStatement() error {
	if e.key.kind != signed.KindStatement {
		if e.paper == nil || e.byHost != nil || e.byOwner != nil || e.disputed != 0 || e.leastBytes != 0 {
			return fmt.Errorf("%v with what only statements have, or without its document", e.key.kind)
		}
		return nil
	}
	switch {
	case e.paper == nil && e.byHost == nil && e.byOwner == nil, e.rival != nil:
		return fmt.Errorf("statement without a document, or with two")
	case e.paper != nil && !(e.paper.byHost && e.paper.byOwner):
		return fmt.Errorf("statement %d isn't signed by both", e.number())
	case e.byHost != nil && (e.byHost.byOwner || e.byHost.id.Number <= e.number()),
		e.byOwner != nil && (e.byOwner.byHost || e.byOwner.id.Number <= e.number()):
		return fmt.Errorf("statement %d, and one that isn't newer or signed by both beside it", e.number())
	case e.disputed != 0 && e.disputed != e.owned(), e.disputed == 0 && e.leastBytes != 0:
		return fmt.Errorf("statement %d is disputed, not %d", e.disputed, e.owned())
	}
	return checkSize("disputed", e.leastBytes)
}

// owned is the greatest number that the statement's owner has signed.
func (e *entry) owned() uint64 {
	if e.byOwner != nil {
		return e.byOwner.id.Number
	}
	return e.number()
}

func docRowKey(prefix byte, k docKey) []byte {
	b := append(make([]byte, 0, 4+len(k.issuer)+len(k.other)), prefix, byte(k.kind))
	return appendPeer(appendPeer(b, k.issuer), k.other)
}

// document reads the rest of a document row's key. The other peer may be missing.
func (r *keyReader) document() (k docKey) {
	k.kind = signed.Kind(r.take(1)[0])
	k.issuer = r.peer()
	if len(r.rest) > 0 && r.rest[0] == 0 {
		r.take(1)
		return k
	}
	k.other = r.peer()
	return k
}

func readEntry(key, value []byte, o *opened) (*entry, error) {
	r := parts(key)
	k := r.document()
	if err := r.end(key); err != nil {
		return nil, err
	}
	return decodeEntry(k, value, o)
}

// proofWire is the row of a proof of conflict.
type proofWire struct {
	Document []byte `cbor:"1,keyasint"`
}

// decodeProof reads a proof and verifies it.
func decodeProof(k docKey, b []byte) (signed.Document, error) {
	w, err := unmarshal[proofWire]("proof", b)
	if err != nil {
		return signed.Document{}, err
	}
	d, err := signed.ParseDocument(w.Document)
	if err != nil {
		return d, damaged("proof", err)
	}
	c, err := signed.VerifyConflict(d)
	if err == nil && (docKey{c.About.Kind, c.About.Issuer, c.About.Other}) != k {
		err = fmt.Errorf("proof about %v of %v under another key", c.About.Kind, c.About.Issuer)
	}
	return d, damaged("proof", err)
}

// rateWire is the row of what a slowed account added.
type rateWire struct {
	_     struct{} `cbor:",toarray"`
	Hours []hourWire
}

type hourWire struct {
	_      struct{} `cbor:",toarray"`
	Number int64
	Bytes  int64
}

func encodeRate(r rate) []byte {
	w := rateWire{Hours: make([]hourWire, 0, len(r))}
	for _, h := range r {
		w.Hours = append(w.Hours, hourWire{Number: h.number, Bytes: int64(h.bytes)})
	}
	return marshal(w)
}

func decodeRate(b []byte) (rate, error) {
	w, err := unmarshal[rateWire]("rate", b)
	if err != nil {
		return nil, err
	}
	var r rate
	for i, h := range w.Hours {
		if h.Number < 0 || h.Number > maxTime || h.Bytes < 1 || h.Bytes > int64(credit.SlowedPerDay) || (i > 0 && w.Hours[i-1].Number >= h.Number) || i > rateHours {
			return nil, damaged("rate", fmt.Errorf("%d bytes in hour %d", h.Bytes, h.Number))
		}
		r = append(r, hour{h.Number, potluck.Size(h.Bytes)})
	}
	return r, nil
}

// getRate gives nothing for an account that was never slowed.
func getRate(g getter, p peer.ID) (rate, error) {
	r, _, err := load(g, peerKey(keyRate, p), decodeRate)
	return r, err
}
