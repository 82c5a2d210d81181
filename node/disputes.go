package node

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// versions is what both sides of a dispute say, in the form of its event. The lists
// have the first of many.
type versions struct {
	Statement []byte            `json:"statement,omitempty"` // what the host signed, and the owner didn't
	Orphans   []potluck.ShareID `json:"orphans,omitempty"`   // the host counts them, the owner doesn't know them
	Differing []clash           `json:"differing,omitempty"`
}

// DisputeView is a holding that the two sides count otherwise.
type DisputeView struct {
	Host     Party           `json:"host"`
	Owner    Party           `json:"owner"` // one of the two is "you"
	Since    int64           `json:"since"`
	Mine     ledger.Summary  `json:"mine"`   // what this node counts
	Theirs   ledger.Summary  `json:"theirs"` // what the other one counts
	Reason   string          `json:"reason"`
	Evidence json.RawMessage `json:"evidence"` // {"statement", "orphans", "differing"}, each if there is any
}

// Disputes lists what is disputed between this node and others.
func (n *Node) Disputes(ctx context.Context) ([]DisputeView, error) {
	all := []DisputeView{}
	rows, err := n.book.Disputes(ctx)
	if err != nil {
		return all, n.checked(err)
	}
	ns, err := n.names(ctx)
	if err != nil {
		return all, err
	}
	for _, d := range rows {
		v := DisputeView{Host: ns.party(d.Host), Owner: ns.party(d.Owner), Since: d.Since, Mine: d.Mine, Theirs: d.Theirs, Reason: d.Reason,
			Evidence: json.RawMessage("{}")}
		if json.Valid(d.Evidence) {
			v.Evidence = d.Evidence
		}
		all = append(all, v)
	}
	return all, nil
}

// How many shares evidence names; with them it stays under ledger.MaxProof.
const (
	orphansNamed   = 64
	differingNamed = 12
)

// contend keeps what couldn't be cured with a host.
func (n *Node) contend(ctx context.Context, host peer.ID, f findings, theirs p2p.SpanSum) error {
	mine, err := n.book.Summary(ctx, host, n.self)
	if err != nil {
		return n.checked(err)
	}
	_, sealed := n.count.unsigned(host)
	e := versions{Statement: sealed, Differing: f.differing[:min(len(f.differing), differingNamed)]}
	for _, x := range f.orphans[:min(len(f.orphans), orphansNamed)] {
		e.Orphans = append(e.Orphans, x.Share)
	}
	return n.disputed(ctx, ledger.Dispute{Host: host, Owner: n.self, Mine: mine,
		Theirs: ledger.Summary{Bytes: theirs.Bytes, Shares: theirs.Shares},
		Reason: fmt.Sprintf("; of its shares %d belong to nothing that this node knows, %d differ", len(f.orphans), len(f.differing))}, e)
}

// dissent keeps that a host signs what these books don't say, if it does still.
func (n *Node) dissent(ctx context.Context, host peer.ID, why string) error {
	s, sealed := n.count.unsigned(host)
	mine, err := n.book.Summary(ctx, host, n.self)
	if err != nil || len(sealed) == 0 || says(s, mine) {
		return n.checked(err)
	}
	return n.disputed(ctx, ledger.Dispute{Host: host, Owner: n.self, Mine: mine,
		Theirs: ledger.Summary{Bytes: s.Bytes, Shares: s.Shares, Digest: s.Digest}, Reason: why}, versions{Statement: sealed})
}

// disputed keeps a dispute: both versions stand until they are cured, and the
// smaller counts. What its reason has is put behind the figures. What the host
// signed stays in the books with it, and counts nothing.
func (n *Node) disputed(ctx context.Context, d ledger.Dispute, e versions) error {
	var err error
	if d.Evidence, err = json.Marshal(e); err != nil {
		return err
	}
	d.Reason = fmt.Sprintf("it counts %d bytes in %d shares, these books %d in %d", d.Theirs.Bytes, d.Theirs.Shares, d.Mine.Bytes, d.Mine.Shares) + d.Reason
	told, err := n.book.Dispute(ctx, d)
	if err != nil || !told {
		return n.checked(err)
	}
	other := d.Host
	if d.Host == n.self {
		other = d.Owner
	}
	n.log.Warn("a peer counts otherwise", "peer", other, "text", d.Reason)
	if len(e.Statement) > 0 && d.Owner == n.self {
		if _, err := n.book.Accept(ctx, signed.StatementOf(e.Statement, nil)); err != nil {
			return n.checked(err)
		}
	}
	n.post.changed() // friends may see it
	return nil
}

// agree ends the dispute about a holding, if there is one.
func (n *Node) agree(ctx context.Context, host, owner peer.ID) error {
	return n.checked(n.book.Agree(ctx, host, owner, "both count the same"))
}
