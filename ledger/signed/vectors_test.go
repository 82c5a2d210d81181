package signed

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

var update = flag.Bool("update", false, "write docs/spec/vectors/credit.json anew; read the difference before committing it")

const vectorsFile = "../../docs/spec/vectors/credit.json"

// vectors is docs/spec/vectors/credit.json. Bytes are hexadecimal.
type vectors struct {
	About     string           `json:"about"`
	Keys      []vectorKey      `json:"keys"`
	Payloads  []vectorPayload  `json:"payloads"`
	Documents []vectorDocument `json:"documents"`
	Refused   []vectorRefused  `json:"refused"`
}

type vectorKey struct {
	Seed string  `json:"seed"` // of Ed25519
	Peer peer.ID `json:"peer"`
}

// vectorPayload is one content under one signature.
type vectorPayload struct {
	Kind    Kind            `json:"kind"`
	Signer  peer.ID         `json:"signer"`
	Content json.RawMessage `json:"content"`
	Payload string          `json:"payload"`
	Sealed  string          `json:"sealed"`
	Digest  string          `json:"digest"` // BLAKE3 of the payload
}

// vectorDocument is a whole document and what "credit verify" says of it.
type vectorDocument struct {
	Name     string `json:"name"`
	Kind     Kind   `json:"kind"`
	Document string `json:"document"`
	File     string `json:"file"`
	Sentence string `json:"sentence"`
	Proof    bool   `json:"proof"`
}

// vectorRefused is a document that parses, or doesn't, and never verifies.
type vectorRefused struct {
	Why      string `json:"why"`
	Parses   bool   `json:"parses"` // the document's form is right, its content isn't
	Document string `json:"document"`
}

func loadVectors(t *testing.T) vectors {
	t.Helper()
	b, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if len(v.Keys) < 5 || len(v.Payloads) < 7 || len(v.Documents) < 8 || len(v.Refused) < 20 {
		t.Fatalf("only %d keys, %d payloads, %d documents and %d refused", len(v.Keys), len(v.Payloads), len(v.Documents), len(v.Refused))
	}
	return v
}

// TestVectorsAreOurs makes the vectors again, from fixed keys.
func TestVectorsAreOurs(t *testing.T) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(makeVectors(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(vectorsFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if was, err := os.ReadFile(vectorsFile); err != nil || !bytes.Equal(was, b.Bytes()) {
		t.Errorf("%s differs from what this code makes (%v); go test ./ledger/signed -run Vectors -update", vectorsFile, err)
	}
}

func TestVectorPayloads(t *testing.T) {
	seen := map[Kind]bool{}
	for _, v := range loadVectors(t).Payloads {
		seen[v.Kind] = true
		payload, sealed := unhex(t, v.Payload), unhex(t, v.Sealed)
		x, err := openAny(sealed)
		if err != nil {
			t.Errorf("%v: %v", v.Kind, err)
			continue
		}
		same(t, []any{x.body.kind(), x.signer, x.payload}, []any{v.Kind, v.Signer, payload})
		same(t, must(encode(x.body)), payload)
		same(t, must(digest(x.body)).String(), v.Digest)
		content, err := json.Marshal(x.body)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := json.Compact(&want, v.Content); err != nil || want.String() != string(content) {
			t.Errorf("%v: content %s\nwant %s, %v", v.Kind, content, want.String(), err)
		}
	}
	for k := KindOrder; k <= KindStatement; k++ {
		if !seen[k] {
			t.Errorf("no vector of kind %v", k)
		}
	}
}

func TestVectorDocuments(t *testing.T) {
	for _, v := range loadVectors(t).Documents {
		b := unhex(t, v.Document)
		d, err := ParseDocument(b)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		same(t, must(d.Marshal()), b)
		fromFile, err := ParseFile([]byte(v.File))
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		same(t, fromFile, d)
		same(t, string(must(FormatFile(d))), v.File)
		got, err := Verify(d)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		same(t, []any{got.Kind, got.Sentence, got.Proof}, []any{v.Kind, v.Sentence, v.Proof})
	}
}

func TestVectorsRefused(t *testing.T) {
	for _, v := range loadVectors(t).Refused {
		d, err := ParseDocument(unhex(t, v.Document))
		if (err == nil) != v.Parses {
			t.Errorf("%s: parsed with %v, want parses %v", v.Why, err, v.Parses)
		}
		if err != nil {
			refused(t, v.Why, err)
			continue
		}
		_, err = Verify(d)
		refused(t, v.Why, err)
	}
}

func makeVectors(t *testing.T) vectors {
	v := vectors{About: "Vectors of docs/spec/credit.md. Bytes are hexadecimal, peers in their text form; a key's seed is what Ed25519 makes it from."}
	for b := byte(1); b <= 9; b++ {
		v.Keys = append(v.Keys, vectorKey{hex.EncodeToString(bytes.Repeat([]byte{b}, 32)), id(b)})
	}
	empty := Order{Issuer: id(2), Number: 1, NotBefore: noon, Expires: noon + day}
	left := Household{Member: id(3), Number: 4, Time: noon}
	back := sampleConsent()
	back.Number, back.Works = 4, false
	lives := sampleStatement() // of nodes that were recovered
	lives.Number, lives.HostHead.Epoch, lives.OwnerHead.Epoch = 13, 2, MaxEpoch
	all := samples()
	contents := []content{all[KindOrder], empty.Sorted(), all[KindRepay], all[KindConsent], back, all[KindHousehold], left.Sorted(), all[KindStatement], lives, all[KindKeepsake], all[KindAuthority], all[KindRevocation]}
	for _, c := range contents {
		for b := byte(1); b <= 3; b++ {
			if slices.Contains(c.signers(), id(b)) {
				v.Payloads = append(v.Payloads, vectorOf(t, b, c))
			}
		}
	}
	docs := documents()
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		d := docs[name]
		verdict := must(Verify(d))
		v.Documents = append(v.Documents, vectorDocument{name, d.Kind, hex.EncodeToString(must(d.Marshal())), string(must(FormatFile(d))),
			verdict.Sentence, verdict.Proof})
	}
	v.Refused = refusedVectors(docs)
	return v
}

func vectorOf(t *testing.T, by byte, c content) vectorPayload {
	sealed := must(sealAny(key(by), c))
	view, err := json.Marshal(must(openAny(sealed)).body)
	if err != nil {
		t.Fatal(err)
	}
	return vectorPayload{c.kind(), id(by), view, hex.EncodeToString(must(encode(c))), hex.EncodeToString(sealed), must(digest(c)).String()}
}

// refusedVectors has one document for each thing that a reader must see.
func refusedVectors(docs map[string]Document) (list []vectorRefused) {
	add := func(why string, parses bool, document []byte) {
		list = append(list, vectorRefused{why, parses, hex.EncodeToString(document)})
	}
	rightly := func(why string, x content) { // signed by key 1, over a content that breaks a rule
		d := Single(x.kind(), forge(key(1), x.kind(), must(encMode.Marshal(x))))
		if x.kind() == KindStatement {
			d.Sealed = append(d.Sealed, []byte{})
		}
		add(why, true, must(d.Marshal()))
	}
	order := func(why string, spoil func(*Order)) {
		o := sampleOrder()
		o.Pointers[1].Loan = false
		spoil(&o)
		rightly(why, o)
	}
	order("number 0", func(o *Order) { o.Number = 0 })
	order("number over 2^53 - 1", func(o *Order) { o.Number = MaxNumber + 1 })
	order("number 1 with a document before", func(o *Order) { o.Number = 1 })
	order("ends before it begins", func(o *Order) { o.Expires = o.NotBefore - 1 })
	order("lives a second over 90 days", func(o *Order) { o.Expires = o.NotBefore + 90*day + 1 })
	order("points to its issuer", func(o *Order) { o.Pointers[1].To = id(1) })
	order("points at its issuer's own node", func(o *Order) { o.Pointers[1].Host = id(1) })
	order("points at its beneficiary's own node", func(o *Order) { o.Pointers[1].Host = o.Pointers[1].To })
	order("share over 100 percent", func(o *Order) { o.Pointers[1].SharePPM = WholePPM + 1 })
	order("limit below -1", func(o *Order) { o.Pointers[1].Limit = -2 })
	order("limit over 2^56", func(o *Order) { o.Pointers[1].Limit = 1<<56 + 1 })
	order("loan without a limit", func(o *Order) { o.Pointers[1].Loan, o.Pointers[1].Limit = true, NoLimit })
	order("pointer over before the order begins", func(o *Order) { o.Pointers[1].Until = noon })
	order("pointers out of order", func(o *Order) { slices.Reverse(o.Pointers) })
	order("pointer twice", func(o *Order) { o.Pointers[1] = o.Pointers[0] })
	order("beneficiary that is no Ed25519 peer", func(o *Order) { o.Pointers[1].To = "x" })
	order("declines itself", func(o *Order) { o.Declined = []peer.ID{id(1)} })
	repay := sampleRepay()
	repay.Allotments[0].SharePPM++
	rightly("allotments over 100 percent", repay)
	consent := sampleConsent()
	consent.Principal = consent.Server
	rightly("consent for itself", consent)
	household := sampleHousehold()
	household.Label = ""
	rightly("household members without a label", household)
	statement := sampleStatement()
	statement.Bytes = -1
	rightly("statement of negative bytes", statement)

	keepsake := sampleKeepsake()
	keepsake.Epoch = 0
	rightly("keepsake of epoch 0", keepsake)
	authority := sampleAuthority()
	authority.Repairer = authority.Owner
	rightly("authority for the owner itself", authority)

	sealed := docs["consent"].Sealed[0]
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	other := forge(key(2), KindConsent, must(encode(sampleConsent())))
	add("signature with a flipped bit", true, must(Single(KindConsent, flipped).Marshal()))
	add("signed by another than its server", true, must(Single(KindConsent, other).Marshal()))
	add("unknown field in the envelope", true, must(Single(KindConsent, append(bytes.Clone(sealed), 0x78, 1)).Marshal()))
	add("domain of a receipt", true, must(Single(KindConsent, sealRecord(key(1), &foreign{"potluck-receipt",
		kinds[KindConsent].codec, must(encode(sampleConsent()))})).Marshal()))
	add("consent as an order", true, must(Single(KindOrder, sealed).Marshal()))
	pair := docs["conflict"].Sealed
	add("conflict of one document with itself", true, must(Document{KindConflict, [][]byte{pair[0], pair[0]}}.Marshal()))
	add("conflict with the greater payload first", true, must(Document{KindConflict, [][]byte{pair[1], pair[0]}}.Marshal()))
	add("conflict of two kinds", true, must(Document{KindConflict, [][]byte{pair[0], sealed}}.Marshal()))
	add("statement with its halves swapped", true, must(StatementOf(docs["statement"].Sealed[1], docs["statement"].Sealed[0]).Marshal()))
	document := must(docs["consent"].Marshal())
	add("byte behind the document", false, append(bytes.Clone(document), 0))
	add("document cut by a byte", false, document[:len(document)-1])
	add("unknown kind", false, must(encMode.Marshal(Document{10, docs["consent"].Sealed})))
	add("statement without envelopes", false, must(encMode.Marshal(Document{KindStatement, [][]byte{{}, {}}})))
	add("order of two envelopes", false, must(encMode.Marshal(Document{KindOrder, pair})))
	return list
}
