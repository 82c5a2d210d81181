package sim

const newDisk = 14 * day // how long it takes to replace a disk, unless an event says otherwise

// depart and arrive count the reasons why a node can't be reached.
func (w *world) depart(i int32) {
	n := &w.nodes[i]
	if n.away++; n.away == 1 && n.present {
		n.up += w.now - n.since
		n.since = w.now
		w.miss(i)
	}
}

func (w *world) arrive(i int32) {
	n := &w.nodes[i]
	if n.away--; n.away == 0 && n.present {
		n.since = w.now
		w.greet(i)
		if n.late {
			n.late = false
			w.queue.add(w.now, lateDue, i)
		}
	}
}

// miss and greet note that a node can't be reached, and that it can.
func (w *world) miss(i int32) {
	w.absent[i] = max(1, w.now)
	w.odd[i/64] |= 1 << (i % 64)
}

func (w *world) greet(i int32) {
	w.absent[i] = 0
	if !w.rotten[i] {
		w.odd[i/64] &^= 1 << (i % 64)
	}
}

// isOdd tells whether a node is absent or rotten: few are, and the bits of all
// stay in the processor's cache.
func (w *world) isOdd(i int32) bool { return w.odd[i/64]>>(i%64)&1 != 0 }

// flip ends a session or an absence of a server, and draws the next.
func (w *world) flip(i int32, k kind) {
	if !w.nodes[i].present {
		return
	}
	u := uptime(w.group(i))
	if k == goes {
		w.depart(i)
		w.queue.add(w.now+w.weibull(u.Absence, u.Shape), comes, i)
		return
	}
	w.arrive(i)
	w.queue.add(w.now+w.weibull(u.Session, u.Shape), goes, i)
}

// night switches a server off or on.
func (w *world) night(i int32, k kind) {
	if !w.nodes[i].present {
		return
	}
	zone := w.group(i).Uptime.Zone
	if k == dusk {
		w.depart(i)
		w.queue.add(w.hour(7, zone), dawn, i)
		return
	}
	w.arrive(i)
	w.queue.add(w.hour(23, zone), dusk, i)
}

// travel keeps a member's nodes away for some seconds.
func (w *world) travel(i int32, seconds int64) {
	w.depart(i)
	w.queue.add(w.now+seconds, back, i)
	if s := w.nodes[i].server; s != i {
		w.travel(s, seconds)
	}
}

// die loses all that a server holds. It says so at once, and offers nothing until
// it has a new disk.
func (w *world) die(i int32, seconds int64) {
	n := &w.nodes[i]
	if !n.present || !n.alive {
		return
	}
	n.alive = false
	w.queue.add(w.now+seconds, diskBack, i)
	held := n.held
	for k := 0; k < len(w.nodes[i].refs); k++ {
		l := w.nodes[i].refs[k].link
		if w.links[l].held == 0 {
			continue
		}
		w.forsake(w.links[l].peer, l, true)
		w.sweep(l) // what an owner couldn't cancel while the host was away is gone too
	}
	w.tally.deaths++
	w.record("disk-death", i, -1, held, "")
}

// leave takes a member away for good: it takes its data back and switches its
// server off without a word.
func (w *world) leave(i int32) {
	if !w.nodes[i].present {
		return
	}
	w.record("left", i, -1, w.nodes[i].placed, "")
	w.dropAll(i)
	w.vanish(i)
	if s := w.nodes[i].server; s != i {
		w.vanish(s)
	}
}

func (w *world) dropAll(i int32) {
	for _, b := range w.nodes[i].batches {
		w.drop(b)
	}
	w.nodes[i].batches = w.nodes[i].batches[:0]
}

func (w *world) vanish(i int32) {
	n := &w.nodes[i]
	if n.away == 0 {
		n.up += w.now - n.since
		n.since = w.now
		w.miss(i)
	}
	n.present = false
	w.tally.left++
}

// join brings a member that wasn't there, to friends drawn from those who are.
func (w *world) join(i int32, friends int) {
	n := &w.nodes[i]
	n.present, n.since = true, w.now
	w.greet(i)
	for tries := 0; friends > 0 && tries < 20*friends+20; tries++ {
		j := int32(w.rng.IntN(w.members))
		if j == i || !w.nodes[j].present || w.find(i, w.nodes[j].server) >= 0 {
			continue
		}
		w.friends(i, j)
		friends--
	}
	if s := w.nodes[i].server; s != i {
		w.nodes[s].present = true
		w.greet(s)
		w.begin(s)
	}
	w.begin(i)
	w.record("joined", i, -1, 0, "")
}

// happen does what the scenario planned for now.
func (w *world) happen(e Event) {
	if e.Kind == "set-policy" {
		w.setPolicy(*e.Policy)
		return
	}
	all := w.meant(e)
	if e.Kind == "outage" {
		w.outage(e, all)
		return
	}
	count := e.Count
	if count == 0 {
		count = len(all)
	}
	for ; count > 0 && len(all) > 0; count-- {
		k := w.rng.IntN(len(all))
		i := all[k]
		all = append(all[:k], all[k+1:]...)
		switch e.Kind {
		case "holiday":
			w.travel(i, e.For)
		case "disk-death":
			w.die(w.nodes[i].server, max(e.For, 1))
		case "leave":
			w.leave(i)
		case "join":
			w.join(i, max(1, w.s.Topology.Degree))
		}
	}
}

// meant lists the members that an event may befall, ascending.
func (w *world) meant(e Event) []int32 {
	var all []int32
	for i := range int32(w.members) {
		n := &w.nodes[i]
		if (e.Group == "" || w.group(i).Name == e.Group) && n.present == (e.Kind != "join") && (e.Kind != "join" || n.born == 0) {
			all = append(all, i)
		}
	}
	return all
}

// outage takes providers off the net with all of their members.
func (w *world) outage(e Event, all []int32) {
	var providers []int32
	for _, i := range all {
		if p := w.nodes[i].isp; len(providers) == 0 || providers[len(providers)-1] != p {
			providers = append(providers, p)
		}
	}
	for count := e.Count; len(providers) > 0 && (e.Count == 0 || count > 0); count-- {
		k := w.rng.IntN(len(providers))
		p := providers[k]
		providers = append(providers[:k], providers[k+1:]...)
		hit := int32(0)
		for _, i := range all {
			if w.nodes[i].isp == p {
				w.travel(i, e.For)
				hit++
			}
		}
		w.record("outage", p, -1, 0, "provider, "+itoa(hit)+" members")
	}
}

// setPolicy makes another policy hold from now on.
func (w *world) setPolicy(p Policy) {
	w.policy = defaults(p)
	for l := range w.links {
		if w.links[l].friend {
			w.put(int32(l))
		}
	}
	w.record("set-policy", -1, -1, 0, p.Reciprocity)
}
