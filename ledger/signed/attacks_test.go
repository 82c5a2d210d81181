package signed

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

// The attacks of CREDIT.md, section 9, as far as a document alone answers them.

// TestAttackAnotherDomain: a signature for one purpose serves no other.
func TestAttackAnotherDomain(t *testing.T) {
	var wire struct {
		Receipt struct {
			Payload, Sealed string
		}
	}
	b, err := os.ReadFile("../../docs/spec/vectors/wire.json")
	if err == nil {
		err = json.Unmarshal(b, &wire)
	}
	receipt := unhex(t, wire.Receipt.Sealed)
	if err != nil || len(receipt) == 0 {
		t.Fatalf("no receipt in the wire vectors: %v", err)
	}
	order := must(encode(sampleOrder()))
	type attack struct {
		sealed []byte
		fits   Kind
	}
	attacks := map[string]attack{
		"receipt":                 {receipt, 0},
		"receipt's payload":       {forge(key(1), KindOrder, unhex(t, wire.Receipt.Payload)), 0},
		"peer record":             {sealRecord(key(1), &peer.PeerRecord{PeerID: id(1), Seq: 1}), 0},
		"order in no domain":      {sealRecord(key(1), &foreign{"potluck", kinds[KindOrder].codec, order}), 0},
		"order as receipt":        {sealRecord(key(1), &foreign{"potluck-receipt", kinds[KindOrder].codec, order}), 0},
		"order of next version":   {sealRecord(key(1), &foreign{kinds[KindOrder].domain, "/potluck/order/2", order}), 0},
		"domain moved into type":  {sealRecord(key(1), &foreign{"potluck", "-order" + kinds[KindOrder].codec, order}), 0},
		"signed without envelope": {must(key(1).Sign(order)), 0},
		"order's domain, repay's type": {
			sealRecord(key(1), &foreign{kinds[KindOrder].domain, kinds[KindRepay].codec, must(encode(sampleRepay()))}), 0},
		"order's type, repay's domain": {
			sealRecord(key(1), &foreign{kinds[KindRepay].domain, kinds[KindOrder].codec, order}), 0},
	}
	for k, c := range samples() {
		attacks[k.String()] = attack{must(sealAny(key(1), c)), k}
		for other := range samples() {
			if other != k {
				attacks[k.String()+"'s payload as "+other.String()] = attack{forge(key(1), other, must(encode(c))), 0}
			}
		}
	}
	for name, a := range attacks {
		for k, open := range openers {
			if _, err := open(a.sealed); (err == nil) != (a.fits == k) {
				t.Errorf("%s opened as %v: %v", name, k, err)
			}
			d := Single(k, a.sealed)
			if k == KindStatement {
				d = StatementOf(a.sealed, nil)
			}
			if _, err := Verify(d); (err == nil) != (a.fits == k) {
				t.Errorf("%s in a document of kind %v: %v", name, k, err)
			}
		}
	}
}

// TestAttackAnotherHost: who a document is for is inside the signature, so what
// was signed for one host says so at every other.
func TestAttackAnotherHost(t *testing.T) {
	o := sampleOrder()
	sealed := must(SealOrder(key(1), o))
	for _, host := range []peer.ID{id(4), id(5)} {
		for _, other := range []peer.ID{id(8), ""} {
			moved := bytes.Replace(sealed, append([]byte{0x58, 0x26}, host...), append([]byte{0x58, 0x26}, other...), 1)
			if other == "" {
				moved = bytes.Replace(sealed, append([]byte{0x58, 0x26}, host...), []byte{0x40}, 1)
			}
			if bytes.Equal(moved, sealed) {
				t.Fatal("the host isn't in the bytes")
			}
			_, err := OpenOrder(moved)
			refused(t, "pointer moved to another host", err)
		}
	}
	got, err := OpenOrder(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got.Pointers {
		if p.Host == id(8) {
			t.Error("speaks to a host that it wasn't signed for")
		}
	}
	// A statement between two nodes says nothing about a third.
	s := sampleStatement()
	host := must(SealStatement(key(1), s))
	s.Owner = id(3)
	other := must(SealStatement(key(1), s))
	foreign := must(SealStatement(key(3), s))
	for name, d := range map[string]Document{
		"another owner's half":        StatementOf(host, foreign),
		"another host's half":         StatementOf(other, must(SealStatement(key(2), sampleStatement()))),
		"the host's half as owner's":  StatementOf(host, host),
		"halves swapped":              StatementOf(must(SealStatement(key(2), sampleStatement())), host),
		"owner's half in host's seat": StatementOf(foreign, nil),
	} {
		_, err := Verify(d)
		refused(t, name, err)
	}
	// A consent for one principal serves no other.
	c := must(SealConsent(key(1), sampleConsent()))
	_, err = OpenConsent(bytes.Replace(c, []byte(id(2)), []byte(id(3)), 1))
	refused(t, "consent for another principal", err)
}

// TestAttackOverstated: a host's word alone is no agreement, and it can't be
// joined with the owner's word about other figures.
func TestAttackOverstated(t *testing.T) {
	s := sampleStatement()
	owner := must(SealStatement(key(2), s))
	s.Bytes++
	host := must(SealStatement(key(1), s))
	_, err := Verify(StatementOf(host, owner))
	refused(t, "different figures", err)
	_, byHost, byOwner, err := StatementOf(host, nil).Statement()
	if err != nil || !byHost || byOwner {
		t.Errorf("the host alone: %v, %v, %v", byHost, byOwner, err)
	}
	if _, err := Prove(StatementOf(host, nil), StatementOf(nil, owner)); err == nil {
		t.Error("two who differ are taken for one who contradicts itself")
	}
}

// TestAttackReEncoded: a document has one encoding, so nobody can make a second
// one of it that books would take for another.
func TestAttackReEncoded(t *testing.T) {
	sealed := must(SealConsent(key(1), sampleConsent()))
	signature := sealed[len(sealed)-66:] // the last field: tag, length, 64 bytes
	if signature[1] != 64 {
		t.Fatalf("signature of %d bytes", signature[1])
	}
	head := sealed[:len(sealed)-66]
	for name, again := range map[string][]byte{
		"unknown field":       append(bytes.Clone(sealed), 0x78, 0x01),
		"signature twice":     append(bytes.Clone(sealed), signature...),
		"signature first":     append(bytes.Clone(signature), head...),
		"long length":         append(append(bytes.Clone(head), signature[0], 0xc0, 0x00), signature[2:]...),
		"signature of zeros":  append(append(bytes.Clone(head), signature[0], 64), make([]byte, 64)...),
		"signature + order L": append(append(bytes.Clone(head), signature[0], 64), addOrder(signature[2:])...),
	} {
		_, err := OpenConsent(again)
		refused(t, name, err)
	}
	// Payloads that say the same in other bytes, signed by the issuer itself.
	payload := must(encode(sampleConsent()))
	for name, other := range map[string][]byte{
		"byte behind":         append(bytes.Clone(payload), 0),
		"tag":                 append([]byte{0xd9, 0xd9, 0xf7}, payload...),
		"indefinite map":      append(append([]byte{0xbf}, payload[1:]...), 0xff),
		"long head":           append([]byte{0xb8, payload[0] & 0x1f}, payload[1:]...),
		"long number":         bytes.Replace(payload, []byte{0x03, 0x03}, []byte{0x03, 0x18, 0x03}, 1),
		"fraction":            bytes.Replace(payload, []byte{0x03, 0x03}, []byte{0x03, 0xf9, 0x42, 0x00}, 1),
		"null":                bytes.Replace(payload, []byte{0x06, 0xf5}, []byte{0x06, 0xf6}, 1),
		"unknown key":         append(append([]byte{payload[0] + 1}, payload[1:]...), 0x07, 0x00),
		"key twice":           append(append([]byte{payload[0] + 1}, payload[1:]...), 0x06, 0xf5),
		"key missing":         append([]byte{payload[0] - 1}, payload[1:len(payload)-2]...),
		"keys out of order":   append(append([]byte{payload[0]}, payload[len(payload)-2:]...), payload[1:len(payload)-2]...),
		"text instead of key": bytes.Replace(payload, []byte{0x06, 0xf5}, []byte{0x61, '6', 0xf5}, 1),
		"empty":               {},
		"array":               {0x80},
	} {
		if bytes.Equal(other, payload) {
			t.Fatalf("%s: nothing changed", name)
		}
		_, err := OpenConsent(forge(key(1), KindConsent, other))
		refused(t, name, err)
	}
}

// addOrder gives a signature whose scalar is larger by the order of the group:
// the same equation, other bytes.
func addOrder(signature []byte) []byte {
	order := []byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10}
	sum, carry := bytes.Clone(signature), 0
	for i := range order {
		carry += int(sum[32+i]) + int(order[i])
		sum[32+i], carry = byte(carry), carry>>8
	}
	return sum
}

// TestAttackBomb: heads that promise more than the bytes hold cost nothing.
func TestAttackBomb(t *testing.T) {
	for name, payload := range map[string][]byte{
		"array of 2^32":  {0xa1, 0x06, 0x9a, 0xff, 0xff, 0xff, 0xff},
		"array of 257":   append([]byte{0xa1, 0x07, 0x99, 0x01, 0x01}, bytes.Repeat([]byte{0x40}, 257)...),
		"bytes of 2^63":  {0xa1, 0x01, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"map of 2^32":    {0xba, 0xff, 0xff, 0xff, 0xff},
		"nested arrays":  bytes.Repeat([]byte{0x81}, 1000),
		"number of 2^64": {0xa1, 0x02, 0xc2, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		_, err := OpenOrder(forge(key(1), KindOrder, payload))
		refused(t, name, err)
	}
	o := benchOrder(MaxPointers)
	o.Declined = ids(MaxDeclined)
	for name, err := range map[string]error{
		"long envelope":        second(OpenOrder(forge(key(1), KindOrder, must(encMode.Marshal(o))))),
		"long envelope in all": second(openAny(forge(key(1), KindOrder, must(encMode.Marshal(o))))),
		"long document":        second(ParseDocument(make([]byte, MaxDocument+1))),
	} {
		refused(t, name, err)
		if !says(err, "at most") {
			t.Errorf("%s: %v isn't about its length", name, err)
		}
	}
	_, err := ParseFile(make([]byte, MaxFile+1))
	refused(t, "long file", err)
}

func second[T any](_ T, err error) error { return err }
