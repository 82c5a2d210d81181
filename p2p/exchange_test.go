package p2p

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

var layout = potluck.Layout{Suite: 1, K: 3, N: 10, Block: 256 << 10, Size: 1 << 30}

func index(b byte) (x potluck.StorageIndex) {
	for i := range x {
		x[i] = b
	}
	return x
}

func digest(b byte) (d potluck.Digest) {
	for i := range d {
		d[i] = b
	}
	return d
}

var fullRefusal = &potluck.Refusal{Code: potluck.CodeUnfunded, Asked: 5 << 30, Free: 1 << 30, Short: 4 << 30, Cures: []potluck.Cure{
	{Kind: potluck.CureHold, Bytes: 4 << 30}, {Kind: potluck.CureAskHost}, {Kind: potluck.CureFree, Bytes: 1},
}}

var frozenRefusal = &potluck.Refusal{Code: potluck.CodeFrozen, Asked: 4096, Short: 4096, Cures: []potluck.Cure{
	{Kind: potluck.CurePointer, Bytes: 4 << 30}, {Kind: potluck.CureHold, Bytes: 4 << 30}, {Kind: potluck.CureWait},
}}

func same(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// echo checks that a request arrives as it was sent, from the right peer.
func echo[Q, A any](t *testing.T, client func() peer.ID, want Q, answer A) func(context.Context, peer.ID, Q) (A, error) {
	return func(ctx context.Context, from peer.ID, q Q) (A, error) {
		same(t, q, want)
		same(t, from, client())
		if ctx.Err() != nil {
			t.Error("context is over before the answer")
		}
		return answer, nil
	}
}

func TestEveryControlExchange(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		var self shared[peer.ID]
		id := self.get
		quote, quoted := QuoteRequest{Bytes: 5 << 30}, QuoteResponse{Free: 1 << 30, Refusal: fullRefusal, Name: "Zoë's box", Version: "0.1.0"}
		alloc := AllocateRequest{Index: index(7), Layout: layout, Numbers: []potluck.ShareNumber{0, 3, 9}}
		granted := AllocateResponse{Grants: []Grant{{Number: 0, State: GrantNew, Offset: 77}, {Number: 3, State: GrantHeld, Root: digest(1), Manifest: digest(2)},
			{Number: 9, State: GrantExists, Root: digest(3), Manifest: digest(2)}}}
		have := HaveRequest{Indexes: []potluck.StorageIndex{index(1), index(2)}}
		held := HaveResponse{Sets: []ShareSet{{Shares: []HeldShare{{Number: 4, Root: digest(4), Manifest: digest(5), Mine: true}}}, {Shares: []HeldShare{}}}}
		stop, stopped := CancelRequest{Shares: []potluck.ShareID{{Index: index(1), Number: 2}}}, CancelResponse{Freed: 4096, Cancelled: 1}
		renew, renewed := RenewRequest{Until: 1_900_000_000}, RenewResponse{Until: 1_890_000_000, Shares: 12, Bytes: 1 << 40}
		join := JoinRequest{Invite: [16]byte{1}, Proof: [32]byte{2}, Name: "dora", Terms: Terms{RatioPPM: 1_000_000, Opening: 1 << 30}, Addrs: []string{"/ip4/192.0.2.1/tcp/4001"}}
		joined := JoinResponse{Name: "emil", Terms: Terms{Gift: 1, Paid: 2, PaidUntil: 3}, Addrs: []string{"/dns4/example.org/udp/4001/quic-v1"}}

		client, server := pair(t, transport, Limits{}, &cupboard{
			quote: echo(t, id, quote, quoted), alloc: echo(t, id, alloc, granted), have: echo(t, id, have, held),
			stop: echo(t, id, stop, stopped), renew: echo(t, id, renew, renewed), join: echo(t, id, join, joined),
		})
		self.set(client.ID())
		ctx, p := t.Context(), server.ID()
		check := func(got any, err error, want any) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, want)
		}
		q, err := client.Quote(ctx, p, quote)
		check(q, err, quoted)
		a, err := client.Allocate(ctx, p, alloc)
		check(a, err, granted)
		h, err := client.Have(ctx, p, have)
		check(h, err, held)
		c, err := client.Cancel(ctx, p, stop)
		check(c, err, stopped)
		r, err := client.Renew(ctx, p, renew)
		check(r, err, renewed)
		j, err := client.Join(ctx, p, join)
		check(j, err, joined)
	})
}

func TestErrorsCrossAsTheyAre(t *testing.T) {
	var answer shared[error]
	client, server := pair(t, "tcp", Limits{}, &cupboard{
		quote: func(context.Context, peer.ID, QuoteRequest) (QuoteResponse, error) {
			return QuoteResponse{}, answer.get()
		},
	})
	ask := func() error {
		_, err := client.Quote(t.Context(), server.ID(), QuoteRequest{})
		return err
	}
	for code, number := range codeNumbers {
		if number < firstErrorCode {
			answer.set(&potluck.Refusal{Code: potluck.Code(code), Asked: 3, Free: 2, Short: 1, Cures: fullRefusal.Cures})
		} else {
			answer.set(&Error{Code: code})
		}
		same(t, ask(), answer.get())
	}
	for _, odd := range []error{errors.New("disk sda1 is on fire"), &Error{Code: "made-up"}, &potluck.Refusal{Code: "made-up"},
		&potluck.Refusal{Code: potluck.CodeRate, Asked: -1}, &Error{Code: Code(potluck.CodeRate)}} {
		answer.set(odd)
		same(t, ask(), &Error{Code: CodeInternal})
	}
	if !strings.Contains(server.logs.String(), "disk sda1 is on fire") {
		t.Error("the cause isn't in the server's log")
	}
}

func TestPanicIsInternal(t *testing.T) {
	client, server := pair(t, "tcp", Limits{}, &cupboard{
		quote: func(context.Context, peer.ID, QuoteRequest) (QuoteResponse, error) { panic("at the disco") },
		read: func(context.Context, peer.ID, ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
			return 10, func(context.Context, io.Writer) error { panic("in the body") }, nil
		},
	})
	_, err := client.Quote(t.Context(), server.ID(), QuoteRequest{})
	same(t, err, &Error{Code: CodeInternal})
	if _, err := readAll(t, client, server, ReadRequest{Part: PartData, Length: 10}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"at the disco", "in the body", "exchange_test.go"} {
		if !strings.Contains(server.logs.String(), want) {
			t.Errorf("%q is not in the server's log", want)
		}
	}
}

// readAll gives what came of a read, and how it ended.
func readAll(t *testing.T, client, server *node, r ReadRequest) ([]byte, error) {
	t.Helper()
	_, body, err := client.Read(t.Context(), server.ID(), r)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return b
}

func TestWriteAndRead(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		var kept shared[[]byte]
		client, server := pair(t, transport, Limits{}, &cupboard{
			write: func(_ context.Context, _ peer.ID, w WriteRequest, body io.Reader) (WriteResponse, error) {
				got, err := io.ReadAll(body)
				kept.set(got)
				return WriteResponse{Receipt: []byte("kept")}, err
			},
			read: func(_ context.Context, _ peer.ID, r ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
				part := kept.get()[r.Offset : r.Offset+r.Length]
				return potluck.Size(len(part)), func(_ context.Context, w io.Writer) error {
					_, err := io.Copy(w, bytes.NewReader(part))
					return err
				}, nil
			},
		})
		for _, size := range []int{1, 100, 64 << 10, 64<<10 + 1, 3<<20 + 17} {
			data := random(size)
			w, err := client.Write(t.Context(), server.ID(), WriteRequest{Index: index(1), Layout: layout, Length: potluck.Size(size) - 1, Manifest: 1})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(data[:size/2]); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(data[size/2:]); err != nil {
				t.Fatal(err)
			}
			answer, err := w.Finish(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			same(t, answer, WriteResponse{Receipt: []byte("kept")})
			w.Abort() // does nothing any more
			if !bytes.Equal(kept.get(), data) {
				t.Fatalf("size %d: stored bytes differ", size)
			}
			length, body, err := client.Read(t.Context(), server.ID(), ReadRequest{Index: index(1), Part: PartData, Offset: 0, Length: potluck.Size(size)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(body)
			if err != nil || length != potluck.Size(size) || !bytes.Equal(got, data) {
				t.Fatalf("size %d: read %d of %d bytes, %v", size, len(got), length, err)
			}
			if err := body.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
