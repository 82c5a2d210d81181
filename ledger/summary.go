package ledger

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/zeebo/blake3"

	"potluck"
)

// Summary is what one node holds for another, as a statement says it (CREDIT.md
// section 8).
type Summary struct {
	Bytes  potluck.Size   `json:"bytes"`  // sum of the charges
	Shares int64          `json:"shares"` // how many
	Digest potluck.Digest `json:"digest"` // BLAKE3 over the shares in order: storage index, number, root, charge (8 bytes)
}

// Summary sums what host holds for owner, one of which must be this node: as
// host, the STABLE shares on which owner has a held lease; as owner, the stable
// placements at host. When both books are right the two are equal to the byte.
// It reads a row for each share. Errors: ErrInvalid.
func (b *Book) Summary(ctx context.Context, host, owner peer.ID) (s Summary, err error) {
	sum := summer{hash: blake3.New()}
	switch {
	case host == owner || (host != b.self && owner != b.self):
		return s, fmt.Errorf("sum what %v holds for %v: one of them must be this node: %w", host, owner, ErrInvalid)
	case host == b.self:
		err = b.view(ctx, func(v view) error { return v.sumHeld(ctx, owner, &sum) })
	default:
		err = b.PlacementsAt(ctx, host, func(p Placement) error {
			if p.State == PlacedStable {
				sum.add(p.Share, p.Root, p.Charge)
			}
			return nil
		})
	}
	if err != nil {
		return Summary{}, fmt.Errorf("sum what %v holds for %v: %w", host, owner, err)
	}
	sum.hash.Sum(sum.Digest[:0])
	return sum.Summary, nil
}

func (v view) sumHeld(ctx context.Context, owner peer.ID, sum *summer) error {
	return v.owned(ctx, owner, func(id potluck.ShareID, l Lease) error {
		if l.Pending {
			return nil
		}
		s, there, err := getShare(v, id)
		if err == nil && !there {
			err = fmt.Errorf("share %v is missing, its lease is there: %w", id, ErrDamaged)
		}
		if err == nil && s.State == ShareStable {
			sum.add(id, s.Root, l.Charge)
		}
		return err
	})
}

// owned visits the leases of one account, by share.
func (v view) owned(ctx context.Context, owner peer.ID, visit func(potluck.ShareID, Lease) error) error {
	return v.scan(ctx, span{prefix: peerKey(keyLeaseByOwner, owner), keysOnly: true}, func(key, _ []byte) error {
		k := parts(key)
		k.peer()
		id := k.share()
		if err := k.end(key); err != nil {
			return err
		}
		l, there, err := getLease(v, id, owner)
		if err == nil && !there {
			err = fmt.Errorf("lease of %v on share %v is missing: %w", owner, id, ErrDamaged)
		}
		if err != nil {
			return err
		}
		return visit(id, l)
	})
}

// summer adds up shares in order.
type summer struct {
	Summary
	hash *blake3.Hasher
}

func (s *summer) add(id potluck.ShareID, root potluck.Digest, charge potluck.Size) {
	s.Bytes += charge
	s.Shares++
	b := appendShare(make([]byte, 0, shareLen+len(root)+8), id)
	b = append(b, root[:]...)
	s.hash.Write(binary.BigEndian.AppendUint64(b, uint64(charge)))
}
