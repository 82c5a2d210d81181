package credit

import "potluck"

// Book holds peers, arcs and one maximum flow. Not safe for concurrent use, not
// even by readers: answers repair the flow. Equal content gives equal answers,
// however it was reached.
type Book struct {
	hops  int
	peers map[ID]*node
}

type node struct{ Peer }

// New makes an empty book in which sponsored peers are at most maxHops arcs from
// a friend; with 0 or less, arcs carry nothing.
func New(maxHops int) *Book { return &Book{hops: maxHops, peers: map[ID]*node{}} }

// Put adds or replaces a peer; its arcs stay.
func (b *Book) Put(p Peer) {}

// Remove forgets a peer, with the arcs from it and to it.
func (b *Book) Remove(id ID) {}

// SetArcs replaces all arcs of an issuer. Peers not known yet are added with
// nothing but ratio 1. An arc to the issuer itself is left out; From is taken
// to be the issuer.
func (b *Book) SetArcs(from ID, arcs []Arc) {}

// Peer gives what was put for a peer.
func (b *Book) Peer(id ID) (Peer, bool) { return Peer{}, false }

// Len is the number of peers.
func (b *Book) Len() int { return len(b.peers) }

// Free is the most that x could add, all that is funded now staying funded:
// credit alone, no room. 0 for a peer that may not write.
func (b *Book) Free(x ID) potluck.Size { return 0 }

// Fits tells whether asked more bytes of x are funded: Free(x) ≥ asked, found
// without looking further than the ask needs.
func (b *Book) Fits(x ID, asked potluck.Size) bool { return false }

// Admit decides an ask; nothing changes.
func (b *Book) Admit(x ID, room, asked potluck.Size) Decision { return Decision{} }

// Fund tells how an ask would be funded; nil if it doesn't fit.
func (b *Book) Fund(x ID, asked potluck.Size) []Fund { return nil }

// Funding tells how the present bytes of x are funded.
func (b *Book) Funding(x ID) []Fund { return nil }

// Distance is the fewest arcs from a friend to x.
func (b *Book) Distance(x ID) (hops int, ok bool) { return 0, false }

// Supply is what D owes x or gives it.
func (b *Book) Supply(x ID) potluck.Size { return 0 }

// Carried gives what each arc from a peer carries.
func (b *Book) Carried(from ID) []Flow { return nil }

// Into gives what each arc to a peer carries.
func (b *Book) Into(to ID) []Flow { return nil }

// Shortfalls gives the unfunded part of each account that has one, by peer ID.
func (b *Book) Shortfalls() []Shortfall { return nil }
