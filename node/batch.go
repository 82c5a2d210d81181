package node

import (
	"context"
	"maps"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger/signed"
	"potluck/p2p"
)

// batches cuts papers so that each part is one request.
func batches(all []paper) [][]paper {
	var parts [][]paper
	var part []paper
	size := 0
	for _, x := range all {
		if len(part) == p2p.MaxDocuments || size+len(x.raw) > p2p.MaxDocumentBytes {
			parts, part, size = append(parts, part), nil, 0
		}
		part, size = append(part, x), size+len(x.raw)
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}

// hints tells a peer where those are whom orders bring it together with: the
// hosts where a beneficiary has credit now, and the beneficiaries for a host.
func (n *Node) hints(ctx context.Context, to peer.ID, batch []paper) ([]p2p.HostHint, error) {
	named := make(map[peer.ID]bool)
	for _, x := range batch {
		if x.id.Kind != signed.KindOrder {
			continue
		}
		o, err := x.document.Order()
		if err != nil {
			return nil, err
		}
		for _, p := range o.Pointers {
			switch {
			case p.To == to && p.Host != "":
				named[p.Host] = true
			case p.To == to && o.Issuer == n.self:
				for _, h := range n.heard.creditors() {
					named[h] = true
				}
			case p.Host == to || p.Host == "":
				named[p.To] = true
			}
		}
	}
	delete(named, to)
	delete(named, n.self)
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return nil, n.checked(err)
	}
	var all []p2p.HostHint
	for _, a := range accounts {
		if named[a.Peer] && len(all) < p2p.MaxHints {
			h := p2p.HostHint{Peer: a.Peer, Name: a.Name, Addrs: a.Addrs[:min(len(a.Addrs), p2p.MaxAddrs)]}
			if h.Validate() == nil {
				all = append(all, h)
			}
		}
	}
	return all, nil
}

// haveKeys says what this node has, and, by keys with number 0, whose documents
// it would take.
func (n *Node) haveKeys(ctx context.Context) ([]p2p.DocumentKey, error) {
	papers, err := n.papers(ctx)
	if err != nil {
		return nil, err
	}
	have := make(map[signed.Identity]uint64)
	for _, x := range papers {
		if x.word {
			continue
		}
		have[x.key()] = max(have[x.key()], x.id.Number)
	}
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return nil, n.checked(err)
	}
	for _, a := range accounts {
		k := signed.Identity{Kind: signed.KindOrder, Issuer: a.Peer}
		have[k] = max(have[k], 0)
	}
	keys := make([]p2p.DocumentKey, 0, len(have))
	for k, number := range have {
		keys = append(keys, p2p.DocumentKey{Kind: uint8(k.Kind), Issuer: k.Issuer, Other: k.Other, Number: number})
	}
	slices.SortFunc(keys, p2p.DocumentKey.Compare)
	return keys[:min(len(keys), p2p.MaxKeys)], nil
}

// admitted lists who may talk to this node.
func (n *Node) admitted() []peer.ID {
	n.gate.mu.RLock()
	defer n.gate.mu.RUnlock()
	all := maps.Clone(n.gate.friends)
	maps.Copy(all, n.gate.sponsored)
	maps.Copy(all, n.gate.reached)
	return slices.Collect(maps.Keys(all))
}
