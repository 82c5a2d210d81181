package p2p

import (
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"potluck"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// TestLargestMessagesFit: the ceilings hold every valid message, and not much more.
func TestLargestMessagesFit(t *testing.T) {
	wide := potluck.Layout{Suite: 1, K: 255, N: 255, Block: potluck.MaxBlock, Size: potluck.MaxSize}
	refusal := &potluck.Refusal{Code: potluck.CodeAnonymousFull, Asked: potluck.MaxSize, Free: potluck.MaxSize, Short: potluck.MaxSize}
	for kind := range cureNumbers {
		refusal.Cures = append(refusal.Cures, potluck.Cure{Kind: kind, Bytes: potluck.MaxSize})
	}
	numbers, grants, held := make([]potluck.ShareNumber, 255), make([]Grant, 255), make([]HeldShare, 255)
	for i := range numbers {
		n := potluck.ShareNumber(i)
		numbers[i] = n
		if i < 255 {
			grants[i] = Grant{Number: n, State: GrantExists, Offset: potluck.MaxSize}
			held[i] = HeldShare{Number: n, Mine: true}
		}
	}
	name := strings.Repeat("\U00010000", MaxNameRunes)
	addr := "/dns4/" + strings.Repeat("x", 240) + "/tcp/65535"
	if len(addr) > MaxAddrLen {
		t.Fatal(len(addr))
	}
	terms := Terms{RatioPPM: MaxRatioPPM, Gift: potluck.MaxSize, Opening: potluck.MaxSize, Paid: potluck.MaxSize, PaidUntil: MaxTime}
	cancel := make([]potluck.ShareID, MaxCancel)
	for i := range cancel {
		cancel[i] = potluck.ShareID{Index: index(255), Number: 254}
	}
	_, p := fixedKey(1)
	sets := slices.Repeat([]ShareSet{{Shares: held}}, 32)
	sets = append(sets, make([]ShareSet, MaxIndexes-32)...)
	for _, c := range []struct {
		x        exchange
		request  message
		response message
	}{
		{exchangeQuote, QuoteRequest{potluck.MaxSize}, QuoteResponse{potluck.MaxSize, refusal, name, strings.Repeat("v", MaxVersion)}},
		{exchangeAllocate, AllocateRequest{index(255), wide, numbers, make([]byte, MaxAuthority)}, AllocateResponse{grants}},
		{exchangeWrite, WriteRequest{index(255), 254, wide, 1 << 55, 1 << 54, MaxTrailer, 1 << 54, make([]byte, MaxAuthority)}, WriteResponse{make([]byte, MaxReceipt)}},
		{exchangeStore, StoreRequest{index(255), 254, wide, make([]byte, MaxStore-2), make([]byte, 1), make([]byte, 1)}, StoreResponse{GrantExists, make([]byte, MaxReceipt)}},
		{exchangeRead, ReadRequest{index(255), 254, PartData, 1 << 55, 1 << 55}, readResponse{potluck.MaxSize}},
		{exchangeSliver, SliverRequest{index(255), 254, MaxFirst, MaxUnits}, SliverResponse{make([]byte, MaxSliver)}},
		{exchangeHave, HaveRequest{make([]potluck.StorageIndex, MaxIndexes)}, HaveResponse{sets}},
		{exchangeCancel, CancelRequest{cancel}, CancelResponse{potluck.MaxSize, MaxCancel}},
		{exchangeRenew, RenewRequest{MaxTime}, RenewResponse{MaxTime, MaxTime, potluck.MaxSize}},
		{exchangeJoin, JoinRequest{Name: name, Terms: terms, Addrs: slices.Repeat([]string{addr}, MaxAddrs)},
			JoinResponse{name, terms, slices.Repeat([]string{addr}, MaxAddrs)}},
		{exchangeDeliver, DeliverRequest{slices.Repeat([][]byte{make([]byte, MaxDocumentBytes/MaxDocuments)}, MaxDocuments),
			slices.Repeat([]HostHint{{p, name, slices.Repeat([]string{addr}, MaxAddrs)}}, MaxHints)},
			DeliverResponse{slices.Repeat([]uint8{DeliveredNotConcerned}, MaxDocuments)}},
		{exchangeSync, SyncRequest{manyKeys(MaxKeys)}, SyncResponse{slices.Repeat([][]byte{make([]byte, MaxDocumentBytes/MaxSync)}, MaxSync), true}},
		{exchangeStatement, StatementRequest{make([]byte, MaxStatement)}, StatementResponse{Sealed: make([]byte, MaxStatement)}},
		{exchangeStatement, StatementRequest{make([]byte, MaxStatement)}, StatementResponse{Bytes: potluck.MaxSize, Shares: MaxTime, Digest: digest(255)}},
		{exchangeAccount, AccountRequest{potluck.MaxSize}, fullAccount(p, terms, refusal)},
		{exchangeRanges, RangesRequest{AsHost, manySpans(MaxSpans)}, RangesResponse{slices.Repeat([]SpanSum{{MaxTime, potluck.MaxSize, [16]byte{}}}, MaxSpans)}},
		{exchangeList, ListRequest{AsHost, manySpans(1)[0]}, ListResponse{manyItems(MaxItems, wide), true}},
		{exchangeNotice, NoticeRequest{MaxStep, MaxTime, MaxStep, MaxTime, potluck.MaxSize, strings.Repeat("\U00010000", MaxReason)}, NoticeResponse{}},
		{exchangeLoss, LossRequest{Lost: manyShares(MaxLoss)}, LossResponse{MaxLoss}},
		{exchangeAudience, AudienceRequest{Tags: manyTags(MaxAudience)}, AudienceResponse{}},
	} {
		request, err := encode(c.request)
		if err != nil {
			t.Fatal(err)
		}
		if len(request) > c.x.request || len(request)*4 < c.x.request && c.x.request > 64 {
			t.Errorf("%s: the largest request has %d bytes, the ceiling is %d", c.x.id, len(request), c.x.request)
		}
		if _, err := sealAnswer(c.response, c.x.answer); err != nil {
			t.Errorf("%s: %v", c.x.id, err)
		}
		if data := must(encode(envelope{Error: new(sealRefusal(refusal))})); len(data) > c.x.answer {
			t.Errorf("%s: a refusal has %d bytes, the ceiling is %d", c.x.id, len(data), c.x.answer)
		}
	}
}

// fullAccount is the largest account.
func fullAccount(p peer.ID, terms Terms, refusal *potluck.Refusal) AccountResponse {
	return AccountResponse{Terms: terms, Earned: potluck.MaxSize, Held: potluck.MaxSize, Reserved: potluck.MaxSize, Loans: potluck.MaxSize,
		Supply: potluck.MaxSize, Free: potluck.MaxSize, Short: potluck.MaxSize, Refusal: refusal, Step: MaxStep, Since: MaxTime, NextStep: MaxStep,
		NextAt: MaxTime, Distance: MaxDistance, Head: Head{MaxHead, digest(255), MaxHead}, Sponsors: slices.Repeat([]Sponsor{{p, potluck.MaxSize, potluck.MaxSize}}, MaxSponsors)}
}

// manyShares gives so many of the largest shares, ascending.
func manyShares(n int) []potluck.ShareID {
	ids := make([]potluck.ShareID, n)
	for i := range ids {
		ids[i] = potluck.ShareID{Index: index(255), Number: 254}
		ids[i].Index[14], ids[i].Index[15] = byte(i>>8), byte(i)
	}
	return ids
}

// manyTags gives so many tags, ascending.
func manyTags(n int) []Tag {
	tags := make([]Tag, n)
	for i := range tags {
		tags[i] = Tag{byte(i >> 8), byte(i)}
	}
	return tags
}

// manyKeys gives so many of the largest keys, ascending.
func manyKeys(n int) []DocumentKey {
	_, p := fixedKey(1)
	keys := make([]DocumentKey, n)
	for i := range keys {
		other := []byte(p)
		other[36], other[37] = byte(i>>8), byte(i)
		keys[i] = DocumentKey{Kind: 255, Issuer: p, Other: peer.ID(other), Number: math.MaxUint64}
	}
	return keys
}

func TestTablesAreClosed(t *testing.T) {
	if len(codesByNumber) != len(codeNumbers) || len(curesByNumber) != len(cureNumbers) || len(cureNumbers) != maxCures {
		t.Error("a number is used twice, or a cure isn't counted")
	}
	for code, n := range codeNumbers {
		if n == 0 || (n >= firstErrorCode) != (codeTexts[code] != "") {
			t.Errorf("code %q has number %d and text %q", code, n, codeTexts[code])
		}
	}
}

func TestRankDials(t *testing.T) {
	var addrs []ma.Multiaddr
	for _, text := range []string{
		"/ip4/203.0.113.1/udp/1/quic-v1", "/ip4/203.0.113.1/tcp/1", "/ip4/198.51.100.1/tcp/1", "/ip6/2001:db8::1/tcp/1",
		"/ip4/192.168.0.1/udp/1/quic-v1", "/ip4/192.168.0.1/tcp/1", "/ip6/2001:db8::1/udp/1/quic-v1",
	} {
		addrs = append(addrs, ma.StringCast(text))
	}
	starts := make(map[string]time.Duration)
	for _, d := range rankDials(slices.Clone(addrs)) {
		starts[d.Addr.String()] = d.Delay
	}
	want := map[string]time.Duration{
		"/ip4/192.168.0.1/tcp/1": 0, "/ip4/192.168.0.1/udp/1/quic-v1": privateStep,
		"/ip4/203.0.113.1/tcp/1": 0, "/ip6/2001:db8::1/tcp/1": publicStep, "/ip4/198.51.100.1/tcp/1": 2 * publicStep,
		"/ip4/203.0.113.1/udp/1/quic-v1": 3 * publicStep, "/ip6/2001:db8::1/udp/1/quic-v1": 4 * publicStep,
	}
	same(t, starts, want)
	if got := rankDials(nil); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestTransportOf(t *testing.T) {
	for text, want := range map[string]string{
		"/ip4/1.2.3.4/tcp/1": transportTCP, "/ip6/::1/tcp/1": transportTCP, "/dns4/a.example/tcp/1": transportTCP, "/ip6zone/eth0/ip6/fe80::1/tcp/1": transportTCP,
		"/ip4/1.2.3.4/udp/1/quic-v1": transportQUIC, "/dns/a.example/udp/1/quic-v1": transportQUIC,
		"/ip4/1.2.3.4/udp/1/quic": "", "/ip4/1.2.3.4/tcp/1/ws": "", "/ip4/1.2.3.4/tcp/1/tls/ws": "", "/ip4/1.2.3.4/udp/1": "",
		"/ip4/1.2.3.4/udp/1/quic-v1/webtransport": "", "/ip4/1.2.3.4/udp/1/webrtc-direct": "", "/unix/tmp/x": "", "/memory/1": transportMemory, "/memory/1/ws": "",
		"/ip4/1.2.3.4/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN/p2p-circuit": "",
	} {
		if got := transportOf(ma.StringCast(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestManyNodesBehindOneAddress: a test net or a household isn't throttled, on
// loopback or on a real address of this machine.
func TestManyNodesBehindOneAddress(t *testing.T) {
	for _, listen := range []string{"/ip4/127.0.0.1/tcp/0", "/ip4/0.0.0.0/tcp/0"} {
		nodes := make([]*node, 12)
		for i := range nodes {
			nodes[i] = newNode(t, "", Config{Listen: []string{listen}})
		}
		for i, a := range nodes {
			for _, b := range nodes[:i] {
				a.gate.set(b.ID(), true)
				b.gate.set(a.ID(), true)
				// An unspecified address comes back as those of the interfaces,
				// loopback among them; the others are last.
				addrs := b.Addrs()
				if err := a.Connect(t.Context(), b.ID(), addrs[len(addrs)-1:]); err != nil {
					t.Fatalf("%s: %v", listen, err)
				}
			}
		}
	}
}

func TestAddrs(t *testing.T) {
	n := newNode(t, "", Config{Listen: []string{"/ip4/0.0.0.0/udp/0/quic-v1", "/ip4/0.0.0.0/tcp/0"}})
	for _, text := range n.Addrs() {
		a, err := peer.AddrInfoFromString(text)
		if err != nil || a.ID != n.ID() {
			t.Errorf("%s: %v", text, err)
		}
		if strings.Contains(text, "0.0.0.0") {
			t.Errorf("%s is unspecified", text)
		}
	}
	if len(n.Addrs()) == 0 || !strings.Contains(n.Addrs()[0], "/tcp/") {
		t.Errorf("addresses %v", n.Addrs())
	}
}

// TestNoOtherProtocols: besides ours, a host answers identify alone.
func TestNoOtherProtocols(t *testing.T) {
	n := newNode(t, "tcp", Config{})
	want := append(slices.Clone(ourProtocols), "/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0")
	got := n.basic.Mux().Protocols()
	slices.Sort(want)
	slices.Sort(got)
	same(t, got, want)
}

// TestNoOtherTransportsAreLinked: what isn't in the program can't be attacked.
func TestNoOtherTransportsAreLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		for _, bad := range []string{"transport/webrtc", "transport/websocket", "transport/webtransport", "pion/webrtc", "gorilla/websocket", "kad-dht", "discovery/mdns", "go.uber.org/fx"} {
			if strings.Contains(dep, bad) {
				t.Errorf("%s is linked", dep)
			}
		}
	}
}

func TestResourcesAreBounded(t *testing.T) {
	n := newNode(t, "tcp", Config{})
	other := newNode(t, "tcp", Config{})
	befriend(t, other, n)
	var open []network.Stream
	for range 16*64 + 10 {
		s, err := n.swarm.NewStream(t.Context(), other.ID())
		if err != nil {
			break
		}
		open = append(open, s)
	}
	if len(open) == 0 || len(open) > 16*64 {
		t.Errorf("%d streams to one peer were opened", len(open))
	}
	for _, s := range open {
		_ = s.Reset()
	}
}
