package credit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"potluck"
)

// Bounds of a file for Eval.
const (
	MaxFile      = 16 << 20
	MaxFilePeers = 100_000
	MaxFileArcs  = 1_000_000
	maxFileSize  = 1 << 62 // of any amount in it
	maxRatioPPM  = 1_000_000_000
)

var (
	caseKeys = []string{"peers", "ask", "host", "max_hops", "now", "arcs"}
	peerKeys = []string{"id", "friend", "denied", "ratio_ppm", "earned", "gift", "opening", "held", "reserved"}
	arcKeys  = []string{"from", "to", "limit", "share_ppm", "frozen", "order"}
	askKeys  = []string{"peer", "bytes"}
)

// question is a file that was read and checked.
type question struct {
	hops  int
	peers []Peer
	arcs  []Arc
	ask   struct {
		peer  ID
		bytes potluck.Size
	}
}

// Eval decides a case given as a file (docs/spec/credit-eval.md) and gives the
// decision as one line of JSON. What is wrong with a file is a *FieldError. Equal
// files give equal bytes.
func Eval(file []byte) ([]byte, error) {
	if len(file) > MaxFile {
		return nil, &FieldError{Reason: "is larger than 16 MiB"}
	}
	if !utf8.Valid(file) {
		return nil, &FieldError{Reason: "is not UTF-8"}
	}
	r := &reader{text: file}
	q := r.question()
	if r.err == nil && r.peek() != 0 || r.err == nil && r.at < len(file) {
		r.fail("goes on after its end, at byte %d", r.at)
	}
	if r.err == nil {
		r.known(q)
	}
	if r.err != nil {
		return nil, r.err
	}
	return q.answer(), nil
}

// answer decides by the code that the ledger uses.
func (q *question) answer() []byte {
	b := New(q.hops)
	b.top = amount{lo: maxFileSize}
	for _, p := range q.peers {
		b.Put(p)
	}
	arcs := slices.Clone(q.arcs)
	slices.SortStableFunc(arcs, func(x, y Arc) int { return cmp.Compare(x.From, y.From) })
	for len(arcs) > 0 {
		n := 1
		for n < len(arcs) && arcs[n].From == arcs[0].From {
			n++
		}
		b.SetArcs(arcs[0].From, arcs[:n])
		arcs = arcs[n:]
	}
	n, asked := b.peers[q.ask.peer], amountOf(q.ask.bytes)
	v := b.decide(n, nil, asked, endless)
	var funds []fund
	if v.code == "" {
		funds = b.fundAsk(n, asked)
	}
	return v.appendJSON(funds)
}

// appendJSON writes a verdict: accepted, code, free, short, funding, cure.
func (v *verdict) appendJSON(funds []fund) []byte {
	out := []byte(`{"accepted":false,"code":"`)
	if v.code == "" {
		out = []byte(`{"accepted":true,"code":"`)
	}
	out = append(append(out, v.code...), `","free":`...)
	out = append(v.free.appendTo(out), `,"short":`...)
	out = append(v.short.appendTo(out), `,"funding":[`...)
	for i, f := range funds {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `{"via":[`...)
		for j, id := range f.via {
			if j > 0 {
				out = append(out, ',')
			}
			out = append(out, quoted(id)...)
		}
		out = append(f.bytes.appendTo(append(out, `],"bytes":`...)), '}')
	}
	out = append(out, `],"cure":[`...)
	for i, c := range v.cures {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, `{"kind":"`...), c.kind...), '"')
		if !c.bytes.isZero() {
			out = c.bytes.appendTo(append(out, `,"bytes":`...))
		}
		out = append(out, '}')
	}
	return append(out, "]}"...)
}

// quoted is a peer ID as JSON; <, > and & stay as they are.
func quoted(id ID) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(string(id)); err != nil {
		panic(err) // a string and a buffer can't fail
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (r *reader) question() *question {
	q := &question{hops: DefaultHops}
	given := r.object(caseKeys, func(key string) {
		switch key {
		case "host":
			r.str()
		case "now":
			if _, err := time.Parse(time.RFC3339, r.str()); err != nil {
				r.fail("must be a time like 2026-11-23T00:00:00Z")
			}
		case "max_hops":
			q.hops = int(r.integer(math.MaxInt32))
		case "peers":
			r.array(MaxFilePeers, func(int) { q.peers = append(q.peers, r.peer()) })
		case "arcs":
			r.array(MaxFileArcs, func(int) { q.arcs = append(q.arcs, r.arc()) })
		case "ask":
			given := r.object(askKeys, func(key string) {
				if key == "peer" {
					q.ask.peer = ID(r.str())
				} else {
					q.ask.bytes = r.size()
				}
			})
			r.require(askKeys, 2, given)
		}
	})
	r.require(caseKeys, 2, given)
	return q
}

func (r *reader) size() potluck.Size { return potluck.Size(r.integer(maxFileSize)) }

func (r *reader) peer() Peer {
	p := Peer{RatioPPM: million}
	given := r.object(peerKeys, func(key string) {
		switch key {
		case "id":
			p.ID = ID(r.str())
		case "friend":
			p.Friend = r.boolean()
		case "denied":
			p.Denied = r.boolean()
		case "ratio_ppm":
			p.RatioPPM = r.integer(maxRatioPPM)
		case "earned":
			p.Earned = r.size()
		case "gift":
			p.Gift = r.size()
		case "opening":
			p.Opening = r.size()
		case "held":
			p.Held = r.size()
		case "reserved":
			p.Reserved = r.size()
		}
	})
	r.require(peerKeys, 1, given)
	return p
}

func (r *reader) arc() Arc {
	a := Arc{Limit: NoLimit, SharePPM: NoShare}
	given := r.object(arcKeys, func(key string) {
		switch key {
		case "from":
			a.From = ID(r.str())
		case "to":
			a.To = ID(r.str())
		case "limit":
			a.Limit = r.size()
		case "share_ppm":
			a.SharePPM = r.integer(million)
		case "frozen":
			a.Frozen = r.boolean()
		case "order":
			a.Order = r.integer(maxFileSize)
		}
	})
	r.require(arcKeys, 2, given)
	if a.Limit == NoLimit && (a.SharePPM == NoShare || a.Frozen) {
		r.failAt("limit", "is missing: nothing else bounds this arc")
	}
	return a
}

// known checks that peers are named once, and that arcs and the ask name peers.
func (r *reader) known(q *question) {
	ids := make(map[ID]struct{}, len(q.peers))
	at := func(list string, i int, field string, id ID, reason string) {
		r.path = []step{{list, -1}, {"", i}}
		r.failAt(field, "%q "+reason, clip(string(id)))
	}
	for i, p := range q.peers {
		if _, twice := ids[p.ID]; twice {
			at("peers", i, "id", p.ID, "is given twice")
			return
		}
		ids[p.ID] = struct{}{}
	}
	for i, a := range q.arcs {
		_, from := ids[a.From]
		_, to := ids[a.To]
		switch {
		case !from:
			at("arcs", i, "from", a.From, "is none of the peers")
		case !to:
			at("arcs", i, "to", a.To, "is none of the peers")
		case a.From == a.To:
			at("arcs", i, "to", a.To, "is the peer that the arc comes from")
		}
	}
	if _, ok := ids[q.ask.peer]; !ok {
		r.path = []step{{"ask", -1}}
		r.failAt("peer", "%q is none of the peers", clip(string(q.ask.peer)))
	}
}
