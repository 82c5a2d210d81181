package p2p

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"os"
	"slices"
	"testing"

	"potluck"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

var update = flag.Bool("update", false, "write docs/spec/vectors/wire.json anew; read the difference before committing it")

const vectorsFile = "../docs/spec/vectors/wire.json"

// vectors is docs/spec/vectors/wire.json. Bytes are hexadecimal.
type vectors struct {
	About    string            `json:"about"`
	Messages map[string]string `json:"messages"` // encoding of each sample, by kind
	Refused  []refused         `json:"refused"`
	Talks    []talk            `json:"conversations"`
	Receipt  struct {
		Payload string `json:"payload"`
		Host    string `json:"host"`
		Owner   string `json:"owner"`
		Sealed  string `json:"sealed"`
	} `json:"receipt"`
	Invite struct {
		Payload string `json:"payload"`
		Text    string `json:"text"`
		ID      string `json:"id"`
		Joiner  string `json:"joiner"`
		Proof   string `json:"proof"`
	} `json:"invite"`
	BadInvites []badInvite `json:"bad_invites"`
}

type refused struct {
	Kind  string `json:"kind"`
	Why   string `json:"why"`
	Bytes string `json:"bytes"`
}

// talk is all that crosses a stream after its protocol is negotiated.
type talk struct {
	Protocol protocol.ID `json:"protocol"`
	Asker    string      `json:"asker"`
	Asked    string      `json:"asked"`
}

type badInvite struct {
	Text    string  `json:"text"`
	Mistake Mistake `json:"mistake"`
}

const talkBody = "datamanifestcrosscheck"

// makeVectors makes the vectors from the samples.
func makeVectors() (v vectors) {
	v.About = "Vectors of docs/spec/wire.md. Bytes are hexadecimal; peers are in their text form."
	v.Messages = make(map[string]string)
	all := samples()
	for kind, m := range all {
		v.Messages[kind] = hex.EncodeToString(must(encode(m)))
	}
	frame := func(kind string) []byte { return appendFrame(nil, must(encode(all[kind]))) }
	answer := func(kind string) []byte { return must(sealAnswer(all[kind], 1<<20)) }
	add := func(id protocol.ID, asker, asked []byte) {
		v.Talks = append(v.Talks, talk{id, hex.EncodeToString(asker), hex.EncodeToString(asked)})
	}
	for id, kind := range map[protocol.ID]string{ProtocolQuote: "quote", ProtocolAllocate: "allocate", ProtocolHave: "have", ProtocolSliver: "sliver", ProtocolStore: "store",
		ProtocolCancel: "cancel", ProtocolRenew: "renew", ProtocolJoin: "join", ProtocolDeliver: "deliver", ProtocolSync: "sync",
		ProtocolStatement: "statement", ProtocolAccount: "account", ProtocolNotice: "notice", ProtocolLoss: "loss", ProtocolAudience: "audience",
		ProtocolRanges: "ranges", ProtocolList: "list"} {
		add(id, frame(kind+"-request"), answer(kind+"-response"))
	}
	add(ProtocolWrite, append(appendFrame(nil, must(encode(talkWrite()))), talkBody...), answer("write-response"))
	add(ProtocolRead, appendFrame(nil, must(encode(talkRead()))), append(must(sealAnswer(readResponse{Length: 4}, 512)), "data"...))
	add(ProtocolCancel, frame("cancel-request"), appendFrame(nil, must(encode(all["answer-refusal"]))))
	slices.SortFunc(v.Talks, func(a, b talk) int {
		return bytes.Compare([]byte(a.Protocol+protocol.ID(a.Asked)), []byte(b.Protocol+protocol.ID(b.Asked)))
	})
	v.Refused = refusedVectors()

	key, receipt := sampleReceipt()
	v.Receipt.Payload = v.Messages["receipt-payload"]
	v.Receipt.Host, v.Receipt.Owner = receipt.Host.String(), receipt.Owner.String()
	v.Receipt.Sealed = hex.EncodeToString(must(SealReceipt(key, receipt)))
	invite, text := sampleInvite(), sampleInvite().Text()
	id, proof := invite.ID(), invite.Proof(receipt.Owner)
	v.Invite.Payload, v.Invite.Text, v.Invite.Joiner = v.Messages["invite-payload"], text, receipt.Owner.String()
	v.Invite.ID, v.Invite.Proof = hex.EncodeToString(id[:]), hex.EncodeToString(proof[:])
	typo := []byte(text)
	typo[40] ^= 1
	v.BadInvites = []badInvite{{"hello", MistakeNotAnInvite}, {"potluck-invite-2-abcd", MistakeVersion}, {text[:100], MistakeTruncated},
		{text + "a", MistakeTooLong}, {text[:30] + "1" + text[31:], MistakeCharacter}, {string(typo), MistakeMistyped}}
	return v
}

func talkWrite() WriteRequest {
	return WriteRequest{Index: index(7), Number: 3, Layout: layout, Offset: 77, Length: 4, Manifest: 8, Crosscheck: 10}
}

func talkRead() ReadRequest {
	return ReadRequest{Index: index(7), Number: 3, Part: PartData, Length: 4}
}

func refusedVectors() []refused {
	raw := func(v any) string { return hex.EncodeToString(must(encMode.Marshal(v))) }
	bad := layout
	bad.K = 11
	return append(append(refusedCredit(raw), refusedRanges(raw)...), []refused{
		{"quote-request", "no bytes at all", ""},
		{"quote-request", "the key is missing", "a0"},
		{"quote-request", "key 2 is unknown", "a201000200"},
		{"quote-request", "key 1 twice", "a201000100"},
		{"quote-request", "1 in two bytes", "a1011801"},
		{"quote-request", "a map of indefinite length", "bf0100ff"},
		{"quote-request", "a byte behind the map", "a1010000"},
		{"quote-request", "a float", "a101f90000"},
		{"quote-request", "a negative size", raw(QuoteRequest{Bytes: -1})},
		{"quote-request", "a size above 2^56", raw(QuoteRequest{Bytes: 1<<56 + 1})},
		{"quote-response", "a code that is an error's", raw(wireQuote{Refusal: &wireError{Code: 32}})},
		{"quote-response", "a bidi character in the name", raw(QuoteResponse{Name: "a\u202eb"})},
		{"store-request", "a number that isn't below n", raw(StoreRequest{Layout: layout, Number: 10})},
		{"sliver-request", "no units", raw(SliverRequest{First: 1})},
		{"sliver-request", "five units", raw(SliverRequest{First: 1, Units: 5})},
		{"sliver-request", "a unit below zero", raw(SliverRequest{First: -1, Units: 1})},
		{"sliver-request", "a unit beyond 2^56 bytes", raw(SliverRequest{First: 1 << 42, Units: 1})},
		{"sliver-request", "share number 255", raw(SliverRequest{Number: 255, Units: 1})},
		{"sliver-response", "nothing", raw(SliverResponse{Sliver: []byte{}})},
		{"store-response", "an unknown state", raw(StoreResponse{State: 4})},
		{"allocate-request", "k above n", raw(AllocateRequest{Layout: bad, Numbers: []potluck.ShareNumber{1}})},
		{"allocate-request", "no numbers", raw(AllocateRequest{Layout: layout})},
		{"allocate-request", "a number that isn't below n", raw(AllocateRequest{Layout: layout, Numbers: []potluck.ShareNumber{10}})},
		{"allocate-request", "numbers that descend", raw(AllocateRequest{Layout: layout, Numbers: []potluck.ShareNumber{2, 1}})},
		{"write-request", "a body above 2^56", raw(WriteRequest{Layout: layout, Length: 1 << 56, Crosscheck: 1})},
		{"read-request", "a part that isn't known", raw(ReadRequest{Part: 4})},
		{"read-request", "a range of the manifest", raw(ReadRequest{Part: PartManifest, Length: 1})},
		{"read-request", "a storage index of 15 bytes", "a5014f000000000000000000000000000000020003010400" + "0500"},
		{"have-request", "257 indexes", raw(HaveRequest{Indexes: make([]potluck.StorageIndex, 257)})},
		{"cancel-request", "no shares", raw(CancelRequest{})},
		{"join-request", "17 addresses", raw(JoinRequest{Addrs: slices.Repeat([]string{"/ip4/192.0.2.7/tcp/1"}, 17)})},
		{"join-request", "an address in another form", raw(JoinRequest{Addrs: []string{"/ip4/192.0.2.7/tcp/1/"}})},
		{"answer-ok", "neither answer nor error", "a0"},
		{"answer-ok", "both answer and error", raw(envelope{OK: []byte{0xa0}, Error: &wireError{Code: 43}})},
		{"answer-error", "a code of no table", raw(envelope{Error: &wireError{Code: 99}})},
		{"answer-error", "an error with numbers", raw(envelope{Error: &wireError{Code: 43, Asked: 1}})},
		{"answer-refusal", "a cure of no table", raw(envelope{Error: &wireError{Code: 4, Cures: []wireCure{{Kind: 9}}}})},
	}...)
}

func loadVectors(t *testing.T) (v vectors) {
	t.Helper()
	if *update {
		text := must(json.MarshalIndent(makeVectors(), "", "  "))
		if err := os.WriteFile(vectorsFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Messages) < 34 || len(v.Refused) < 50 || len(v.Talks) < 14 || len(v.BadInvites) < 6 || v.Receipt.Sealed == "" || v.Invite.Text == "" {
		t.Fatalf("%s is not whole", vectorsFile)
	}
	return v
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	v := loadVectors(t)
	same(t, v, makeVectors())
	all := samples()
	same(t, slices.Sorted(maps.Keys(v.Messages)), slices.Sorted(maps.Keys(all)))
	same(t, slices.Sorted(maps.Keys(decoders)), slices.Sorted(maps.Keys(all)))
	for kind, text := range v.Messages {
		m, err := decoders[kind](unhex(t, text))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		same(t, m, all[kind])
	}
	for _, r := range v.Refused {
		if m, err := decoders[r.Kind](unhex(t, r.Bytes)); err == nil {
			t.Errorf("%s with %s: taken as %+v", r.Kind, r.Why, m)
		}
	}
	if r, err := OpenReceipt(unhex(t, v.Receipt.Sealed)); err != nil || r.Host.String() != v.Receipt.Host || r.Owner.String() != v.Receipt.Owner {
		t.Errorf("receipt: %+v, %v", r, err)
	}
	joiner, err := peer.Decode(v.Invite.Joiner)
	if err != nil {
		t.Fatal(err)
	}
	i, err := ParseInvite(v.Invite.Text)
	if err != nil || !VerifyProof(i.Secret, i.Peer, joiner, [32]byte(unhex(t, v.Invite.Proof))) || i.ID() != [16]byte(unhex(t, v.Invite.ID)) {
		t.Errorf("invite: %v, %v", i, err)
	}
	for _, b := range v.BadInvites {
		if _, err := ParseInvite(b.Text); mistakeOf(err) != b.Mistake {
			t.Errorf("%q: %v, want %s", b.Text, err, b.Mistake)
		}
	}
}

// fixedKeeper answers as the conversations say.
func fixedKeeper(t *testing.T, answers map[string]message, refuse bool) *cupboard {
	return &cupboard{
		quote: fixed[QuoteRequest, QuoteResponse](answers, "quote"), alloc: fixed[AllocateRequest, AllocateResponse](answers, "allocate"),
		have: fixed[HaveRequest, HaveResponse](answers, "have"), renew: fixed[RenewRequest, RenewResponse](answers, "renew"),
		join: fixed[JoinRequest, JoinResponse](answers, "join"), deliver: fixed[DeliverRequest, DeliverResponse](answers, "deliver"),
		sync: fixed[SyncRequest, SyncResponse](answers, "sync"), propose: fixed[StatementRequest, StatementResponse](answers, "statement"),
		account: fixed[AccountRequest, AccountResponse](answers, "account"), notice: fixed[NoticeRequest, NoticeResponse](answers, "notice"),
		loss:   fixed[LossRequest, LossResponse](answers, "loss"),
		tell:   fixed[AudienceRequest, AudienceResponse](answers, "audience"),
		ranges: fixed[RangesRequest, RangesResponse](answers, "ranges"), list: fixed[ListRequest, ListResponse](answers, "list"),
		sliver: fixed[SliverRequest, SliverResponse](answers, "sliver"),
		store:  fixed[StoreRequest, StoreResponse](answers, "store"),
		stop: func(ctx context.Context, p peer.ID, q CancelRequest) (CancelResponse, error) {
			if refuse {
				return CancelResponse{}, fullRefusal
			}
			return fixed[CancelRequest, CancelResponse](answers, "cancel")(ctx, p, q)
		},
		write: func(_ context.Context, _ peer.ID, w WriteRequest, body io.Reader) (WriteResponse, error) {
			same(t, w, talkWrite())
			got, err := io.ReadAll(body)
			same(t, string(got), talkBody)
			return answers["write-response"].(WriteResponse), err
		},
		read: func(_ context.Context, _ peer.ID, r ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
			same(t, r, talkRead())
			return 4, func(_ context.Context, w io.Writer) error { _, err := w.Write([]byte("data")); return err }, nil
		},
	}
}

func fixed[Q, A any](answers map[string]message, kind string) func(context.Context, peer.ID, Q) (A, error) {
	return func(context.Context, peer.ID, Q) (A, error) { return answers[kind+"-response"].(A), nil }
}

// TestConversations plays each conversation twice: the real server against the
// asker's bytes, and the real client against the asked one's bytes.
func TestConversations(t *testing.T) {
	answers := samples()
	eachTransport(t, func(t *testing.T, transport string) {
		kind, refusing := pairOf(t, transport, fixedKeeper(t, answers, false)), pairOf(t, transport, fixedKeeper(t, answers, true))
		for _, c := range loadVectors(t).Talks {
			asker, asked := unhex(t, c.Asker), unhex(t, c.Asked)
			nodes := kind
			refusal := c.Protocol == ProtocolCancel && bytes.Contains(asked, []byte{0x1b})
			if refusal {
				nodes = refusing
			}
			got, err := rawAnswer(t, nodes[0], nodes[1], exchange{id: c.Protocol}, asker)
			if err != nil || !bytes.Equal(got, asked) {
				t.Errorf("%s: the server answered %x, %v, want %x", c.Protocol, got, err, asked)
			}
			server := newNode(t, transport, Config{})
			heard := make(chan []byte, 1)
			server.basic.SetStreamHandler(c.Protocol, func(s network.Stream) {
				b, _ := io.ReadAll(s)
				heard <- b
				_, _ = s.Write(asked)
				_ = s.Close()
			})
			client := newNode(t, transport, Config{})
			befriend(t, client, server)
			sayAgain(t, client, server, c.Protocol, refusal)
			if b := <-heard; !bytes.Equal(b, asker) {
				t.Errorf("%s: the client sent %x, want %x", c.Protocol, b, asker)
			}
		}
	})
}

func pairOf(t *testing.T, transport string, c *cupboard) [2]*node {
	client, server := pair(t, transport, Limits{}, c)
	return [2]*node{client, server}
}

// sayAgain lets the client half hold the conversation of one protocol.
func sayAgain(t *testing.T, client, server *node, id protocol.ID, refusal bool) {
	t.Helper()
	all, ctx, p := samples(), t.Context(), server.ID()
	var got any
	var err error
	switch id {
	case ProtocolQuote:
		got, err = client.Quote(ctx, p, all["quote-request"].(QuoteRequest))
		same(t, got, all["quote-response"])
	case ProtocolAllocate:
		got, err = client.Allocate(ctx, p, all["allocate-request"].(AllocateRequest))
		same(t, got, all["allocate-response"])
	case ProtocolStore:
		got, err = client.Store(ctx, p, all["store-request"].(StoreRequest))
		same(t, got, all["store-response"])
	case ProtocolSliver:
		got, err = client.Sliver(ctx, p, all["sliver-request"].(SliverRequest))
		same(t, got, all["sliver-response"])
	case ProtocolHave:
		got, err = client.Have(ctx, p, all["have-request"].(HaveRequest))
		same(t, got, all["have-response"])
	case ProtocolCancel:
		got, err = client.Cancel(ctx, p, all["cancel-request"].(CancelRequest))
		if refusal {
			same(t, err, error(fullRefusal))
			return
		}
		same(t, got, all["cancel-response"])
	case ProtocolRenew:
		got, err = client.Renew(ctx, p, all["renew-request"].(RenewRequest))
		same(t, got, all["renew-response"])
	case ProtocolJoin:
		got, err = client.Join(ctx, p, all["join-request"].(JoinRequest))
		same(t, got, all["join-response"])
	case ProtocolWrite:
		var w *Writer
		if w, err = client.Write(ctx, p, talkWrite()); err == nil {
			if _, err = w.Write([]byte(talkBody)); err == nil {
				got, err = w.Finish(ctx)
				same(t, got, all["write-response"])
			}
		}
	case ProtocolRead:
		var data []byte
		data, err = readAll(t, client, server, talkRead())
		same(t, string(data), "data")
	default:
		err = sayCredit(t, client, p, id)
	}
	if err != nil {
		t.Errorf("%s: %v", id, err)
	}
}
