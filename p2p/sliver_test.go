package p2p

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

// TestSliver: the largest sliver crosses, a larger one doesn't, and a program that
// knows none says so.
func TestSliver(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		size := shared[int]{}
		client, server := pair(t, transport, Limits{}, &cupboard{sliver: func(_ context.Context, _ peer.ID, s SliverRequest) (SliverResponse, error) {
			return SliverResponse{Sliver: bytes.Repeat([]byte{byte(s.First)}, size.get())}, nil
		}})
		for _, n := range []int{1, 16 << 10, int(MaxSliver)} {
			size.set(n)
			got, err := client.Sliver(t.Context(), server.ID(), SliverRequest{Index: index(7), First: 9, Units: 1})
			if err != nil || !bytes.Equal(got.Sliver, bytes.Repeat([]byte{9}, n)) {
				t.Errorf("%d of %d bytes came, %v", len(got.Sliver), n, err)
			}
		}
		for _, n := range []int{0, int(MaxSliver) + 1} {
			size.set(n)
			if _, err := client.Sliver(t.Context(), server.ID(), SliverRequest{Units: 1}); !errors.Is(err, &Error{Code: CodeInternal}) {
				t.Errorf("%d bytes: %v, want an internal error there", n, err)
			}
		}
		if _, err := client.Sliver(t.Context(), server.ID(), SliverRequest{}); err == nil {
			t.Error("no units can be asked for")
		}
		_, older := pair(t, transport, Limits{}, &cupboard{})
		older.basic.RemoveStreamHandler(ProtocolSliver)
		befriend(t, client, older)
		if _, err := client.Sliver(t.Context(), older.ID(), SliverRequest{Units: 1}); !errors.Is(err, &Error{Code: CodeUnsupported}) {
			t.Errorf("an older program: %v", err)
		}
	})
}
