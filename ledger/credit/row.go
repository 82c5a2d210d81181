package credit

import "potluck"

// Row is a peer's place in a book, for those who come back to it often: no ID is
// looked up. It is the peer's until that is removed from the book. The zero Row
// is nobody's.
type Row struct{ n *node }

// Row finds a peer, or adds it with nothing but ratio 1.
func (b *Book) Row(x ID) Row { return Row{b.bare(x)} }

// Put replaces what the book says of the peer, but for its ID; its arcs stay.
func (r Row) Put(p Peer) {
	p.ID = r.n.ID
	r.n.book.put(r.n, &p)
}

// Fits tells whether asked more bytes of the peer are funded, as Book.Fits does.
func (r Row) Fits(asked potluck.Size) bool { return r.n.book.fits(r.n, asked) }
