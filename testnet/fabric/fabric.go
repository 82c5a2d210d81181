// Package fabric is a network in memory, for testnets: streams between
// /memory/N addresses, and UDP between IP addresses, over lines with latency,
// bandwidth and loss, which can be cut and mended. It uses the clock of package
// time alone, so that it runs in virtual time inside of testing/synctest.
//
// What is modelled: a line has one speed each way, which all traffic of its node
// shares; what is sent arrives after the latency of both lines. On streams a lost
// packet costs a round trip, and what follows waits for it; slow start and
// congestion are not modelled. UDP runs over github.com/marcopolo/simnet, which
// queues fairly and drops late packets; a lost one is lost. While two nodes are
// cut off from each other nothing arrives, and no error either: streams go on
// where they were when the cut is mended, unless an end gave up.
package fabric

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/marcopolo/simnet"

	"potluck"
)

// Link is the line of one node to all others.
type Link struct {
	Latency   time.Duration // one way, between two nodes with such lines; between others the mean of both
	Bandwidth potluck.Size  // bytes a second, each way; 0: no limit
	Loss      float64       // the share of packets that are lost, from 0 to below 1; between two nodes the mean of both
}

// Check tells whether a line can be like that.
func (l Link) Check() error {
	if l.Latency < 0 || l.Latency > time.Hour || l.Bandwidth < 0 || l.Bandwidth > potluck.TiB || !(l.Loss >= 0 && l.Loss < 1) {
		return fmt.Errorf("a line with latency %v, %d bytes a second and loss %v can't be: want 0 to 1h, 0 to 1 TiB, and 0 to below 1", l.Latency, l.Bandwidth, l.Loss)
	}
	return nil
}

// Fabric is the network. It is safe for concurrent use.
type Fabric struct {
	mu      sync.Mutex
	ports   []*Port // the one with number N is at N-1
	byIP    map[netip.Addr]*Port
	changed chan struct{} // closed, and made anew, when a way was cut or mended
	draw    *rand.Rand
	packets *simnet.Simnet // nil until the first UDP socket
}

// New makes a network. What is lost follows from the seed and the order of what
// is sent.
func New(seed uint64) *Fabric {
	return &Fabric{changed: make(chan struct{}), byIP: make(map[netip.Addr]*Port), draw: rand.New(rand.NewPCG(seed, 0))}
}

// Port is one node's place in the network.
type Port struct {
	fabric   *Fabric
	number   int
	link     Link
	up, down lane

	// Under the fabric's mu.
	off      bool
	side     int // of a partition
	listener *listener
	conns    map[*conn]bool
}

// lane is one direction of a line. Under the fabric's mu.
type lane struct{ free time.Time } // when what was sent before is through

// Join adds a node. Its number, and with it its addresses, follows from the order
// of the calls.
func (f *Fabric) Join(l Link) (*Port, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &Port{fabric: f, number: len(f.ports) + 1, link: l, conns: make(map[*conn]bool)}
	f.ports = append(f.ports, p)
	f.byIP[key(p.ip())] = p
	return p, nil
}

// Close ends the network's own goroutines. The sockets should be closed before.
func (f *Fabric) Close() {
	f.mu.Lock()
	packets := f.packets
	f.mu.Unlock()
	if packets != nil {
		packets.Close()
	}
}

// Partition cuts the network into parts that don't reach each other. Nodes that
// no part names are one part together. It takes the place of the partition
// before; with no parts, all reach each other.
func (f *Fabric) Partition(parts ...[]*Port) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.ports {
		p.side = 0
	}
	for i, part := range parts {
		for _, p := range part {
			p.side = i + 1
		}
	}
	f.change()
}

// Cut unplugs a node, or plugs it in again.
func (p *Port) Cut(off bool) {
	p.fabric.mu.Lock()
	defer p.fabric.mu.Unlock()
	p.off = off
	p.fabric.change()
}

// Reset breaks all streams of a node, on both sides, as the machine of a process
// that was killed does.
func (p *Port) Reset() {
	p.fabric.mu.Lock()
	var all []*conn
	for c := range p.conns {
		all = append(all, c)
	}
	p.fabric.mu.Unlock()
	for _, c := range all {
		c.reset()
	}
}

// change wakes who waits for a way. The caller holds mu.
func (f *Fabric) change() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// open tells whether there is a way between two nodes, and gives what is closed
// when that may have changed.
func (f *Fabric) open(a, b *Port) (bool, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return a == b || !a.off && !b.off && a.side == b.side, f.changed
}

// latency is the time of one way between two nodes.
func latency(a, b *Port) time.Duration {
	if a == b {
		return 0
	}
	return (a.link.Latency + b.link.Latency) / 2
}

// packetSize is what a packet carries, about.
const packetSize = 1400

// leastRetry is the shortest time in which a lost packet of a stream is sent again.
const leastRetry = 10 * time.Millisecond

// send tells when bytes that are sent now on a stream are there. They wait for
// those that were sent before on the same lines.
func (f *Fabric) send(from, to *Port, bytes int) time.Time {
	now := time.Now()
	delay := latency(from, to)
	f.mu.Lock()
	defer f.mu.Unlock()
	due := from.up.pass(now, bytes, from.link.Bandwidth).Add(delay)
	if through := to.down.pass(now.Add(delay), bytes, to.link.Bandwidth); through.After(due) {
		due = through
	}
	for range f.lost(from, to, (bytes+packetSize-1)/packetSize) {
		due = due.Add(max(2*delay, leastRetry))
	}
	return due
}

// pass tells when bytes that come at a time are through a lane.
func (l *lane) pass(at time.Time, bytes int, speed potluck.Size) time.Time {
	if speed == 0 {
		return at
	}
	if l.free.Before(at) {
		l.free = at
	}
	l.free = l.free.Add(time.Duration(float64(bytes) / float64(speed) * float64(time.Second)))
	return l.free
}

// lost draws how many rounds it takes until none of some packets is missing. The
// caller holds mu.
func (f *Fabric) lost(from, to *Port, packets int) (rounds int) {
	loss := (from.link.Loss + to.link.Loss) / 2
	for loss > 0 && packets > 0 && rounds < 16 {
		missing := 0
		for range packets {
			if f.draw.Float64() < loss {
				missing++
			}
		}
		if packets = missing; missing > 0 {
			rounds++
		}
	}
	return rounds
}
