package p2p

import (
	"context"
	"io"
	"testing"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestTrafficIsCountedOnBothSides(t *testing.T) {
	const size = 300 << 10
	eachTransport(t, func(t *testing.T, transport string) {
		client, server := pair(t, transport, Limits{}, &cupboard{
			read: func(context.Context, peer.ID, ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
				return size, func(_ context.Context, w io.Writer) error {
					_, err := w.Write(make([]byte, size))
					return err
				}, nil
			},
		})
		before := client.Traffic()[server.ID()]
		_, body, err := client.Read(t.Context(), server.ID(), ReadRequest{Part: PartData, Length: size})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			t.Fatal(err)
		}
		body.Close()
		after := client.Traffic()[server.ID()]
		if in := after.In - before.In; in < size || in > size+4<<10 {
			t.Errorf("the asker counts %d bytes in, want %d and a little", in, size)
		}
		if out := after.Out - before.Out; out < 1 || out > 4<<10 {
			t.Errorf("the asker counts %d bytes out", out)
		}
		if out := server.Traffic()[client.ID()].Out; out < size {
			t.Errorf("the host counts %d bytes out, want %d at least", out, size)
		}
	})
}

func TestStrangersAreNotCounted(t *testing.T) {
	c := &traffic{gate: &list{friends: map[peer.ID]bool{"friend": true}}}
	c.LogRecvMessageStream(5, ProtocolRead, "friend")
	c.LogSentMessageStream(7, ProtocolRead, "friend")
	c.LogRecvMessageStream(5, ProtocolRead, "stranger")
	if all := c.all(); len(all) != 1 || all["friend"] != (Traffic{In: 5, Out: 7}) {
		t.Errorf("counted %v", all)
	}
}
