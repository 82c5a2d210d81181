package sim

import (
	"potluck"
	"potluck/ledger/credit"
)

// node is one process with one key. A member whose server has another key is
// two: the member's own node only asks, the server only holds. It is three lines
// of a processor's cache: what others look at who want to place something, what
// its own day begins with, the rest.
type node struct {
	book           *credit.Book // nil: holds for nobody
	capacity, held potluck.Size // offered; charged of it
	room           potluck.Size // what there is in truth, of a liar less than capacity
	server         int32        // the node that holds in this member's stead: itself, or another
	owner          int32        // the member that this server works for: itself, or another
	home           int32        // household
	isp            int32
	group          int32
	away           int32 // reasons why it can't be reached now; 0: it can
	present        bool  // joined, and not left
	alive          bool  // its disk works
	moved          bool  // the book changed since its shortfalls were computed
	hurt           bool  // a batch may miss shares
	late           bool  // its day's work is to be done when it is back
	litter         bool  // owners wrote off what it held while it was away

	refs         []ref        // ascending by peer
	batches      []int32      // its own data, oldest first
	placed, unit potluck.Size // data placed now; what is placed at once

	demand      potluck.Size // at the start, in bytes of data
	hosts       int32        // peers that hold for it
	turn        int32        // how often a strategy made its move
	lost        potluck.Size // data of which too few shares were left
	evicted     potluck.Size // shares that hosts dropped by the ladder
	short       potluck.Size // of all accounts at this node, at the last look
	born, since int64        // when it joined; when it last came or went
	up          int64        // seconds reachable until since
}

// ref finds a node's view of a peer.
type ref struct {
	peer, link int32
	watch      bool // its standing is looked at every day
}

// link is what a node keeps of a peer, as far as asks need it: one line of a
// processor's cache.
type link struct {
	row        credit.Row // the peer's in node's book; the zero Row until it is needed
	node, peer int32
	twin       int32  // the peer's view of node
	newest     uint32 // when peer's newest share came
	slowDay    uint16 // the day to which slowed belongs
	fails      uint8  // audits that peer failed, ever; no more are counted than doubt grows with
	friend     bool
	member     bool // the peer is a member, not a server with a key of its own
	denied     bool
	step       credit.Step
	held       potluck.Size // node holds for peer: what peer is charged for
	earned     potluck.Size // peer holds for node's principal, as far as that knows
	loans      potluck.Size
	slowed     potluck.Size
}

// aside is what else a node keeps of a peer.
type aside struct {
	standing credit.Standing
	failed   int32        // audits in the window
	failedAt int64        // the last
	short    potluck.Size // of held: what nothing funds, at the last look
	orphan   potluck.Size // of held: written off by peer, which couldn't cancel it yet
	gone     potluck.Size // of held: not there in truth, and peer doesn't know
	peak     potluck.Size // the most that was ever gone
	served   int64        // until when service was counted
	arcs     []credit.Arc // the peer's standing order at node
}

// batch is some data of one owner, in equal shares.
type batch struct {
	owner int32 // -1: free for use
	size  potluck.Size
	data  potluck.Size
}

// share is one place of a batch.
type share struct {
	link  int32 // the host's view of the owner; -1: nowhere
	route int32 // how its credit came here; -1: by the account's own
	gone  bool
}

// route is a chain of pointers, made for one share: each of hops is a lender's
// view of its borrower, the first borrower being the owner.
type route struct {
	hops [16]int32
	n    int32
	host int32
	size potluck.Size
}

type scratch struct {
	hosts  []candidate
	chosen []candidate
	have   []candidate
	front  []step
	seen   []uint64 // by node: the search that saw it
	stamp  uint64
	values []float64
	glance int64
}
