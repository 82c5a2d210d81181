package node

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"potluck"
	"potluck/files"
	"potluck/ledger"
	"potluck/shares"
)

const (
	daySeconds = 24 * 60 * 60
	weekDays   = 7
	// defaultAudits slices a day are 462 a week, and 0.99^459 < 0.01: when 1 % of
	// what a host should hold is gone, a week finds it with 99 %.
	defaultAudits     = 66
	defaultAuditBytes = 32 * potluck.MiB
	defaultProofDays  = 14
	// maxUnitCost is what a question takes at most: a unit of the longest share.
	maxUnitCost = shares.Unit + 4*potluck.KiB
	// coverAfter is the age of a placement's last proof from which it is asked for
	// by itself: a week's turn for every share, where that is possible.
	coverAfter = (weekDays - 1) * daySeconds
)

// question is one slice that a host is to be asked for.
type question struct {
	files.Slice
	first int64 // unix seconds: when it was asked first; 0: never
}

// sampler draws the questions of one day from one walk over all placements at a
// host. It draws bytes, not shares: each of its points lies somewhere in the sum of
// all charges, and falls upon one byte of one share, whose unit is asked for.
// Besides, it takes the shares that were not proved for longest. Memory is bounded
// by count.
type sampler struct {
	count  int
	now    int64
	points []potluck.Size // not passed yet, ascending
	passed potluck.Size   // charges so far
	units  int64          // of all shares so far
	drawn  []files.Slice
	old    []aging // ascending by lastGood, at most count
}

// aging is a placement that wasn't proved for long.
type aging struct {
	files.Slice
	lastGood int64
}

// newSampler draws count points in [0, total). below gives a number from 0 to n-1
// that the host can't foresee.
func newSampler(count int, total potluck.Size, now int64, below func(n int64) int64) *sampler {
	s := &sampler{count: count, now: now}
	for range count {
		if total > 0 {
			s.points = append(s.points, potluck.Size(below(int64(total))))
		}
	}
	slices.Sort(s.points)
	return s
}

// add takes the next placement.
func (s *sampler) add(p ledger.Placement) {
	if p.State != ledger.PlacedStable {
		return
	}
	at := files.Slice{Host: p.Host, Share: p.Share, Layout: p.Layout, Root: p.Root}
	data := shares.DataLen(p.Layout)
	s.units += shares.Units(data)
	for len(s.points) > 0 && s.points[0] < s.passed+p.Charge {
		into := s.points[0] - s.passed
		s.drawn = append(s.drawn, at.Unit(int64(scale(into, data, p.Charge)/shares.Unit)))
		s.points = s.points[1:]
	}
	s.passed += p.Charge
	if s.now-p.LastGood >= coverAfter {
		s.cover(aging{at, p.LastGood})
	}
}

// scale is floor(into × data ÷ charge), for into < charge: which byte of a share's
// data a point falls upon.
func scale(into, data, charge potluck.Size) potluck.Size {
	hi, lo := bits.Mul64(uint64(into), uint64(data))
	q, _ := bits.Div64(hi, lo, uint64(charge)) // below data
	return potluck.Size(q)
}

// cover keeps the oldest.
func (s *sampler) cover(a aging) {
	i, _ := slices.BinarySearchFunc(s.old, a, func(x, y aging) int { return cmp.Compare(x.lastGood, y.lastGood) })
	if i >= s.count {
		return
	}
	s.old = slices.Insert(s.old, i, a)
	s.old = s.old[:min(len(s.old), s.count)]
}

// plan gives the day's questions in a random order: of a small holding no more
// points than it has units.
func (s *sampler) plan(below func(n int64) int64) []question {
	shuffle(s.drawn, below)
	drawn := s.drawn[:min(int64(len(s.drawn)), s.units)]
	all := make([]question, 0, len(drawn)+len(s.old))
	for _, d := range drawn {
		all = append(all, question{Slice: d})
	}
	for _, a := range s.old {
		all = append(all, question{Slice: a.Unit(below(shares.Units(shares.DataLen(a.Layout))))})
	}
	shuffle(all, below)
	return all
}

func shuffle[T any](list []T, below func(n int64) int64) {
	for i := len(list) - 1; i > 0; i-- {
		j := below(int64(i) + 1)
		list[i], list[j] = list[j], list[i]
	}
}

// course is where the audits of one host stand.
type course struct {
	paid  int64        // unix seconds until which it was asked what it should be
	day   int64        // of the plan
	plan  []question   // of the day, not asked yet
	daily int          // questions that the plan had
	open  []question   // asked and not answered, oldest first
	spent potluck.Size // moved on that day

	// Under the audit's lock: of the newest plan.
	asks  int64
	moves potluck.Size
}

const (
	maxQuestions = 66             // in one turn at one host: what is said of all that failed fits into one operation of the books
	maxOpen      = 256            // beyond that a host is asked nothing new
	openFor      = 7 * daySeconds // a question that a host leaves open for so long while it answers others has failed
)

// maxBacklog is for how long questions add up while a host is away: what a week
// asks is asked of one that comes once a week.
const maxBacklog = weekDays * daySeconds

// due tells how many questions of the plan are to be asked at now, with daily a
// day: as many as time has passed, spread evenly.
func (c *course) due(now int64) int64 {
	if now < c.paid { // the clock was set back
		c.paid = now
	}
	c.paid = max(c.paid, now-maxBacklog)
	return (now - c.paid) * int64(c.daily) / daySeconds
}

// pay notes that so many were asked, and keeps the rest of the time.
func (c *course) pay(asked int64, now int64) {
	if c.daily == 0 {
		c.paid = now
		return
	}
	c.paid = min(now, c.paid+(asked*daySeconds+int64(c.daily)-1)/int64(c.daily))
}

// take takes what is to be asked in this turn: the open questions, oldest last, and
// then those of the plan that are due, within the day's bytes. A host whose proof
// lapsed is asked at least once. Of a share with an open question nothing else is
// asked: the host has to answer that one, and may meanwhile answer for others.
func (c *course) take(now int64, lapsed bool, most potluck.Size) []question {
	list := slices.Clone(c.open[:min(len(c.open), maxQuestions-auditSilence)])
	slices.Reverse(list)
	due := min(c.due(now), int64(len(c.plan)), int64(maxQuestions-len(list)))
	if lapsed && len(c.open) == 0 {
		due = max(due, min(1, int64(len(c.plan))))
	}
	if len(c.open) > maxOpen {
		due = 0
	}
	silent := make(map[potluck.ShareID]bool, len(c.open))
	for _, q := range c.open {
		silent[q.Share] = true
	}
	c.open = c.open[len(list):]
	for due > 0 && len(c.plan) > 0 && c.spent < most {
		q := c.plan[0]
		c.plan = c.plan[1:]
		if silent[q.Share] {
			continue
		}
		c.spent += q.Cost()
		list = append(list, q)
		due--
	}
	return list
}

// answer is a question and what became of it.
type answer struct {
	question
	asked bool
	err   error
}

// settle sorts answers: good, failed, open. What wasn't asked goes back. A
// question that was open for long has failed if others were answered now: a host
// may be slow, but not with the same one always. One open question of a share is
// enough.
func (c *course) settle(answers []answer, now int64) (found ledger.Audit) {
	talks := slices.ContainsFunc(answers, func(a answer) bool { return a.asked && a.err == nil })
	var asked int64
	var open, back []question
	for _, a := range answers {
		q, known := a.question, a.first > 0
		if !known && a.asked {
			asked++
			q.first = now
		}
		switch {
		case !a.asked && !known:
			back = append(back, q)
		case !a.asked:
			open = append(open, q)
		case a.err == nil:
			found.Good = append(found.Good, q.Share)
			found.Bytes += q.Cost()
		case files.Missing(a.err):
			found.Failed = append(found.Failed, q.failure(a.err, now))
		case talks && now-q.first >= openFor:
			err := fmt.Errorf("gave no answer for %d days, though it answered others: %w", (now-q.first)/daySeconds, a.err)
			found.Failed = append(found.Failed, q.failure(err, now))
		default:
			open = append(open, q)
		}
	}
	c.pay(asked, now)
	c.plan = append(back, c.plan...)
	c.open = append(c.open, open...)
	slices.SortStableFunc(c.open, func(x, y question) int { return cmp.Compare(x.first, y.first) })
	kept := make(map[potluck.ShareID]bool, len(c.open))
	c.open = slices.DeleteFunc(c.open, func(q question) bool {
		again := kept[q.Share]
		kept[q.Share] = true
		return again
	})
	found.Proven = now
	if len(c.open) > 0 {
		found.Proven = c.open[0].first
	}
	return found
}

// asking says what was asked of a host, and how it failed. The bytes that came
// are none: nobody else could tell who sent them.
type asking struct {
	Share  potluck.ShareID `json:"share"`
	Layout potluck.Layout  `json:"layout"`
	Root   potluck.Digest  `json:"root"`
	Offset potluck.Size    `json:"offset"`
	Length potluck.Size    `json:"length"`
	First  int64           `json:"asked_first"`
	Last   int64           `json:"asked_last"`
	Answer string          `json:"answer"`
}

// maxAnswer bounds the text of an answer in an event.
const maxAnswer = 100 // characters

func (q question) failure(err error, now int64) ledger.AuditFailure {
	text := cutText(strings.ToValidUTF8(err.Error(), ""), maxAnswer)
	e := asking{q.Share, q.Layout, q.Root, q.Offset, q.Length, q.first, now, text}
	b, _ := json.Marshal(e) // has nothing that can't be written as JSON
	return ledger.AuditFailure{Share: q.Share, Root: q.Root, Reason: "audit: " + text, Evidence: b}
}
