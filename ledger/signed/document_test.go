package signed

import (
	"bytes"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestDocumentsRoundTrip(t *testing.T) {
	for name, d := range documents() {
		b, err := d.Marshal()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := ParseDocument(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same(t, got, d)
		file, err := FormatFile(d)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err = ParseFile(file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same(t, got, d)
		if bytes.Count(file, []byte("\n")) != 1 || !bytes.HasSuffix(file, []byte("}\n")) {
			t.Errorf("%s: the file isn't one line: %q", name, file)
		}
		for i := range b {
			if _, err := ParseDocument(b[:i]); err == nil {
				t.Fatalf("%s: cut to %d bytes and taken", name, i)
			}
		}
		_, err = ParseDocument(append(b, 0))
		refused(t, name+" with a byte behind", err)
	}
}

func TestDocumentForms(t *testing.T) {
	x := []byte("x")
	for name, d := range map[string]Document{
		"no kind":                  {0, [][]byte{x}},
		"kind 10":                  {10, [][]byte{x}},
		"order of none":            {KindOrder, nil},
		"order of two":             {KindOrder, [][]byte{x, x}},
		"order of an empty one":    {KindOrder, [][]byte{{}}},
		"statement of one":         {KindStatement, [][]byte{x}},
		"statement of three":       {KindStatement, [][]byte{x, x, x}},
		"statement of empty ones":  {KindStatement, [][]byte{{}, {}}},
		"conflict of one":          {KindConflict, [][]byte{x}},
		"conflict with an empty":   {KindConflict, [][]byte{x, {}}},
		"envelope over its length": {KindOrder, [][]byte{make([]byte, MaxSealed+1)}},
	} {
		refused(t, name, d.Validate())
		_, err := d.Marshal()
		refused(t, name, err)
		_, err = FormatFile(d)
		refused(t, name, err)
		_, err = ParseDocument(must(encMode.Marshal(d)))
		refused(t, name, err)
		_, err = Identify(d)
		refused(t, name, err)
		_, err = Verify(d)
		refused(t, name, err)
	}
}

func TestDocumentOpensAsItsKind(t *testing.T) {
	for name, d := range documents() {
		opens := map[Kind]error{}
		_, opens[KindOrder] = d.Order()
		_, opens[KindRepay] = d.Repay()
		_, opens[KindConsent] = d.Consent()
		_, opens[KindHousehold] = d.Household()
		_, _, _, opens[KindStatement] = d.Statement()
		_, opens[KindKeepsake] = d.Keepsake()
		_, opens[KindAuthority] = d.Authority()
		_, opens[KindRevocation] = d.Revocation()
		_, opens[KindConflict] = VerifyConflict(d)
		for k, err := range opens {
			if (err == nil) != (k == d.Kind) {
				t.Errorf("%s as %v: %v", name, k, err)
			}
		}
	}
	if _, err := Identify(Single(KindRepay, must(SealOrder(key(1), sampleOrder())))); err == nil {
		t.Error("an order is a repay order")
	}
}

func TestIdentities(t *testing.T) {
	want := map[string]Identity{
		"order":           {KindOrder, id(1), "", 7},
		"repay":           {KindRepay, id(1), "", 1},
		"consent":         {KindConsent, id(1), id(2), 3},
		"household":       {KindHousehold, id(1), "", 2},
		"statement":       {KindStatement, id(1), id(2), 12},
		"statement-host":  {KindStatement, id(1), id(2), 12},
		"statement-owner": {KindStatement, id(1), id(2), 12},
		"conflict":        {KindConflict, id(1), "", 7},
		"authority":       {KindAuthority, id(1), id(2), 1_800_000_000_000},
		"revocation":      {KindRevocation, id(1), "", 3},
		"keepsake":        {KindKeepsake, id(1), "", 2<<32 + 31},
	}
	for name, d := range documents() {
		got, err := Identify(d)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		same(t, got, want[name])
	}
}

func TestFileForms(t *testing.T) {
	d := documents()["consent"]
	file := string(must(FormatFile(d)))
	if !strings.HasPrefix(file, `{"potluck":"document/1","kind":"consent","sealed":["`) {
		t.Errorf("file %s", file)
	}
	spaced := strings.NewReplacer(`{`, "\n{ ", `,`, " ,\n\t", `:`, " : ").Replace(file)
	got, err := ParseFile([]byte(spaced))
	if err != nil {
		t.Errorf("white space between tokens: %v", err)
	}
	same(t, got, d)
	padded := append(bytes.Repeat([]byte(" "), MaxFile-len(file)), file...)
	if _, err = ParseFile(padded); err != nil {
		t.Errorf("the longest file: %v", err)
	}
	_, err = ParseFile(append([]byte(" "), padded...))
	refused(t, "a byte over the longest file", err)
	swap := func(from, to string) string { return strings.Replace(file, from, to, 1) }
	if _, err = ParseFile([]byte(swap("document/1", "document/2"))); !says(err, `format "document/2"`) {
		t.Errorf("%v doesn't name the format", err)
	}
	for name, bad := range map[string]string{
		"empty":              "",
		"not JSON":           "potluck",
		"null":               "null",
		"array":              "[" + file + "]",
		"two":                file + file,
		"cut":                file[:len(file)/2],
		"other version":      swap("document/1", "document/2"),
		"unknown kind":       swap("consent", "receipt"),
		"kind as number":     swap(`"consent"`, "3"),
		"kind of another":    swap("consent", "conflict"),
		"key in capitals":    swap(`"kind"`, `"Kind"`),
		"unknown key":        swap(`{`, `{"note":"x",`),
		"key twice":          swap(`{`, `{"kind":"consent",`),
		"keys in disorder":   `{"kind":"consent","potluck":"document/1",` + file[strings.Index(file, `"sealed"`):],
		"escaped letter":     swap("consent", `\u0063onsent`),
		"padding too much":   swap(`"]`, `="]`),
		"line break in data": swap(`["`, `["\n`),
		"sealed is null":     file[:strings.Index(file, `["`)] + "null}",
		"sealed has null":    file[:strings.Index(file, `["`)] + "[null]}",
		"sealed is text":     swap("[", "") + "}",
	} {
		if bad == file {
			t.Fatalf("%s: nothing changed", name)
		}
		_, err := ParseFile([]byte(bad))
		refused(t, name, err)
	}
}

// TestConflicts: what is proof of a signer's contradiction, and what isn't.
func TestConflicts(t *testing.T) {
	for k, c := range samples() {
		other := contradict(c)
		if c.identity() != other.identity() {
			t.Fatalf("%v: identities differ", k)
		}
		wrap := func(by byte, c content) Document {
			sealed := must(sealAny(key(by), c))
			if k == KindStatement && by == 1 {
				return StatementOf(sealed, []byte{})
			} else if k == KindStatement {
				return StatementOf([]byte{}, sealed)
			}
			return Single(k, sealed)
		}
		a, b := wrap(1, c), wrap(1, other)
		proof, err := Prove(a, b)
		if err != nil {
			t.Errorf("%v: %v", k, err)
			continue
		}
		back, err := Prove(b, a)
		if err != nil {
			t.Errorf("%v: %v", k, err)
		}
		same(t, back, proof)
		got, err := VerifyConflict(proof)
		if err != nil {
			t.Errorf("%v: %v", k, err)
		}
		same(t, got, Conflict{id(1), c.identity()})
		for i := range proof.Sealed {
			for at := range proof.Sealed[i] {
				broken := Document{KindConflict, [][]byte{bytes.Clone(proof.Sealed[0]), bytes.Clone(proof.Sealed[1])}}
				broken.Sealed[i][at] ^= 1 << (at % 8)
				if at%7 == 0 { // a part of them is enough: envelopes have their own test
					_, err := VerifyConflict(broken)
					refused(t, "conflict with a flipped byte", err)
				}
			}
		}
		_, err = Prove(a, a)
		refused(t, "the same twice", err)
		_, err = VerifyConflict(Document{KindConflict, [][]byte{proof.Sealed[1], proof.Sealed[0]}})
		refused(t, "greater payload first", err)
		_, err = VerifyConflict(Document{KindConflict, [][]byte{proof.Sealed[0], proof.Sealed[0]}})
		refused(t, "one envelope twice", err)
		_, err = VerifyConflict(Document{KindStatement, proof.Sealed})
		refused(t, "a conflict of another kind", err)
		_, err = Prove(proof, proof)
		refused(t, "proof of proofs", err)
	}
}

// contradict gives another content with the same identity.
func contradict(c content) content {
	switch c := c.(type) {
	case Order:
		c.Expires++
		return c
	case Repay:
		c.Allotments = c.Allotments[:1]
		return c
	case Consent:
		c.Works = !c.Works
		return c
	case Household:
		c.Label = "other"
		return c
	case Statement:
		c.Bytes--
		return c
	case Keepsake:
		c.Time++
		return c
	case Revocation:
		c.Time++
		return c
	case Authority:
		c.Layout.Size--
		return c
	}
	return nil
}

func TestNoConflicts(t *testing.T) {
	o, r, c, s := sampleOrder(), sampleRepay(), sampleConsent(), sampleStatement()
	seal := func(by byte, x content) Document { return Single(x.kind(), must(sealAny(key(by), x))) }
	next := o
	next.Number++
	others := o
	others.Issuer = id(9)
	principal := c
	principal.Principal = id(3)
	less, elsewhere := s, s
	less.Bytes--
	elsewhere.Owner = id(3)
	r.Number = o.Number
	for name, pair := range map[string][2]Document{
		"another number":       {seal(1, o), seal(1, next)},
		"another issuer":       {seal(1, o), seal(9, others)},
		"another kind":         {seal(1, o), seal(1, r)},
		"another principal":    {seal(1, c), seal(1, principal)},
		"two signers differ":   {StatementOf(must(SealStatement(key(1), s)), nil), StatementOf(nil, must(SealStatement(key(2), less)))},
		"another owner":        {StatementOf(must(SealStatement(key(1), s)), nil), StatementOf(must(SealStatement(key(1), elsewhere)), nil)},
		"an invalid signature": {seal(1, o), Single(KindOrder, []byte("x"))},
		"no document":          {seal(1, o), {}},
	} {
		_, err := Prove(pair[0], pair[1])
		refused(t, name, err)
		if pair[0].Kind == pair[1].Kind && pair[0].Kind != KindStatement {
			_, err = VerifyConflict(Document{KindConflict, [][]byte{pair[0].Sealed[0], pair[1].Sealed[0]}})
			refused(t, name, err)
		}
	}
	// The owner who signed two figures is found in full statements too.
	both := StatementOf(must(SealStatement(key(1), s)), must(SealStatement(key(2), s)))
	proof, err := Prove(both, StatementOf(nil, must(SealStatement(key(2), less))))
	if err != nil {
		t.Fatal(err)
	}
	got, err := VerifyConflict(proof)
	if err != nil || got.Signer != peer.ID(id(2)) {
		t.Errorf("%v, %v", got, err)
	}
	// Two signers' envelopes about one number are a disagreement, no conflict.
	_, err = VerifyConflict(Document{KindConflict, [][]byte{must(SealStatement(key(1), less)), must(SealStatement(key(2), s))}})
	refused(t, "two signers", err)
	_, err = VerifyConflict(Document{KindConflict, [][]byte{must(SealStatement(key(2), s)), must(SealStatement(key(1), less))}})
	refused(t, "two signers", err)
}
