package ledger

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Behind tells whether a peer's statement names a head of our chain of events
// that these books don't have, so that they are an old copy: its sequence number
// and the peer who named it.
func (b *Book) Behind(ctx context.Context) (seq uint64, by peer.ID, ok bool) {
	return 0, "", false
}
