package node

import (
	"fmt"

	"potluck"
)

// CrawlReport is what one pass over the store and the books found, and mended.
type CrawlReport struct {
	Began    int64        `json:"began"`     // unix seconds
	Ended    int64        `json:"ended"`     // 0: it isn't through
	Shares   int64        `json:"shares"`    // compared: in the store, in the books, or in both
	Stored   potluck.Size `json:"stored"`    // bytes on the disk of those that are right
	Lost     int64        `json:"lost"`      // rows without bytes; their owners are told
	Corrupt  int64        `json:"corrupt"`   // rows whose bytes changed; their owners are told
	Adopted  int64        `json:"adopted"`   // bytes without a row, that got one
	SetAside int64        `json:"set_aside"` // what was no share and had no row
	Returned int64        `json:"returned"`  // lost or corrupt before, and whole again
	Unknown  int64        `json:"unknown"`   // couldn't be looked at
	Read     int64        `json:"read"`      // shares whose bytes were read from end to end
	ReadSize potluck.Size `json:"read_size"` // their bytes on the disk
	Findings []string     `json:"findings"`  // one sentence each, at most 1,000
}

// find counts one finding, and names it while there is room.
func (r *CrawlReport) find(count *int64, id potluck.ShareID, format string, args ...any) {
	*count++
	if len(r.Findings) < maxProblems {
		r.Findings = append(r.Findings, fmt.Sprintf("share %v: ", id)+fmt.Sprintf(format, args...))
	}
}

// faults is how many shares weren't as they should be.
func (r CrawlReport) faults() int64 {
	return r.Lost + r.Corrupt + r.Adopted + r.SetAside + r.Returned + r.Unknown
}

// plus adds what a further slice found.
func (r CrawlReport) plus(s CrawlReport) CrawlReport {
	for _, f := range []struct {
		to   *int64
		more int64
	}{
		{&r.Shares, s.Shares}, {&r.Lost, s.Lost}, {&r.Corrupt, s.Corrupt}, {&r.Adopted, s.Adopted},
		{&r.SetAside, s.SetAside}, {&r.Returned, s.Returned}, {&r.Unknown, s.Unknown}, {&r.Read, s.Read},
	} {
		*f.to += f.more
	}
	r.Stored += s.Stored
	r.ReadSize += s.ReadSize
	room := maxProblems - len(r.Findings)
	r.Findings = append(r.Findings[:len(r.Findings):len(r.Findings)], s.Findings[:min(room, len(s.Findings))]...)
	return r
}

// PassView is where a loop over all shares is.
type PassView struct {
	Done  int64   `json:"done"`  // unix seconds: when the last whole pass ended; 0: never
	Began int64   `json:"began"` // when the pass that is under way began; 0: none is
	Share float64 `json:"share"` // how much of it is done, 0 to 1
	Every int64   `json:"every"` // seconds between two passes; 0: none is made by itself
}

func (p passage) view(every int64) PassView {
	return PassView{Done: p.done, Began: p.began, Share: p.share(), Every: every}
}

// passes tells where crawl and scrub are.
func (n *Node) passes() (crawl, scrub PassView) {
	every := int64(0)
	if n.wish().CrawlShare > 0 {
		every = int64(crawlEvery.Seconds())
	}
	at, _ := n.crawl.where()
	return at.view(every), n.scrub.view()
}
