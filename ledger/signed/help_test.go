package signed

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"reflect"
	"slices"
	"testing"

	"potluck"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
)

const (
	day  = 24 * 60 * 60
	noon = 1_800_000_000 // the tests' present
)

// fixedKey makes the key whose seed is one byte 32 times.
func fixedKey(b byte) (crypto.PrivKey, peer.ID) {
	key := must(crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))))
	return key, must(peer.IDFromPrivateKey(key))
}

func key(b byte) crypto.PrivKey { k, _ := fixedKey(b); return k }
func id(b byte) peer.ID         { _, p := fixedKey(b); return p }

// anyID is a peer of no known key.
func anyID(n int) peer.ID {
	raw := make([]byte, 32)
	raw[0], raw[1], raw[2] = byte(n>>16), byte(n>>8), byte(n)
	return peer.ID(peerPrefix + string(raw))
}

func ids(n int) []peer.ID {
	list := make([]peer.ID, n)
	for i := range list {
		list[i] = anyID(i)
	}
	return list
}

func hash(b byte) (d potluck.Digest) {
	for i := range d {
		d[i] = b
	}
	return d
}

func sampleOrder() Order {
	return Order{Issuer: id(1), Number: 7, Previous: hash(9), NotBefore: noon, Expires: noon + 30*day,
		Pointers: []Pointer{
			{To: id(2), Limit: NoLimit, SharePPM: 400_000, Since: noon - 9*day},
			{To: id(3), Host: id(4), Limit: 18_000_000_000, SharePPM: NoShare, Since: noon},
			{To: id(2), Host: id(5), Limit: 1 << 30, SharePPM: 250_000, Loan: true, Since: noon - day, Until: noon + 60*day},
		}, Declined: []peer.ID{id(6)}}.Sorted()
}

func sampleRepay() Repay {
	return Repay{Principal: id(1), Number: 1, NotBefore: noon, Expires: noon + 30*day,
		Allotments: []Allotment{{id(2), 600_000}, {id(3), 400_000}}}.Sorted()
}

func sampleConsent() Consent {
	return Consent{Server: id(1), Principal: id(2), Number: 3, NotBefore: noon, Expires: noon + 90*day, Works: true}
}

func sampleHousehold() Household {
	return Household{Member: id(1), Number: 2, Time: noon, Label: "Zoë's", Members: []peer.ID{id(2), id(3)}}.Sorted()
}

func sampleStatement() Statement {
	return Statement{Host: id(1), Owner: id(2), Number: 12, Time: noon, Bytes: 45_000_000_000, Shares: 812, Digest: hash(5),
		HostHead: Head{Seq: 900, Chain: hash(6)}, OwnerHead: Head{Seq: 70, Chain: hash(7)}}
}

func sampleKeepsake() Keepsake {
	return Keepsake{Owner: id(1), Epoch: 2, Serial: 31, Time: noon, Blob: []byte("sealed for its owner")}
}

func sampleAuthority() Authority {
	return Authority{Owner: id(1), Repairer: id(2), Number: 1_800_000_000_000, Index: potluck.StorageIndex{9},
		Layout:   potluck.Layout{Suite: potluck.SuiteOne, K: 3, N: 10, Block: 1 << 18, Size: 1 << 30},
		Manifest: hash(8), NotBefore: noon, Expires: noon + 30*day}
}

func sampleRevocation() Revocation {
	return Revocation{Owner: id(1), Number: 3, Time: noon}.With(Revoked{SubjectOf(id(1), id(2), potluck.StorageIndex{9}), 1_800_000_000_000}).
		With(Revoked{SubjectOf(id(1), id(3), potluck.StorageIndex{}), 1_790_000_000_000})
}

// samples has one valid content of each kind, all signed by key 1.
func samples() map[Kind]content {
	return map[Kind]content{KindOrder: sampleOrder(), KindRepay: sampleRepay(), KindConsent: sampleConsent(),
		KindHousehold: sampleHousehold(), KindStatement: sampleStatement(), KindKeepsake: sampleKeepsake(),
		KindAuthority: sampleAuthority(), KindRevocation: sampleRevocation()}
}

// sealAny signs a content of any kind.
func sealAny(k crypto.PrivKey, c content) ([]byte, error) {
	switch c := c.(type) {
	case Order:
		return SealOrder(k, c)
	case Repay:
		return SealRepay(k, c)
	case Consent:
		return SealConsent(k, c)
	case Household:
		return SealHousehold(k, c)
	case Statement:
		return SealStatement(k, c)
	case Keepsake:
		return SealKeepsake(k, c)
	case Authority:
		return SealAuthority(k, c)
	case Revocation:
		return SealRevocation(k, c)
	}
	return nil, errors.New("no such content")
}

// openers has the public opener of each kind.
var openers = map[Kind]func([]byte) (content, error){
	KindOrder:      func(b []byte) (content, error) { return OpenOrder(b) },
	KindRepay:      func(b []byte) (content, error) { return OpenRepay(b) },
	KindConsent:    func(b []byte) (content, error) { return OpenConsent(b) },
	KindHousehold:  func(b []byte) (content, error) { return OpenHousehold(b) },
	KindStatement:  func(b []byte) (content, error) { s, _, err := OpenStatement(b); return s, err },
	KindAuthority:  func(b []byte) (content, error) { return OpenAuthority(b) },
	KindRevocation: func(b []byte) (content, error) { return Single(KindRevocation, b).Revocation() },
	KindKeepsake:   func(b []byte) (content, error) { return Single(KindKeepsake, b).Keepsake() },
}

// documents has one valid document of each kind, and statements signed by one.
func documents() map[string]Document {
	all := map[string]Document{}
	for k, c := range samples() {
		if k != KindStatement {
			all[k.String()] = Single(k, must(sealAny(key(1), c)))
		}
	}
	s := sampleStatement()
	host, owner := must(SealStatement(key(1), s)), must(SealStatement(key(2), s))
	all["statement"] = StatementOf(host, owner)
	all["statement-host"] = StatementOf(host, []byte{})
	all["statement-owner"] = StatementOf([]byte{}, owner)
	o := sampleOrder()
	o.Pointers = o.Pointers[:1]
	all["conflict"] = must(Prove(all["order"], Single(KindOrder, must(SealOrder(key(1), o)))))
	return all
}

// foreign is a record with any domain, type and payload.
type foreign struct {
	domain, codec string
	payload       []byte
}

func (f *foreign) Domain() string                 { return f.domain }
func (f *foreign) Codec() []byte                  { return []byte(f.codec) }
func (f *foreign) MarshalRecord() ([]byte, error) { return f.payload, nil }
func (f *foreign) UnmarshalRecord(b []byte) error { f.payload = b; return nil }

// sealRecord signs anything with any key, as an adversary can.
func sealRecord(k crypto.PrivKey, r record.Record) []byte {
	return must(must(record.Seal(r, k)).Marshal())
}

// forge signs a payload as if it were of a kind.
func forge(k crypto.PrivKey, kind Kind, payload []byte) []byte {
	return sealRecord(k, &foreign{kinds[kind].domain, kinds[kind].codec, payload})
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func refused(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, ErrDocument) {
		t.Errorf("%s: error %v, want one that wraps %v", what, err, ErrDocument)
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// says tells whether an error says what it should.
func says(err error, words ...string) bool {
	return err != nil && !slices.ContainsFunc(words, func(w string) bool { return !bytes.Contains([]byte(err.Error()), []byte(w)) })
}
