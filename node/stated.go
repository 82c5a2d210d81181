package node

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/signed"
)

// Stated are the statements between this node and a peer (CREDIT.md section 8),
// the newest of each direction: what both signed, then what one of them signed
// alone under a higher number. When the two nodes don't agree, both words stand.
type Stated struct {
	IHold     []Statement `json:"i_hold"`
	HoldForMe []Statement `json:"hold_for_me"`
}

// Statement is what one node says that it holds for another.
type Statement struct {
	Signed string         `json:"signed"` // by: both, host or owner
	Number uint64         `json:"number"`
	Time   int64          `json:"time"`
	Bytes  potluck.Size   `json:"bytes"`
	Shares int64          `json:"shares"`
	Digest potluck.Digest `json:"digest"` // over the shares, see ledger.Summary
}

// stated gives the statements with a peer.
func (n *Node) stated(ctx context.Context, p peer.ID) (s Stated, err error) {
	if s.IHold, err = n.statements(ctx, n.self, p); err != nil {
		return s, err
	}
	s.HoldForMe, err = n.statements(ctx, p, n.self)
	return s, err
}

func (n *Node) statements(ctx context.Context, host, owner peer.ID) ([]Statement, error) {
	all := []Statement{}
	row, err := n.book.Document(ctx, signed.KindStatement, host, owner)
	if errors.Is(err, ledger.ErrNotFound) {
		return all, nil
	}
	if err != nil {
		return all, n.checked(err)
	}
	for _, d := range []struct {
		by  string
		doc *signed.Document
	}{{"both", &row.Document}, {"host", row.ByHost}, {"owner", row.ByOwner}} {
		if d.doc == nil || len(d.doc.Sealed) == 0 {
			continue
		}
		x, _, _, err := d.doc.Statement()
		if err != nil {
			return all, n.checked(err)
		}
		all = append(all, Statement{Signed: d.by, Number: x.Number, Time: x.Time, Bytes: x.Bytes, Shares: x.Shares, Digest: x.Digest})
	}
	return all, nil
}
