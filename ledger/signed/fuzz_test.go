package signed

import (
	"bytes"
	"encoding/json"
	"testing"
)

// fuzzKey is the only one that the fuzzers' inputs are compared under: whose
// key is known can sign again.
const fuzzKey = 1

// fuzzOpen gives any bytes to an opener, as an envelope and as a payload that
// is rightly signed: what it takes, it seals again byte for byte, and it's valid.
func fuzzOpen[T content](f *testing.F) {
	var zero T
	k := zero.kind()
	for _, c := range samples() {
		sealed := must(sealAny(key(fuzzKey), c))
		f.Add(sealed)
		f.Add(must(encode(c)))
		f.Add(sealed[:len(sealed)-1])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, sealed := range [][]byte{data, forge(key(fuzzKey), k, data)} {
			x, err := open[T](sealed)
			if err != nil {
				refused(t, "fuzzed", err)
				continue
			}
			if err := x.body.Validate(); err != nil {
				t.Errorf("opened, and not valid: %v", err)
			}
			if x.signer != id(fuzzKey) {
				continue
			}
			if again, err := seal(key(fuzzKey), x.body); err != nil || !bytes.Equal(again, sealed) {
				t.Errorf("%x became %x, %v", sealed, again, err)
			}
		}
		if x, err := decode[T](data); err == nil {
			if again, err := encode(x); err != nil || !bytes.Equal(again, data) {
				t.Errorf("payload %x became %x, %v", data, again, err)
			}
		}
	})
}

func FuzzOpenOrder(f *testing.F)      { fuzzOpen[Order](f) }
func FuzzOpenRepay(f *testing.F)      { fuzzOpen[Repay](f) }
func FuzzOpenConsent(f *testing.F)    { fuzzOpen[Consent](f) }
func FuzzOpenHousehold(f *testing.F)  { fuzzOpen[Household](f) }
func FuzzOpenStatement(f *testing.F)  { fuzzOpen[Statement](f) }
func FuzzOpenAuthority(f *testing.F)  { fuzzOpen[Authority](f) }
func FuzzOpenRevocation(f *testing.F) { fuzzOpen[Revocation](f) }
func FuzzOpenKeepsake(f *testing.F)   { fuzzOpen[Keepsake](f) }

func FuzzParseDocument(f *testing.F) {
	for _, d := range documents() {
		f.Add(must(d.Marshal()))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseDocument(data)
		if err != nil {
			refused(t, "fuzzed", err)
			return
		}
		if again, err := d.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x became %x, %v", data, again, err)
		}
		agree(t, d)
	})
}

func FuzzParseFile(f *testing.F) {
	for _, d := range documents() {
		f.Add(must(FormatFile(d)))
	}
	f.Add([]byte(`{ "potluck": "document/1", "kind": "order", "sealed": ["AAA="] }`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseFile(data)
		if err != nil {
			refused(t, "fuzzed", err)
			return
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, data); err != nil {
			t.Fatal(err)
		}
		compact.WriteByte('\n')
		if again, err := FormatFile(d); err != nil || !bytes.Equal(again, compact.Bytes()) {
			t.Errorf("%s became %s, %v", data, again, err)
		}
		agree(t, d)
	})
}

// agree compares what the ways into a document say.
func agree(t *testing.T, d Document) {
	t.Helper()
	v, errVerify := Verify(d)
	who, errIdentify := Identify(d)
	if (errVerify == nil) != (errIdentify == nil) {
		t.Fatalf("verify: %v, identify: %v", errVerify, errIdentify)
	}
	if errVerify == nil && (v.Kind != d.Kind || who.Kind != d.Kind || v.Number != who.Number || len(v.Signers) == 0) {
		t.Errorf("verdict %+v, identity %+v", v, who)
	}
}
