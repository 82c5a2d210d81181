package p2p

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// refusedCredit are messages about credit that break a rule.
func refusedCredit(raw func(any) string) []refused {
	_, p := fixedKey(1)
	_, q := fixedKey(2)
	k := keys(p, q)
	doc := func(n, size int) [][]byte { return slices.Repeat([][]byte{make([]byte, size)}, n) }
	hint := func(h HostHint) string { return raw(DeliverRequest{Documents: doc(1, 1), Hosts: []HostHint{h}}) }
	account := func(change func(*AccountResponse)) string {
		a := samples()["account-response"].(AccountResponse)
		a.Sponsors = slices.Clone(a.Sponsors)
		change(&a)
		return raw(a)
	}
	notice := func(change func(*NoticeRequest)) string {
		n := samples()["notice-request"].(NoticeRequest)
		change(&n)
		return raw(n)
	}
	return []refused{
		{"deliver-request", "nothing", raw(DeliverRequest{})},
		{"deliver-request", "33 documents", raw(DeliverRequest{Documents: doc(33, 1)})},
		{"deliver-request", "an empty document", raw(DeliverRequest{Documents: doc(2, 0)})},
		{"deliver-request", "65 hosts", raw(DeliverRequest{Hosts: slices.Repeat([]HostHint{{Peer: p}}, 65)})},
		{"deliver-request", "a host without ID", hint(HostHint{})},
		{"deliver-request", "a host with another key type", hint(HostHint{Peer: peer.ID("\x12\x20" + strings.Repeat("x", 32))})},
		{"deliver-request", "a host's ID with a byte behind it", hint(HostHint{Peer: p + "x"})},
		{"deliver-request", "a control character in a host's name", hint(HostHint{Peer: p, Name: "a\x1bb"})},
		{"deliver-request", "17 addresses of a host", hint(HostHint{Peer: p, Addrs: slices.Repeat([]string{"/ip4/192.0.2.7/tcp/1"}, 17)})},
		{"deliver-response", "33 results", raw(DeliverResponse{Results: bytes.Repeat([]byte{1}, 33)})},
		{"deliver-response", "result 0", raw(DeliverResponse{Results: []uint8{1, 0}})},
		{"deliver-response", "result 8", raw(DeliverResponse{Results: []uint8{8}})},
		{"deliver-response", "results as an array", "a1018101"},
		{"sync-request", "keys that descend", raw(SyncRequest{Have: []DocumentKey{k[2], k[0]}})},
		{"sync-request", "a key twice", raw(SyncRequest{Have: []DocumentKey{k[0], {Kind: k[0].Kind, Issuer: k[0].Issuer, Number: k[0].Number + 1}}})},
		{"sync-request", "kind 0", raw(SyncRequest{Have: []DocumentKey{{Issuer: p}}})},
		{"sync-request", "kind 256", strings.Replace(raw(SyncRequest{Have: k[:1]}), "a40101", "a401190100", 1)},
		{"sync-request", "no issuer", raw(SyncRequest{Have: []DocumentKey{{Kind: 1}}})},
		{"sync-request", "half an other peer", raw(SyncRequest{Have: []DocumentKey{{Kind: 1, Issuer: p, Other: q[:20]}}})},
		{"sync-response", "an empty document", raw(SyncResponse{Documents: doc(1, 0)})},
		{"sync-response", "more, and none", raw(SyncResponse{More: true})},
		{"statement-request", "nothing", raw(StatementRequest{})},
		{"statement-request", "1,025 bytes", raw(StatementRequest{Sealed: make([]byte, 1025)})},
		{"statement-response", "signed, and other figures", raw(StatementResponse{Sealed: []byte{1}, Bytes: 1})},
		{"statement-response", "shares below zero", raw(StatementResponse{Shares: -1})},
		{"account-request", "a size above 2^56", raw(AccountRequest{Bytes: 1<<56 + 1})},
		{"account-response", "a size below zero", account(func(a *AccountResponse) { a.Short = -1 })},
		{"account-response", "a ratio below zero", account(func(a *AccountResponse) { a.Terms.RatioPPM = -1 })},
		{"account-response", "step 6", account(func(a *AccountResponse) { a.Step = 6 })},
		{"account-response", "next step 6", account(func(a *AccountResponse) { a.NextStep = 6 })},
		{"account-response", "a time below zero", account(func(a *AccountResponse) { a.NextAt = -1 })},
		{"account-response", "distance -2", account(func(a *AccountResponse) { a.Distance = -2 })},
		{"account-response", "distance 256", account(func(a *AccountResponse) { a.Distance = 256 })},
		{"account-response", "a sponsor without ID", account(func(a *AccountResponse) { a.Sponsors[0].Peer = "" })},
		{"account-response", "a sponsor without limit", account(func(a *AccountResponse) { a.Sponsors[0].Limit = -1 })},
		{"account-response", "65 sponsors", account(func(a *AccountResponse) { a.Sponsors = slices.Repeat(a.Sponsors, 65) })},
		{"account-response", "event 2^53", account(func(a *AccountResponse) { a.Head.Seq = 1 << 53 })},
		{"account-frozen", "a head that says nothing", raw(wireAccount{Head: &Head{}, Sponsors: []Sponsor{}})},
		{"account-frozen", "a code that is an error's", raw(wireAccount{Refusal: &wireError{Code: 32}})},
		{"notice-request", "step 6", notice(func(n *NoticeRequest) { n.Step = 6 })},
		{"notice-request", "a time above 2^40", notice(func(n *NoticeRequest) { n.Since = 1<<40 + 1 })},
		{"notice-request", "a size below zero", notice(func(n *NoticeRequest) { n.Short = -1 })},
		{"notice-request", "257 characters of a reason", notice(func(n *NoticeRequest) { n.Reason = strings.Repeat("é", 257) })},
		{"notice-request", "a line break in the reason", notice(func(n *NoticeRequest) { n.Reason = "a\nb" })},
		{"notice-response", "a key", "a10100"},
		{"loss-request", "nothing", raw(LossRequest{})},
		{"loss-request", "1,025 shares", raw(LossRequest{Lost: manyShares(1024), Corrupt: []potluck.ShareID{{}}})},
		{"loss-request", "a share twice", raw(LossRequest{Lost: make([]potluck.ShareID, 2)})},
		{"loss-request", "shares that descend", raw(LossRequest{Corrupt: []potluck.ShareID{{Number: 1}, {Number: 0}}})},
		{"loss-request", "a share lost and corrupt", raw(LossRequest{Lost: make([]potluck.ShareID, 1), Corrupt: make([]potluck.ShareID, 1)})},
		{"loss-request", "share number 255", raw(LossRequest{Lost: []potluck.ShareID{{Number: 255}}})},
		{"loss-response", "placements below zero", raw(LossResponse{Marked: -1})},
		{"loss-response", "1,025 placements", raw(LossResponse{Marked: 1025})},
		{"audience-request", "4,097 tags", raw(AudienceRequest{Tags: manyTags(4097)})},
		{"audience-request", "a tag twice", raw(AudienceRequest{Tags: make([]Tag, 2)})},
		{"audience-request", "tags that descend", raw(AudienceRequest{Tags: []Tag{{1}, {}}})},
		{"audience-request", "half a tag", raw(wireAudience{Tags: make([]byte, 8)})},
		{"audience-response", "a key of its own", "a10100"},
	}
}

// TestRefusedBecauseOfOneRule: nearly all of the refused messages are whole, so
// that it is the rule that refuses them.
func TestRefusedBecauseOfOneRule(t *testing.T) {
	broken := []string{"results as an array", "kind 256", "a code that is an error's", "a key", "half a tag", "a head that says nothing", "a key of its own"}
	for _, r := range refusedCredit(func(v any) string { return hex.EncodeToString(must(encMode.Marshal(v))) }) {
		_, err := decoders[r.Kind](unhex(t, r.Bytes))
		if err == nil || errors.Is(err, errEncoding) != slices.Contains(broken, r.Why) {
			t.Errorf("%s with %s: %v", r.Kind, r.Why, err)
		}
	}
}

// TestTooManyDocuments: an asker can't make the clerk look at more than is
// allowed, however it spreads it.
func TestTooManyDocuments(t *testing.T) {
	var asked shared[bool]
	client, server := pair(t, "tcp", Limits{}, &cupboard{
		deliver: func(context.Context, peer.ID, DeliverRequest) (DeliverResponse, error) {
			asked.set(true)
			return DeliverResponse{}, nil
		},
		sync: func(context.Context, peer.ID, SyncRequest) (SyncResponse, error) {
			asked.set(true)
			return SyncResponse{}, nil
		},
	})
	doc := func(n, size int) DeliverRequest {
		return DeliverRequest{Documents: slices.Repeat([][]byte{make([]byte, size)}, n)}
	}
	for name, c := range map[string]struct {
		x    exchange
		m    message
		code Code
	}{
		"33 documents":                {exchangeDeliver, doc(33, 1), CodeBadRequest},
		"9,000 documents":             {exchangeDeliver, doc(9000, 1), CodeBadRequest},
		"a document of 64 KiB + 1":    {exchangeDeliver, doc(1, MaxDocument+1), CodeBadRequest},
		"5 documents of 64 KiB":       {exchangeDeliver, doc(5, MaxDocument), CodeBadRequest},
		"9 documents of 64 KiB":       {exchangeDeliver, doc(9, MaxDocument), CodeTooLarge},
		"1,025 keys":                  {exchangeSync, SyncRequest{Have: smallKeys(1025)}, CodeBadRequest},
		"1,025 keys of the largest":   {exchangeSync, SyncRequest{Have: manyKeys(1025)}, CodeBadRequest},
		"more keys than ever allowed": {exchangeSync, SyncRequest{Have: manyKeys(9000)}, CodeTooLarge},
	} {
		answer, err := rawAnswer(t, client, server, c.x, appendFrame(nil, must(encMode.Marshal(c.m))))
		if err != nil || answeredCode(t, answer) != c.code || asked.get() {
			t.Errorf("%s: %x, %v, clerk asked: %v", name, answer, err, asked.get())
		}
	}
	// A node doesn't send them either.
	if _, err := client.Deliver(t.Context(), server.ID(), doc(33, 1)); err == nil || isAnswer(err) {
		t.Errorf("33 documents were sent: %v", err)
	}
	if _, err := client.Sync(t.Context(), server.ID(), SyncRequest{Have: manyKeys(1025)}); err == nil || isAnswer(err) {
		t.Errorf("1,025 keys were sent: %v", err)
	}
}

// smallKeys gives so many keys without another peer and with small numbers.
func smallKeys(n int) []DocumentKey {
	keys := manyKeys(n)
	for i, k := range keys {
		keys[i] = DocumentKey{Kind: 1, Issuer: k.Other, Number: 1}
	}
	return keys
}

func TestLyingClerks(t *testing.T) {
	sealed := func(m any) []byte {
		return appendFrame(nil, must(encMode.Marshal(envelope{OK: must(encMode.Marshal(m))})))
	}
	docs := func(n, size int) SyncResponse {
		return SyncResponse{Documents: slices.Repeat([][]byte{make([]byte, size)}, n)}
	}
	account := samples()["account-response"].(AccountResponse)
	account.Step = 6
	for name, c := range map[string]struct {
		x      exchange
		answer []byte
	}{
		"too few results":          {exchangeDeliver, sealed(DeliverResponse{Results: []uint8{1}})},
		"too many results":         {exchangeDeliver, sealed(DeliverResponse{Results: []uint8{1, 1, 1}})},
		"a result of no table":     {exchangeDeliver, sealed(DeliverResponse{Results: []uint8{1, 8}})},
		"1,025 documents":          {exchangeSync, sealed(docs(1025, 1))},
		"5 documents of 64 KiB":    {exchangeSync, sealed(docs(5, MaxDocument))},
		"a document of 64 KiB + 1": {exchangeSync, sealed(docs(1, MaxDocument+1))},
		"more, and none":           {exchangeSync, sealed(SyncResponse{More: true})},
		"an oversized answer":      {exchangeSync, appendFrame(nil, make([]byte, exchangeSync.answer+1))},
		"signed, and figures":      {exchangeStatement, sealed(StatementResponse{Sealed: []byte{1}, Shares: 1})},
		"an oversized statement":   {exchangeStatement, sealed(StatementResponse{Sealed: make([]byte, MaxStatement+1)})},
		"a step of no ladder":      {exchangeAccount, sealed(account)},
		"another message":          {exchangeAccount, sealed(QuoteResponse{})},
		"words behind a notice":    {exchangeNotice, append(sealed(NoticeResponse{}), "but"...)},
		"more losses than shares":  {exchangeLoss, sealed(LossResponse{Marked: 4})},
		"garbage":                  {exchangeNotice, bytes.Repeat([]byte{0xff}, 100)},
	} {
		client, server := liar(t, c.x, c.answer)
		if err := sayCredit(t, client, server.ID(), c.x.id); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %s: %v", c.x.id, name, err)
		}
	}
}
