package signed

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestVerdicts(t *testing.T) {
	o := sampleOrder()
	want := map[string]Verdict{
		"order": {Kind: KindOrder, Signers: []peer.ID{id(1)}, Number: 7, NotBefore: noon, Expires: noon + 30*day, Orders: []Order{o},
			Sentence: "order 7 of " + id(1).String() + ", 2027-01-15T08:00:00Z to 2027-02-14T08:00:00Z: points "},
		"repay": {Kind: KindRepay, Signers: []peer.ID{id(1)}, Number: 1, NotBefore: noon, Expires: noon + 30*day, Repays: []Repay{sampleRepay()},
			Sentence: "repay order 1 of "},
		"consent": {Kind: KindConsent, Signers: []peer.ID{id(1)}, Number: 3, NotBefore: noon, Expires: noon + 90*day, Consents: []Consent{sampleConsent()},
			Sentence: "consent 3: " + id(1).String() + " works for " + id(2).String()},
		"household": {Kind: KindHousehold, Signers: []peer.ID{id(1)}, Number: 2, Time: noon, Households: []Household{sampleHousehold()},
			Sentence: "household 2: " + id(1).String() + ` is of "Zoë's" with `},
		"statement": {Kind: KindStatement, Signers: []peer.ID{id(1), id(2)}, Number: 12, Time: noon, Statements: []Statement{sampleStatement()},
			Sentence: "statement 12: on 2027-01-15T08:00:00Z " + id(1).String() + " held 41.9 GiB (45000000000 bytes) in 812 shares for "},
		"statement-host":  {Kind: KindStatement, Signers: []peer.ID{id(1)}, Number: 12, Time: noon, Statements: []Statement{sampleStatement()}, Sentence: "statement 12"},
		"statement-owner": {Kind: KindStatement, Signers: []peer.ID{id(2)}, Number: 12, Time: noon, Statements: []Statement{sampleStatement()}, Sentence: "statement 12"},
		"keepsake": {Kind: KindKeepsake, Signers: []peer.ID{id(1)}, Number: 2<<32 + 31, Time: noon, Keepsakes: []Keepsake{sampleKeepsake()},
			Sentence: "keepsake 31 of epoch 2 of " + id(1).String() + ", signed 2027-01-15T08:00:00Z: 20 bytes that only it can open"},
		"authority": {Kind: KindAuthority, Signers: []peer.ID{id(1)}, Number: 1_800_000_000_000, NotBefore: noon, Expires: noon + 30*day,
			Authorities: []Authority{sampleAuthority()},
			Sentence:    "authority 1800000000000: " + id(1).String() + " lets " + id(2).String() + " repair file "},
		"revocation": {Kind: KindRevocation, Signers: []peer.ID{id(1)}, Number: 3, Time: noon, Revocations: []Revocation{sampleRevocation()},
			Sentence: "revocation 3 of " + id(1).String() + ", signed 2027-01-15T08:00:00Z: 2 repair authorities hold no longer"},
		"conflict": {Kind: KindConflict, Of: KindOrder, Signers: []peer.ID{id(1)}, Number: 7, Proof: true, Sentence: "proof that " + id(1).String() + " signed two different documents of kind order with number 7: order 7 of "},
	}
	ends := map[string]string{"statement": "signed by the host and the owner", "statement-host": "signed by the host alone", "statement-owner": "signed by the owner alone"}
	for name, d := range documents() {
		got, err := Verify(d)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		w := want[name]
		if len(got.Sentence) < len(w.Sentence) || got.Sentence[:len(w.Sentence)] != w.Sentence {
			t.Errorf("%s: %q, want it to begin with %q", name, got.Sentence, w.Sentence)
		}
		if end := ends[name]; end != "" && got.Sentence[len(got.Sentence)-len(end):] != end {
			t.Errorf("%s: %q, want it to end with %q", name, got.Sentence, end)
		}
		if name == "conflict" && len(got.Orders) != 2 {
			t.Errorf("a conflict of %d orders", len(got.Orders))
		} else if name == "conflict" {
			w.Orders = got.Orders
		}
		w.Sentence = got.Sentence
		same(t, got, w)
	}
}

func TestSentencesOfLittle(t *testing.T) {
	for want, c := range map[string]content{
		": points to nobody":             Order{Issuer: id(1), Number: 1, Expires: 1},
		": debts repaid by itself alone": Repay{Principal: id(1), Number: 1, Expires: 1},
		" no longer works for ":          Consent{Server: id(1), Principal: id(2), Number: 1, Expires: 1},
		" is of none":                    Household{Member: id(1), Number: 1},
		"with nobody yet":                Household{Member: id(1), Number: 1, Label: "a"},
		"(gives everything at any host)": Order{Issuer: id(1), Number: 1, Expires: 1, Pointers: []Pointer{{To: id(2), Limit: NoLimit, SharePPM: NoShare}}},
		"(lends 5 B and at most 0.0001 % at ": Order{Issuer: id(1), Number: 1, Expires: 1,
			Pointers: []Pointer{{To: id(2), Host: id(3), Limit: 5, SharePPM: 1, Loan: true}}},
		" (gives 1 B at any host), and 240 more": manyPointers(),
		"(gives 100 % at any host)":              Order{Issuer: id(1), Number: 1, Expires: 1, Pointers: []Pointer{{To: id(2), Limit: NoLimit, SharePPM: WholePPM}}},
	} {
		v, err := Verify(Single(c.kind(), must(sealAny(key(1), c))))
		if err != nil || !strings.Contains(v.Sentence, want) {
			t.Errorf("%q, %v, want it to say %q", v.Sentence, err, want)
		}
	}
}

func manyPointers() (o Order) {
	o = Order{Issuer: id(1), Number: 1, Expires: 1}
	for _, p := range ids(MaxPointers) {
		o.Pointers = append(o.Pointers, Pointer{To: p, Limit: 1, SharePPM: NoShare})
	}
	return o
}

// TestVerdictAsJSON: the names are stable, and a verdict comes back from them.
func TestVerdictAsJSON(t *testing.T) {
	for name, d := range documents() {
		v := must(Verify(d))
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var back Verdict
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same(t, back, v)
		var keys map[string]any
		if err := json.Unmarshal(b, &keys); err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{"kind", "sentence", "signers", "number", "proof"} {
			if _, there := keys[k]; !there {
				t.Errorf("%s: no key %q in %s", name, k, b)
			}
		}
		if keys["kind"] != d.Kind.String() || keys["proof"] != (d.Kind == KindConflict) {
			t.Errorf("%s: %s", name, b)
		}
	}
}
