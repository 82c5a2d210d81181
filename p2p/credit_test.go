package p2p

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// sayCredit lets the client half hold the conversation of a protocol about credit.
func sayCredit(t *testing.T, client *node, p peer.ID, id protocol.ID) (err error) {
	t.Helper()
	all, ctx := samples(), t.Context()
	var got any
	var kind string
	switch id {
	case ProtocolDeliver:
		kind = "deliver"
		got, err = client.Deliver(ctx, p, all["deliver-request"].(DeliverRequest))
	case ProtocolSync:
		kind = "sync"
		got, err = client.Sync(ctx, p, all["sync-request"].(SyncRequest))
	case ProtocolStatement:
		kind = "statement"
		got, err = client.Propose(ctx, p, all["statement-request"].(StatementRequest))
	case ProtocolAccount:
		kind = "account"
		got, err = client.Account(ctx, p, all["account-request"].(AccountRequest))
	case ProtocolNotice:
		kind = "notice"
		got, err = client.Notice(ctx, p, all["notice-request"].(NoticeRequest))
	case ProtocolLoss:
		kind = "loss"
		got, err = client.Loss(ctx, p, all["loss-request"].(LossRequest))
	case ProtocolAudience:
		kind = "audience"
		got, err = client.Audience(ctx, p, all["audience-request"].(AudienceRequest))
	case ProtocolRanges:
		kind = "ranges"
		got, err = client.Ranges(ctx, p, all["ranges-request"].(RangesRequest))
	case ProtocolList:
		kind = "list"
		got, err = client.List(ctx, p, all["list-request"].(ListRequest))
	default:
		t.Fatalf("nobody speaks %s", id)
	}
	if err == nil {
		same(t, got, all[kind+"-response"])
	}
	return err
}

var creditProtocols = []protocol.ID{ProtocolDeliver, ProtocolSync, ProtocolStatement, ProtocolAccount, ProtocolNotice, ProtocolLoss, ProtocolAudience,
	ProtocolRanges, ProtocolList}

func TestEveryCreditExchange(t *testing.T) {
	all := samples()
	eachTransport(t, func(t *testing.T, transport string) {
		var self shared[peer.ID]
		id := self.get
		client, server := pair(t, transport, Limits{}, &cupboard{
			deliver: echo(t, id, all["deliver-request"].(DeliverRequest), all["deliver-response"].(DeliverResponse)),
			sync:    echo(t, id, all["sync-request"].(SyncRequest), all["sync-response"].(SyncResponse)),
			propose: echo(t, id, all["statement-request"].(StatementRequest), all["statement-response"].(StatementResponse)),
			account: echo(t, id, all["account-request"].(AccountRequest), all["account-response"].(AccountResponse)),
			notice:  echo(t, id, all["notice-request"].(NoticeRequest), NoticeResponse{}),
			loss:    echo(t, id, all["loss-request"].(LossRequest), all["loss-response"].(LossResponse)),
			tell:    echo(t, id, all["audience-request"].(AudienceRequest), AudienceResponse{}),
			ranges:  echo(t, id, all["ranges-request"].(RangesRequest), all["ranges-response"].(RangesResponse)),
			list:    echo(t, id, all["list-request"].(ListRequest), all["list-response"].(ListResponse)),
		})
		self.set(client.ID())
		for _, id := range creditProtocols {
			if err := sayCredit(t, client, server.ID(), id); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
	})
}

// TestCreditIsUnsupported: without a clerk, and at an older program that
// doesn't know the protocols.
func TestCreditIsUnsupported(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		client, server := newNode(t, transport, Config{}), newNode(t, transport, Config{Keeper: allOpen()})
		older := newNode(t, transport, Config{Keeper: allOpen()})
		for _, id := range creditProtocols {
			older.basic.RemoveStreamHandler(id)
		}
		befriend(t, client, server)
		befriend(t, client, older)
		for _, id := range creditProtocols {
			same(t, sayCredit(t, client, server.ID(), id), error(&Error{Code: CodeUnsupported}))
			same(t, sayCredit(t, client, older.ID(), id), error(&Error{Code: CodeUnsupported}))
		}
		if _, err := client.Quote(t.Context(), older.ID(), QuoteRequest{}); err != nil {
			t.Errorf("what the older program does speak: %v", err)
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := client.Account(over, older.ID(), AccountRequest{}); !errors.Is(err, context.Canceled) || isAnswer(err) {
			t.Errorf("context is over: %v", err)
		}
		if err := older.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the older one is gone", func() bool { return !client.Connected(older.ID()) })
		short, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer stop()
		if _, err := client.Account(short, older.ID(), AccountRequest{}); err == nil || isAnswer(err) {
			t.Errorf("one that is gone: %v", err)
		}
	})
}

// TestEveryRefusalCrosses: each code with each cure, as the answer of an ask, in
// a quote and in an account.
func TestEveryRefusalCrosses(t *testing.T) {
	var refusal shared[*potluck.Refusal]
	client, server := pair(t, "tcp", Limits{}, &cupboard{
		quote: func(context.Context, peer.ID, QuoteRequest) (QuoteResponse, error) {
			return QuoteResponse{Refusal: refusal.get()}, nil
		},
		account: func(context.Context, peer.ID, AccountRequest) (AccountResponse, error) {
			return AccountResponse{Refusal: refusal.get()}, nil
		},
		deliver: func(context.Context, peer.ID, DeliverRequest) (DeliverResponse, error) {
			return DeliverResponse{}, refusal.get()
		},
	})
	codes := []potluck.Code{potluck.CodeNotAFriend, potluck.CodeDenied, potluck.CodeFrozen, potluck.CodeNoRoom, potluck.CodeUnfunded,
		potluck.CodeRate, potluck.CodeAnonymousFull}
	cures := []potluck.CureKind{potluck.CureBefriend, potluck.CureHold, potluck.CurePointer, potluck.CureAskHost, potluck.CureFree,
		potluck.CureOffer, potluck.CureWait}
	if len(cures) != len(cureNumbers) {
		t.Fatalf("%d cures are in the table", len(cureNumbers))
	}
	for _, code := range codes {
		for i, cure := range cures {
			want := &potluck.Refusal{Code: code, Asked: 3, Free: 1, Short: 2, Cures: []potluck.Cure{{Kind: cure, Bytes: potluck.Size(i)}}}
			refusal.set(want)
			q, err := client.Quote(t.Context(), server.ID(), QuoteRequest{Bytes: 3})
			same(t, []any{q.Refusal, err}, []any{want, error(nil)})
			a, err := client.Account(t.Context(), server.ID(), AccountRequest{Bytes: 3})
			same(t, []any{a.Refusal, err}, []any{want, error(nil)})
			_, err = client.Deliver(t.Context(), server.ID(), DeliverRequest{Documents: [][]byte{{1}}})
			same(t, err, error(want))
		}
	}
}

// TestLargeSums: what no message may name is told as the largest size, for a cure
// can cost a million times what was asked.
func TestLargeSums(t *testing.T) {
	_, p := fixedKey(1)
	huge := &potluck.Refusal{Code: potluck.CodeUnfunded, Asked: 7, Free: 3, Short: math.MaxInt64, Cures: []potluck.Cure{{Kind: potluck.CureHold, Bytes: math.MaxInt64}}}
	told := &potluck.Refusal{Code: potluck.CodeUnfunded, Asked: 7, Free: 3, Short: potluck.MaxSize, Cures: []potluck.Cure{{Kind: potluck.CureHold, Bytes: potluck.MaxSize}}}
	whole := fullAccount(p, Terms{}, told)
	client, server := pair(t, "tcp", Limits{}, &cupboard{
		account: func(context.Context, peer.ID, AccountRequest) (AccountResponse, error) {
			a := whole
			a.Earned, a.Supply, a.Free = math.MaxInt64, potluck.MaxSize+1, math.MaxInt64
			a.Sponsors = slices.Clone(a.Sponsors)
			a.Sponsors[1].Limit = math.MaxInt64
			a.Refusal = huge
			return a, nil
		},
		quote: func(context.Context, peer.ID, QuoteRequest) (QuoteResponse, error) {
			return QuoteResponse{Free: math.MaxInt64, Refusal: huge}, nil
		},
		deliver: func(context.Context, peer.ID, DeliverRequest) (DeliverResponse, error) {
			return DeliverResponse{}, huge
		},
	})
	got, err := client.Account(t.Context(), server.ID(), AccountRequest{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, whole)
	q, err := client.Quote(t.Context(), server.ID(), QuoteRequest{})
	same(t, []any{q, err}, []any{QuoteResponse{Free: potluck.MaxSize, Refusal: told}, error(nil)})
	same(t, sayCredit(t, client, server.ID(), ProtocolDeliver), error(told))
}

// TestWrongClerk: what a clerk may not answer doesn't leave the node.
func TestWrongClerk(t *testing.T) {
	client, server := pair(t, "tcp", Limits{}, &cupboard{
		deliver: func(_ context.Context, _ peer.ID, d DeliverRequest) (DeliverResponse, error) {
			return DeliverResponse{Results: make([]uint8, len(d.Hosts))}, nil
		},
		sync: func(context.Context, peer.ID, SyncRequest) (SyncResponse, error) {
			return SyncResponse{Documents: slices.Repeat([][]byte{make([]byte, MaxDocument)}, 5)}, nil
		},
		account: func(context.Context, peer.ID, AccountRequest) (AccountResponse, error) {
			return AccountResponse{Free: -1}, nil
		},
		notice: func(context.Context, peer.ID, NoticeRequest) (NoticeResponse, error) { panic("at the desk") },
	})
	for id, want := range map[protocol.ID]string{ProtocolDeliver: "clerk gave 2 results", ProtocolSync: "documents have 327680 bytes",
		ProtocolAccount: "size -1", ProtocolNotice: "at the desk"} {
		if id == ProtocolDeliver { // one document and two hints
			_, p := fixedKey(1)
			_, err := client.Deliver(t.Context(), server.ID(), DeliverRequest{Documents: [][]byte{{1}}, Hosts: []HostHint{{Peer: p}, {Peer: p}}})
			same(t, err, error(&Error{Code: CodeInternal}))
		} else {
			same(t, sayCredit(t, client, server.ID(), id), error(&Error{Code: CodeInternal}))
		}
		if !strings.Contains(server.logs.String(), want) {
			t.Errorf("%s: %q is not in the server's log", id, want)
		}
	}
}

// TestStallingClerk: one that doesn't answer is given up.
func TestStallingClerk(t *testing.T) {
	release := make(chan struct{})
	client, server := pair(t, "tcp", shortLimits, &cupboard{
		account: func(ctx context.Context, _ peer.ID, _ AccountRequest) (AccountResponse, error) {
			<-release
			return AccountResponse{}, ctx.Err()
		},
	})
	began := time.Now()
	if err := sayCredit(t, client, server.ID(), ProtocolAccount); !errors.Is(err, ErrTimeout) {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	close(release)
}

func TestKeysCompare(t *testing.T) {
	ordered := manyKeys(300)
	shuffled := slices.Clone(ordered)
	slices.Reverse(shuffled)
	slices.SortFunc(shuffled, DocumentKey.Compare)
	if !reflect.DeepEqual(ordered, shuffled) {
		t.Error("keys are ordered otherwise than by their bytes")
	}
	_, p := fixedKey(1)
	if (DocumentKey{Kind: 1, Issuer: p, Number: 1}).Compare(DocumentKey{Kind: 1, Issuer: p, Number: 2}) != 0 {
		t.Error("the number is part of the name")
	}
}
