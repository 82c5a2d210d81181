package files

import "github.com/libp2p/go-libp2p/core/peer"

// households tells which hosts are one place: each member of a household maps
// to the member that stands for all of them. A host that isn't in it is a place
// of its own.
type households map[peer.ID]peer.ID

// newHouseholds lets the member with the smallest ID stand for each household,
// connected or not, so that the choice doesn't depend on who is online.
func newHouseholds(places []Place) households {
	first := make(map[string]peer.ID)
	for _, at := range places {
		if head, ok := first[at.Household]; !ok || at.Peer < head {
			first[at.Household] = at.Peer
		}
	}
	homes := make(households)
	for _, at := range places {
		if at.Household != "" {
			homes[at.Peer] = first[at.Household]
		}
	}
	return homes
}

// of is the place of a host.
func (hs households) of(h peer.ID) peer.ID {
	if head, ok := hs[h]; ok {
		return head
	}
	return h
}

// merge gives the edges with each host's place in place of the host.
func (hs households) merge(edges []edge) []edge {
	merged := make([]edge, len(edges))
	for i, e := range edges {
		merged[i] = edge{e.number, hs.of(e.host)}
	}
	return merged
}

// places lists the distinct places of hosts.
func (hs households) places(hosts []peer.ID) []peer.ID {
	var list []peer.ID
	seen := make(map[peer.ID]bool, len(hosts))
	for _, h := range hosts {
		if at := hs.of(h); !seen[at] {
			seen[at] = true
			list = append(list, at)
		}
	}
	return list
}

// happiness is the number of distinct places that hold distinct shares: the size
// of a maximum matching. Any k of so many places can give the file back.
func (hs households) happiness(edges []edge) int { return len(match(hs.merge(edges))) }
