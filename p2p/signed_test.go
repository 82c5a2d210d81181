package p2p

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"potluck"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
)

// fixedKey makes the same key from the same byte.
func fixedKey(b byte) (crypto.PrivKey, peer.ID) {
	key, _, err := crypto.GenerateEd25519Key(bytes.NewReader(bytes.Repeat([]byte{b}, 64)))
	if err != nil {
		panic(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		panic(err)
	}
	return key, id
}

func sampleReceipt() (crypto.PrivKey, Receipt) {
	key, host := fixedKey(1)
	_, owner := fixedKey(2)
	return key, Receipt{Host: host, Owner: owner, Share: potluck.ShareID{Index: index(3), Number: 4}, Layout: layout,
		Charge: 360 << 20, Root: digest(5), Manifest: digest(6), Time: 1_800_000_000}
}

func TestReceiptRoundTrip(t *testing.T) {
	key, want := sampleReceipt()
	sealed, err := SealReceipt(key, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenReceipt(sealed)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
	if len(sealed) > MaxReceipt*3/4 {
		t.Errorf("a receipt has %d bytes", len(sealed))
	}
}

func TestReceiptRefusals(t *testing.T) {
	key, r := sampleReceipt()
	other, _ := fixedKey(2)
	if _, err := SealReceipt(other, r); err == nil {
		t.Error("sealed with another's key")
	}
	bad := r
	bad.Charge = -1
	if _, err := SealReceipt(key, bad); err == nil {
		t.Error("sealed with a negative charge")
	}
	sealed, err := SealReceipt(key, r)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		for bit := range 8 {
			flipped := bytes.Clone(sealed)
			flipped[i] ^= 1 << bit
			if _, err := OpenReceipt(flipped); !errors.Is(err, ErrReceipt) {
				t.Fatalf("byte %d bit %d flipped: %v", i, bit, err)
			}
		}
		if _, err := OpenReceipt(sealed[:i]); !errors.Is(err, ErrReceipt) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	// Rightly sealed, by another than the host in it.
	forged := must(must(record.Seal(&receiptRecord{r}, other)).Marshal())
	if _, err := OpenReceipt(forged); !errors.Is(err, ErrReceipt) {
		t.Errorf("sealed by another: %v", err)
	}
	// An unknown field, and the last field twice: valid protobuf, other bytes.
	for name, tail := range map[string][]byte{"unknown field": {0x78, 0x01}, "signature twice": sealed[len(sealed)-66:]} {
		if _, err := OpenReceipt(append(bytes.Clone(sealed), tail...)); !errors.Is(err, ErrReceipt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenReceipt(make([]byte, MaxReceipt+1)); !errors.Is(err, ErrReceipt) {
		t.Errorf("too long: %v", err)
	}
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

// TestSignaturesServeOnePurpose: every signed kind against every opener.
func TestSignaturesServeOnePurpose(t *testing.T) {
	key, r := sampleReceipt()
	payload := must(encode(r))
	seal := func(rec record.Record) []byte {
		e, err := record.Seal(rec, key)
		if err != nil {
			t.Fatal(err)
		}
		return must(e.Marshal())
	}
	_, host := fixedKey(1)
	documents := map[string][]byte{
		"receipt":                 must(SealReceipt(key, r)),
		"receipt, other domain":   seal(&foreign{peer.PeerRecordEnvelopeDomain, receiptCodec, payload}),
		"receipt, other type":     seal(&foreign{receiptDomain, "/potluck/statement/1", payload}),
		"receipt of a pointer":    seal(&foreign{"potluck-pointer", "/potluck/pointer/1", payload}),
		"peer record":             seal(&peer.PeerRecord{PeerID: host, Seq: 1}),
		"domain moved into type":  seal(&foreign{"potluck", "-receipt" + receiptCodec, payload}),
		"signed without envelope": must(key.Sign(payload)),
	}
	openers := map[string]func([]byte) error{
		"receipt":     func(b []byte) error { _, err := OpenReceipt(b); return err },
		"peer record": func(b []byte) error { _, err := record.ConsumeTypedEnvelope(b, &peer.PeerRecord{}); return err },
		"pointer": func(b []byte) error {
			_, err := record.ConsumeTypedEnvelope(b, &foreign{domain: "potluck-pointer"})
			return err
		},
	}
	fits := map[string]string{"receipt": "receipt", "peer record": "peer record", "receipt of a pointer": "pointer"}
	for document, sealed := range documents {
		for opener, open := range openers {
			if err := open(sealed); (err == nil) != (fits[document] == opener) {
				t.Errorf("%s opened as %s: %v", document, opener, err)
			}
		}
	}
}

func sampleInvite() Invite {
	_, inviter := fixedKey(1)
	return Invite{Peer: inviter, Addrs: []string{"/ip4/192.0.2.7/tcp/4001", "/ip4/192.0.2.7/udp/4001/quic-v1", "/dns4/box.example.org/tcp/4001"},
		Secret: [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, Expires: 1_800_000_000, Name: "Zoë",
		Terms: Terms{RatioPPM: 1_000_000, Opening: 1 << 30, Gift: 5 << 30}}
}

func TestInviteRoundTrip(t *testing.T) {
	i := sampleInvite()
	text := i.Text()
	got, err := ParseInvite("  " + text + "\n")
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, i)
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasPrefix(text, "-") {
		t.Errorf("%q isn't safe", text)
	}
	full := i
	full.Addrs = []string{i.Addrs[0] + "/p2p/" + i.Peer.String(), i.Addrs[1], i.Addrs[2]}
	same(t, full.Text(), text)
	for name, show := range map[string]string{"%v": fmt.Sprintf("%v", i), "String": i.String(), "%#v": fmt.Sprintf("%#v", i),
		"json": string(must(json.Marshal(struct{ I Invite }{i})))} {
		if strings.Contains(show, "1 2 3 4") || strings.Contains(show, "1,2,3,4") || strings.Contains(show, "0x1, 0x2") || strings.Contains(show, "0102030405") {
			t.Errorf("%s shows the secret: %s", name, show)
		}
	}
}

func TestInvalidInvitesHaveNoText(t *testing.T) {
	for name, spoil := range map[string]func(*Invite){
		"17 addresses":       func(i *Invite) { i.Addrs = make([]string, 17) },
		"nonsense":           func(i *Invite) { i.Addrs = []string{"nonsense"} },
		"another's address":  func(i *Invite) { _, p := fixedKey(9); i.Addrs = []string{"/ip4/1.2.3.4/tcp/1/p2p/" + p.String()} },
		"control characters": func(i *Invite) { i.Name = "a\x1b[31m" },
		"bidi":               func(i *Invite) { i.Name = "a\u202eb" },
		"long name":          func(i *Invite) { i.Name = strings.Repeat("x", 65) },
		"no inviter":         func(i *Invite) { i.Peer = "" },
		"negative terms":     func(i *Invite) { i.Terms.Gift = -1 },
	} {
		i := sampleInvite()
		spoil(&i)
		if i.Text() != "" {
			t.Errorf("%s: has a text", name)
		}
	}
}

func mistakeOf(err error) Mistake {
	var e *InviteError
	if errors.As(err, &e) {
		return e.Mistake
	}
	return ""
}

func TestInviteMistakes(t *testing.T) {
	text := sampleInvite().Text()
	head := len(invitePrefix)
	swap := func(at int, c byte) string { b := []byte(text); b[at] = c; return string(b) }
	for _, c := range []struct {
		text string
		want Mistake
	}{
		{"", MistakeNotAnInvite}, {"hello", MistakeNotAnInvite}, {"potluck-file-1-abc", MistakeNotAnInvite},
		{"potluck-invite-x", MistakeNotAnInvite}, {"POTLUCK-INVITE-1-abc", MistakeNotAnInvite},
		{"potluck-invite-2-abcd", MistakeVersion}, {"potluck-invite-11-abcd", MistakeVersion},
		{"potluck-inv", MistakeTruncated}, {invitePrefix, MistakeTruncated}, {text[:head+2], MistakeTruncated},
		{text[:len(text)-1], MistakeTruncated}, {text[:len(text)/2], MistakeTruncated},
		{text + "a", MistakeTooLong}, {text + text[head:], MistakeTooLong}, {text + strings.Repeat("a", maxInviteText), MistakeTooLong},
		{swap(head+20, '1'), MistakeCharacter}, {swap(head+20, 'A'), MistakeCharacter}, {swap(head+20, ' '), MistakeCharacter},
	} {
		if _, err := ParseInvite(c.text); mistakeOf(err) != c.want {
			t.Errorf("%.40q…: %v, want %s", c.text, err, c.want)
		}
	}
	for at := head; at < len(text); at++ {
		for _, r := range "abcdefghijklmnopqrstuvwxyz234567" {
			if byte(r) == text[at] {
				continue
			}
			if _, err := ParseInvite(swap(at, byte(r))); mistakeOf(err) != MistakeMistyped {
				t.Fatalf("character %d typed as %c: %v", at, r, err)
			}
		}
	}
	for cut := range text {
		_, err := ParseInvite(text[:cut])
		if m := mistakeOf(err); m != MistakeTruncated && cut > 0 {
			t.Fatalf("cut to %d characters: %v", cut, err)
		}
		if strings.Contains(fmt.Sprint(err), text[head+4:head+20]) {
			t.Fatalf("the error shows the invite: %v", err)
		}
	}
}

func TestProof(t *testing.T) {
	i := sampleInvite()
	_, joiner := fixedKey(2)
	_, other := fixedKey(3)
	p := i.Proof(joiner)
	if !VerifyProof(i.Secret, i.Peer, joiner, p) {
		t.Error("the right proof is refused")
	}
	wrong := p
	wrong[31] ^= 1
	if VerifyProof(i.Secret, i.Peer, joiner, wrong) || VerifyProof(i.Secret, i.Peer, other, p) ||
		VerifyProof(i.Secret, other, joiner, p) || VerifyProof([16]byte{}, i.Peer, joiner, p) || VerifyProof(i.Secret, joiner, i.Peer, p) {
		t.Error("a wrong proof is taken")
	}
	if id := i.ID(); bytes.Equal(id[:], i.Secret[:]) || bytes.Equal(id[:], p[:16]) {
		t.Error("the ID tells something")
	}
}

func TestCheckName(t *testing.T) {
	for _, ok := range []string{"", "Zoë's box", "ドラ", strings.Repeat("é", 64), "a b"} {
		if err := CheckName(ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for _, bad := range []string{strings.Repeat("é", 65), "a\nb", "\x1b[2J", "a\x00", "\u202e", "\u2066", "\u200f", "\u200b", "\x7f", "\xff", "\u0085", "\ue000", "\u2028"} {
		if CheckName(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
