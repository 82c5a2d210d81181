package signed

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"
)

// drawPeers gives sorted peers without repeats and without peer 1, the signer.
func drawPeers(t *rapid.T, most int) []peer.ID {
	set := rapid.SliceOfNDistinct(rapid.IntRange(0, 1<<20), 0, most, rapid.ID[int]).Draw(t, "peers")
	list := make([]peer.ID, len(set))
	for i, n := range set {
		list[i] = anyID(n)
	}
	return sortedPeers(list)
}

func drawSpan(t *rapid.T) (from, to int64) {
	from = rapid.Int64Range(0, MaxTime-90*day).Draw(t, "from")
	return from, from + rapid.Int64Range(1, 90*day).Draw(t, "life")
}

func drawChain(t *rapid.T) (uint64, potluck.Digest) {
	n := rapid.Uint64Range(1, MaxNumber).Draw(t, "number")
	if n == 1 {
		return n, potluck.Digest{}
	}
	return n, hash(rapid.Byte().Draw(t, "previous"))
}

func drawSize(t *rapid.T, least potluck.Size) potluck.Size {
	return potluck.Size(rapid.Int64Range(int64(least), int64(potluck.MaxSize)).Draw(t, "size"))
}

func drawOrder(t *rapid.T) Order {
	o := Order{Issuer: id(1), Pointers: []Pointer{}, Declined: drawPeers(t, 8)}
	o.Number, o.Previous = drawChain(t)
	o.NotBefore, o.Expires = drawSpan(t)
	hosts := append(drawPeers(t, 3), "")
	for _, host := range hosts {
		for _, to := range drawPeers(t, 3) {
			p := Pointer{To: to, Host: host, Limit: drawSize(t, NoLimit), SharePPM: rapid.Int64Range(NoShare, WholePPM).Draw(t, "share"),
				Since: rapid.Int64Range(0, o.Expires-1).Draw(t, "since")}
			if rapid.Bool().Draw(t, "ends") {
				p.Until = rapid.Int64Range(o.NotBefore+1, MaxTime).Draw(t, "until")
			}
			p.Loan = p.Limit > 0 && rapid.Bool().Draw(t, "loan")
			if to != host {
				o.Pointers = append(o.Pointers, p)
			}
		}
	}
	return o.Sorted()
}

func drawRepay(t *rapid.T) Repay {
	r := Repay{Principal: id(1), Allotments: []Allotment{}}
	r.Number, r.Previous = drawChain(t)
	r.NotBefore, r.Expires = drawSpan(t)
	left := int64(WholePPM)
	for _, p := range drawPeers(t, 6) {
		if left > 0 {
			a := Allotment{p, rapid.Int64Range(1, left).Draw(t, "share")}
			left -= a.SharePPM
			r.Allotments = append(r.Allotments, a)
		}
	}
	return r
}

func drawConsent(t *rapid.T) Consent {
	c := Consent{Server: id(1), Principal: anyID(rapid.IntRange(0, 9).Draw(t, "principal")), Works: rapid.Bool().Draw(t, "works")}
	c.Number, _ = drawChain(t)
	c.NotBefore, c.Expires = drawSpan(t)
	return c
}

func drawHousehold(t *rapid.T) Household {
	h := Household{Member: id(1), Time: rapid.Int64Range(0, MaxTime).Draw(t, "time"), Members: []peer.ID{},
		Label: rapid.StringOfN(rapid.RuneFrom([]rune("aé家 '-")), 0, MaxLabel, -1).Draw(t, "label")}
	h.Number, _ = drawChain(t)
	if h.Label != "" {
		h.Members = drawPeers(t, MaxMembers)
	}
	return h
}

func drawStatement(t *rapid.T) Statement {
	seq := rapid.Uint64Range(0, MaxNumber)
	s := Statement{Host: id(1), Owner: anyID(rapid.IntRange(0, 9).Draw(t, "owner")), Time: rapid.Int64Range(0, MaxTime).Draw(t, "time"),
		Bytes: drawSize(t, 0), Shares: rapid.Int64Range(0, MaxShares).Draw(t, "shares"), Digest: hash(rapid.Byte().Draw(t, "digest")),
		HostHead:  Head{seq.Draw(t, "seq"), hash(rapid.Byte().Draw(t, "chain")), rapid.SampledFrom([]uint64{0, 2, MaxEpoch}).Draw(t, "epoch")},
		OwnerHead: Head{Seq: seq.Draw(t, "seq")}}
	s.Number, _ = drawChain(t)
	return s
}

func drawAuthority(t *rapid.T) Authority {
	a := sampleAuthority()
	a.Repairer = id(byte(rapid.IntRange(2, 9).Draw(t, "repairer")))
	a.Number = rapid.Uint64Range(1, MaxNumber).Draw(t, "number")
	a.Index[0] = rapid.Byte().Draw(t, "index")
	a.Layout.K = rapid.Uint8Range(1, 10).Draw(t, "k")
	a.Layout.Size = potluck.Size(rapid.Int64Range(2, int64(potluck.MaxSize)).Draw(t, "size"))
	a.Expires = a.NotBefore + rapid.Int64Range(1, 90*day).Draw(t, "life")
	return a
}

func drawRevocation(t *rapid.T) Revocation {
	r := sampleRevocation()
	r.Revoked = []Revoked{}
	for range rapid.IntRange(0, 5).Draw(t, "revoked") {
		r = r.With(Revoked{Subject{rapid.Byte().Draw(t, "about")}, rapid.Uint64Range(1, MaxNumber).Draw(t, "up to")})
	}
	return r
}

func drawKeepsake(t *rapid.T) Keepsake {
	return Keepsake{Owner: id(1), Epoch: rapid.Uint64Range(1, MaxEpoch).Draw(t, "epoch"), Serial: rapid.Uint64Range(1, MaxSerial).Draw(t, "serial"),
		Time: rapid.Int64Range(0, MaxTime-1).Draw(t, "time"), Blob: rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "blob")}
}

func drawContent(t *rapid.T) content {
	switch rapid.SampledFrom([]Kind{KindOrder, KindRepay, KindConsent, KindHousehold, KindStatement, KindKeepsake, KindAuthority, KindRevocation}).Draw(t, "kind") {
	case KindOrder:
		return drawOrder(t)
	case KindRepay:
		return drawRepay(t)
	case KindConsent:
		return drawConsent(t)
	case KindHousehold:
		return drawHousehold(t)
	case KindKeepsake:
		return drawKeepsake(t)
	case KindAuthority:
		return drawAuthority(t)
	case KindRevocation:
		return drawRevocation(t)
	default:
		return drawStatement(t)
	}
}

// TestAnyContentRoundTrips: every valid content comes back from its envelope,
// its document and its file, and sealing again gives the same bytes.
func TestAnyContentRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawContent(t)
		sealed, err := sealAny(key(1), c)
		if err != nil {
			t.Fatal(err)
		}
		d := Single(c.kind(), sealed)
		if c.kind() == KindStatement {
			d = StatementOf(sealed, []byte{})
		}
		parsed, err := ParseDocument(must(d.Marshal()))
		if err != nil || !reflect.DeepEqual(parsed, d) {
			t.Fatalf("document: %v", err)
		}
		if parsed, err = ParseFile(must(FormatFile(d))); err != nil || !reflect.DeepEqual(parsed, d) {
			t.Fatalf("file: %v", err)
		}
		got, err := openers[c.kind()](parsed.Sealed[0])
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, c)
		}
		if !bytes.Equal(must(sealAny(key(1), got)), sealed) {
			t.Fatal("sealed to other bytes")
		}
		if who, err := Identify(d); err != nil || who != c.identity() {
			t.Fatalf("identity %v, %v", who, err)
		}
	})
}

// TestProofsAreThoseOfOnePayload: two contents are a conflict if and only if one
// signer, one identity and two payloads meet; a proof says the same to everybody.
func TestProofsAreThoseOfOnePayload(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawContent(t), drawContent(t)
		if rapid.Bool().Draw(t, "related") {
			b = contradictIfCan(a)
		}
		wrap := func(c content) Document {
			return Document{c.kind(), slices.Repeat([][]byte{must(sealAny(key(1), c))}, 1)}
		}
		da, db := wrap(a), wrap(b)
		if a.kind() == KindStatement {
			da.Sealed = append(da.Sealed, []byte{})
		}
		if b.kind() == KindStatement {
			db.Sealed = append(db.Sealed, []byte{})
		}
		want := a.identity() == b.identity() && !reflect.DeepEqual(a, b)
		proof, err := Prove(da, db)
		if (err == nil) != want {
			t.Fatalf("%+v\n%+v\nproof: %v, want %v", a, b, err, want)
		}
		if err != nil {
			return
		}
		parsed, err := ParseDocument(must(proof.Marshal()))
		if err != nil {
			t.Fatal(err)
		}
		if c, err := VerifyConflict(parsed); err != nil || c.Signer != id(1) || c.About != a.identity() {
			t.Fatalf("%+v, %v", c, err)
		}
	})
}

// contradictIfCan changes a content without changing its identity, and keeps it
// valid where there is nothing to change.
func contradictIfCan(c content) content {
	switch x := c.(type) {
	case Order:
		x.Declined = append(slices.Clone(x.Declined), id(2))
		return x.Sorted()
	case Repay:
		if len(x.Allotments) == 0 {
			return x
		}
	case Household:
		if x.Label == "" || len(x.Members) > 0 && x.Label == "other" {
			return x
		}
	case Statement:
		if x.Bytes == 0 {
			return x
		}
	}
	return contradict(c)
}
