package signed

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

func TestRoundTrips(t *testing.T) {
	for k, c := range samples() {
		sealed, err := sealAny(key(1), c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := openers[k](sealed)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, c)
		same(t, must(sealAny(key(1), c)), sealed) // the same bytes each time
	}
}

// TestEveryByteCounts: whichever byte is flipped, wherever it is cut and whatever
// is put behind it, a sealed document isn't one any more. The shortest kind has
// every bit flipped, the others one bit of each byte.
func TestEveryByteCounts(t *testing.T) {
	for k, c := range samples() {
		sealed := must(sealAny(key(1), c))
		for i := range sealed {
			for bit := range 8 {
				if k != KindConsent && bit != i%8 {
					continue
				}
				flipped := bytes.Clone(sealed)
				flipped[i] ^= 1 << bit
				if _, err := openers[k](flipped); err == nil {
					t.Fatalf("%v: byte %d bit %d flipped, and still taken", k, i, bit)
				}
			}
			_, err := openers[k](sealed[:i])
			refused(t, "cut", err)
		}
		_, err := openers[k](append(bytes.Clone(sealed), 0))
		refused(t, "a zero behind", err)
		_, err = openers[k](make([]byte, MaxSealed+1))
		refused(t, "too long", err)
	}
}

func TestOnlyTheNamedSign(t *testing.T) {
	for k, c := range samples() {
		if _, err := sealAny(key(9), c); err == nil {
			t.Errorf("%v: sealed with another's key", k)
		}
		payload := must(encode(c))
		_, err := openers[k](forge(key(9), k, payload))
		refused(t, k.String()+" signed by another", err)
		ecdsa, _, err := crypto.GenerateECDSAKeyPair(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		_, err = openers[k](forge(ecdsa, k, payload))
		refused(t, k.String()+" signed with another type of key", err)
		if !says(err, "Ed25519") {
			t.Errorf("%v: %v doesn't name the type", k, err)
		}
	}
	s := sampleStatement()
	for by, want := range map[byte]peer.ID{1: s.Host, 2: s.Owner} {
		got, signer, err := OpenStatement(must(SealStatement(key(by), s)))
		if err != nil || got != s || signer != want {
			t.Errorf("signed by %v: %v, %v", want, signer, err)
		}
	}
}

func TestDigestChains(t *testing.T) {
	o := sampleOrder()
	d, err := o.Digest()
	if err != nil {
		t.Fatal(err)
	}
	next := o
	next.Number, next.Previous = o.Number+1, d
	opened, err := OpenOrder(must(SealOrder(key(1), next)))
	if err != nil || opened.Previous != d {
		t.Errorf("%v, %v", opened.Previous, err)
	}
	o.Number = 0
	if _, err := o.Digest(); err == nil {
		t.Error("an invalid order has a digest")
	}
	r := sampleRepay()
	if a, b := must(r.Digest()), d; a == b {
		t.Error("two documents, one digest")
	}
}
