package p2p

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// samples has one valid message of every kind; the vectors are made of them.
func samples() map[string]message {
	_, receipt := sampleReceipt()
	terms := Terms{RatioPPM: 1_000_000, Gift: 1, Opening: 1 << 30, Paid: 2, PaidUntil: 1_800_000_000}
	addrs := []string{"/ip4/192.0.2.7/tcp/4001"}
	_, p := fixedKey(1)
	_, q := fixedKey(2)
	account := AccountResponse{Terms: terms, Earned: 10 << 30, Held: 9 << 30, Reserved: 1 << 20, Loans: 3, Supply: 11 << 30, Free: 2 << 30,
		Distance: 2, Sponsors: []Sponsor{{Peer: p, Limit: 4 << 30, Used: 1 << 30}}}
	frozen := AccountResponse{Terms: terms, Held: 5 << 30, Supply: 1 << 30, Short: 4 << 30, Refusal: frozenRefusal, Step: 3, Since: 1_790_000_000,
		NextStep: 4, NextAt: 1_790_604_800, Distance: NoDistance, Head: Head{Seq: 900, Chain: digest(6), Epoch: 2}, Sponsors: []Sponsor{}}
	return map[string]message{
		"quote-request":     QuoteRequest{Bytes: 4096},
		"quote-response":    QuoteResponse{Free: 1 << 30, Name: "Zoë", Version: "0.1.0"},
		"quote-refused":     QuoteResponse{Free: 1 << 30, Refusal: fullRefusal, Name: "", Version: "0.1.0"},
		"allocate-request":  AllocateRequest{Index: index(7), Layout: layout, Numbers: []potluck.ShareNumber{0, 3}},
		"allocate-for":      AllocateRequest{Index: index(7), Layout: layout, Numbers: []potluck.ShareNumber{0}, Authority: []byte("sealed")},
		"allocate-response": AllocateResponse{Grants: []Grant{{Number: 0, State: GrantNew, Offset: 77}, {Number: 3, State: GrantHeld, Root: digest(1), Manifest: digest(2)}}},
		"write-request":     WriteRequest{Index: index(7), Number: 3, Layout: layout, Offset: 77, Length: 1000, Manifest: 400, Crosscheck: 32},
		"write-for":         WriteRequest{Index: index(7), Number: 3, Layout: layout, Length: 1000, Manifest: 400, Crosscheck: 32, Authority: []byte("sealed")},
		"write-response":    WriteResponse{Receipt: []byte("sealed")},
		"store-request":     StoreRequest{Index: index(7), Number: 3, Layout: layout, Data: []byte("data"), Manifest: []byte("manifest"), Crosscheck: []byte("crosscheck")},
		"store-response":    StoreResponse{State: GrantNew, Receipt: []byte("sealed")},
		"read-request":      ReadRequest{Index: index(7), Number: 3, Part: PartData, Offset: 65536, Length: 1 << 20},
		"read-response":     readResponse{Length: 1 << 20},
		"sliver-request":    SliverRequest{Index: index(7), Number: 3, First: 5, Units: 2},
		"sliver-response":   SliverResponse{Sliver: []byte("sliver")},
		"have-request":      HaveRequest{Indexes: []potluck.StorageIndex{index(1), index(2)}},
		"have-response":     HaveResponse{Sets: []ShareSet{{Shares: []HeldShare{{Number: 4, Root: digest(4), Manifest: digest(5), Mine: true}}}, {Shares: []HeldShare{}}}},
		"cancel-request":    CancelRequest{Shares: []potluck.ShareID{{Index: index(1), Number: 2}}},
		"cancel-response":   CancelResponse{Freed: 4096, Cancelled: 1},
		"renew-request":     RenewRequest{Until: 1_900_000_000},
		"renew-response":    RenewResponse{Until: 1_890_000_000, Shares: 12, Bytes: 1 << 40},
		"join-request":      JoinRequest{Invite: [16]byte{1}, Proof: [32]byte{2}, Name: "dora", Terms: terms, Addrs: addrs},
		"join-response":     JoinResponse{Name: "emil", Terms: terms, Addrs: []string{}},
		"deliver-request": DeliverRequest{Documents: [][]byte{[]byte("an order"), []byte("a consent")},
			Hosts: []HostHint{{Peer: p, Name: "Zoë", Addrs: addrs}, {Peer: q, Addrs: []string{}}}},
		"deliver-response":   DeliverResponse{Results: []uint8{DeliveredNew, DeliveredConflict}},
		"sync-request":       SyncRequest{Have: keys(p, q)},
		"sync-response":      SyncResponse{Documents: [][]byte{[]byte("an order")}, More: true},
		"statement-request":  StatementRequest{Sealed: []byte("by one")},
		"statement-response": StatementResponse{Sealed: []byte("by both")},
		"statement-differs":  StatementResponse{Sealed: []byte{}, Bytes: 1 << 30, Shares: 12, Digest: digest(7)},
		"account-request":    AccountRequest{Bytes: 4096},
		"account-response":   account,
		"account-frozen":     frozen,
		"notice-request":     NoticeRequest{Step: 2, Since: 1_790_000_000, NextStep: 3, NextAt: 1_790_345_600, Short: 4 << 30, Reason: "4 GiB are funded by nothing"},
		"notice-response":    NoticeResponse{},
		"loss-request":       LossRequest{Lost: []potluck.ShareID{{Index: index(1), Number: 2}, {Index: index(1), Number: 3}}, Corrupt: []potluck.ShareID{{Index: index(1)}}},
		"loss-response":      LossResponse{Marked: 2},
		"audience-request":   sampleAudience(p, q),
		"audience-response":  AudienceResponse{},
		"ranges-request":     RangesRequest{Role: AsOwner, Spans: sampleSpans()},
		"ranges-response":    RangesResponse{Sums: []SpanSum{{Shares: 3, Bytes: 12 << 10, Sum: [16]byte{0: 7, 15: 9}}, {}, {Shares: 1, Bytes: 4096, Sum: [16]byte{1}}}},
		"list-request":       ListRequest{Role: AsHost, Span: Span{From: potluck.ShareID{Index: index(7), Number: 3}}},
		"list-response":      ListResponse{Items: []Item{{potluck.ShareID{Index: index(7), Number: 3}, layout, 4096, digest(1), digest(2)}, {potluck.ShareID{Index: index(7), Number: 9}, layout, 4096, digest(3), digest(2)}}, More: true},
		"receipt-payload":    receipt,
		"answer-refusal":     envelope{Error: new(sealRefusal(fullRefusal))},
		"answer-error":       envelope{Error: &wireError{Code: codeNumbers[CodeNotFound], Cures: []wireCure{}}},
		"answer-ok":          envelope{OK: []byte{0xa1, 0x01, 0x00}},
		"invite-payload":     sampleInvite(),
	}
}

// decoders has the decoder of each kind, by the first part of a sample's name.
var decoders = map[string]func([]byte) (message, error){
	"quote-request":      as[QuoteRequest],
	"quote-response":     as[QuoteResponse],
	"quote-refused":      as[QuoteResponse],
	"allocate-for":       as[AllocateRequest],
	"write-for":          as[WriteRequest],
	"allocate-request":   as[AllocateRequest],
	"allocate-response":  as[AllocateResponse],
	"write-request":      as[WriteRequest],
	"write-response":     as[WriteResponse],
	"store-request":      as[StoreRequest],
	"store-response":     as[StoreResponse],
	"read-request":       as[ReadRequest],
	"read-response":      as[readResponse],
	"sliver-request":     as[SliverRequest],
	"sliver-response":    as[SliverResponse],
	"have-request":       as[HaveRequest],
	"have-response":      as[HaveResponse],
	"cancel-request":     as[CancelRequest],
	"cancel-response":    as[CancelResponse],
	"renew-request":      as[RenewRequest],
	"renew-response":     as[RenewResponse],
	"join-request":       as[JoinRequest],
	"join-response":      as[JoinResponse],
	"deliver-request":    as[DeliverRequest],
	"deliver-response":   as[DeliverResponse],
	"sync-request":       as[SyncRequest],
	"sync-response":      as[SyncResponse],
	"statement-request":  as[StatementRequest],
	"statement-response": as[StatementResponse],
	"statement-differs":  as[StatementResponse],
	"account-request":    as[AccountRequest],
	"account-response":   as[AccountResponse],
	"account-frozen":     as[AccountResponse],
	"notice-request":     as[NoticeRequest],
	"notice-response":    as[NoticeResponse],
	"loss-request":       as[LossRequest],
	"loss-response":      as[LossResponse],
	"audience-request":   as[AudienceRequest],
	"audience-response":  as[AudienceResponse],
	"ranges-request":     as[RangesRequest],
	"ranges-response":    as[RangesResponse],
	"list-request":       as[ListRequest],
	"list-response":      as[ListResponse],
	"receipt-payload":    as[Receipt],
	"answer-refusal":     as[envelope],
	"answer-error":       as[envelope],
	"answer-ok":          as[envelope],
	"invite-payload":     as[Invite],
}

// sampleAudience is what p tells q of the two of them.
func sampleAudience(p, q peer.ID) AudienceRequest {
	a := AudienceRequest{Salt: [16]byte{1, 2, 3}}
	a.Tags = []Tag{TagOf(a.Salt, p, q, p), TagOf(a.Salt, p, q, q), {7}}
	a.Sort()
	return a
}

// keys gives ascending keys about two peers.
func keys(p, q peer.ID) []DocumentKey {
	k := []DocumentKey{{Kind: 1, Issuer: p, Number: 3}, {Kind: 1, Issuer: q, Number: 1}, {Kind: 5, Issuer: p, Other: q, Number: 1 << 40}}
	slices.SortFunc(k, DocumentKey.Compare)
	return k
}

func as[T message](data []byte) (message, error) { return decode[T](data) }

// FuzzMessages gives every input to every decoder: what one takes, it writes
// again byte for byte, and it is valid.
func FuzzMessages(f *testing.F) {
	for _, m := range samples() {
		f.Add(must(encode(m)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for kind, open := range decoders {
			m, err := open(data)
			if err != nil {
				continue
			}
			again, err := encode(m)
			if err != nil || !bytes.Equal(again, data) {
				t.Errorf("%s: %x became %x, %v", kind, data, again, err)
			}
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte{0}, 10)
	f.Add([]byte{3, 1, 2, 3}, 3)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 1<<20)
	f.Fuzz(func(t *testing.T, data []byte, ceiling int) {
		if ceiling < 0 || ceiling > 1<<20 {
			return
		}
		r := bytes.NewReader(data)
		msg, err := readFrame(r, ceiling, func() error { return nil })
		if err != nil {
			return
		}
		rest, _ := io.ReadAll(r)
		if again := append(appendFrame(nil, msg), rest...); len(msg) > ceiling || !bytes.Equal(again, data) {
			t.Errorf("%x became %x", data, again)
		}
	})
}

func FuzzReceipt(f *testing.F) {
	key, r := sampleReceipt()
	f.Add(must(SealReceipt(key, r)))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		r, err := OpenReceipt(sealed)
		if err != nil {
			return
		}
		if key, _ := fixedKey(1); r.Host.MatchesPrivateKey(key) {
			if again := must(SealReceipt(key, r)); !bytes.Equal(again, sealed) {
				t.Errorf("%x became %x", sealed, again)
			}
		}
	})
}

func FuzzInvite(f *testing.F) {
	f.Add(sampleInvite().Text())
	f.Add("potluck-invite-2-a")
	f.Fuzz(func(t *testing.T, text string) {
		i, err := ParseInvite(text)
		if err != nil {
			if mistakeOf(err) == "" {
				t.Errorf("%q: %v names no mistake", text, err)
			}
			return
		}
		if again := i.Text(); again != trimmed(text) {
			t.Errorf("%q became %q", text, again)
		}
	})
}

func trimmed(s string) string { return string(bytes.TrimSpace([]byte(s))) }
