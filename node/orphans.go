package node

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
)

// OrphansRequest asks for what hosts hold for this node that nothing here needs.
type OrphansRequest struct {
	Peer   string `json:"peer,omitempty"` // one host: petname, peer ID or a beginning; empty: every host that is connected
	Cancel bool   `json:"cancel"`         // end the leases on what is found
	DryRun bool   `json:"dry_run"`        // with Cancel: only tell what would be ended
}

// Orphans is what was found, host by host.
type Orphans struct {
	AsOf   int64       `json:"as_of"`
	DryRun bool        `json:"dry_run"`
	Hosts  []OrphansAt `json:"hosts"` // those that were asked
}

// OrphansAt is what one host holds for this node that nothing here needs: no file
// and no placement of these books names it.
type OrphansAt struct {
	Peer      peer.ID      `json:"peer"`
	Name      string       `json:"name"`
	Shares    []Orphan     `json:"shares"`
	Bytes     potluck.Size `json:"bytes"` // sum of their charges
	Cancelled int64        `json:"cancelled"`
	Freed     potluck.Size `json:"freed"`           // what the cancelled ones were charged
	Error     string       `json:"error,omitempty"` // why not all is here, or cancelled
}

// Orphan is one share.
type Orphan struct {
	Share  potluck.ShareID `json:"share"`
	Layout potluck.Layout  `json:"layout"`
	Charge potluck.Size    `json:"charge"`
}

// Orphans compares these books with those of hosts, and tells or ends what is held
// for nothing. A host that can't be asked has its error in the answer. Errors:
// *NotFoundError for an unknown peer.
func (n *Node) Orphans(ctx context.Context, q OrphansRequest) (Orphans, error) {
	o := Orphans{AsOf: n.config.Clock().Unix(), DryRun: q.DryRun, Hosts: []OrphansAt{}}
	if q.Cancel && !q.DryRun {
		if err := n.writable(); err != nil {
			return o, err
		}
	}
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return o, n.checked(err)
	}
	if q.Peer != "" {
		a, err := n.Resolve(ctx, q.Peer)
		if err != nil {
			return o, err
		}
		accounts = []ledger.Account{a}
	}
	for _, a := range accounts {
		if q.Peer == "" && !n.host.Connected(a.Peer) {
			continue
		}
		at := OrphansAt{Peer: a.Peer, Name: a.Name, Shares: []Orphan{}}
		err := n.orphansAt(ctx, &at)
		if err == nil && q.Cancel && !q.DryRun {
			err = n.cancelOrphans(ctx, &at)
		}
		if err != nil {
			n.fatal(err)
			at.Error = err.Error()
		}
		o.Hosts = append(o.Hosts, at)
	}
	return o, nil
}

// orphansAt compares with one host from the first share to the last.
func (n *Node) orphansAt(ctx context.Context, at *OrphansAt) error {
	ctx, cancel := context.WithTimeout(ctx, compareTime)
	defer cancel()
	var from potluck.ShareID
	for {
		c, err := compare(ctx, n.ours(at.Peer), n.theirs(at.Peer), from)
		if err != nil {
			return err
		}
		f, err := n.sort(ctx, at.Peer, c.found)
		if err != nil {
			return err
		}
		for _, x := range f.orphans {
			at.Shares = append(at.Shares, Orphan{Share: x.Share, Layout: x.Layout, Charge: x.Charge})
			at.Bytes = min(at.Bytes+x.Charge, potluck.MaxSize)
		}
		if from = c.next; from == (potluck.ShareID{}) {
			return nil
		}
	}
}

// cancelOrphans makes each a placement that was removed, and has the host told of
// them as of all removals: what we die over, or what the host doesn't hear now, is
// told when it is met again. One that was placed meanwhile stays.
func (n *Node) cancelOrphans(ctx context.Context, at *OrphansAt) error {
	now := n.config.Clock().Unix()
	for part := range slices.Chunk(at.Shares, ledger.MaxBatch) {
		var going []ledger.Placement
		for _, x := range part {
			_, there, err := n.placed(ctx, at.Peer, x.Share)
			if err != nil {
				return err
			}
			if !there {
				going = append(going, ledger.Placement{Share: x.Share, Host: at.Peer, Layout: x.Layout, Charge: x.Charge, Placed: now, State: ledger.PlacedGoing})
			}
		}
		if err := n.book.Place(ctx, going); err != nil {
			return err
		}
	}
	if _, err := n.files.Sweep(ctx, at.Peer); err != nil {
		return err
	}
	for _, x := range at.Shares {
		if _, there, err := n.placed(ctx, at.Peer, x.Share); err != nil {
			return err
		} else if !there {
			at.Cancelled++
			at.Freed = min(at.Freed+x.Charge, potluck.MaxSize)
		}
	}
	n.reconcile.doubt(at.Peer) // the dispute about them may be over
	return nil
}
