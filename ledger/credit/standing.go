package credit

import (
	"fmt"
	"time"

	"potluck"
)

// Step is a step of the ladder of sanctions (CREDIT.md, section 6).
type Step uint8

// The ladder. Reads of what is held go on at every step.
const (
	StepGood     Step = iota // all service
	StepReminded             // told, with the numbers
	StepSlowed               // new bytes at most SlowedPerDay
	StepFrozen               // no new bytes
	StepNotice               // a dated eviction notice
	StepEvicting             // the unfunded excess goes, a little each day
)

var stepNames = [...]string{"good", "reminded", "slowed", "frozen", "notice", "evicting"}

// String gives the step's one word.
func (s Step) String() string {
	if int(s) < len(stepNames) {
		return stepNames[s]
	}
	return fmt.Sprintf("step(%d)", uint8(s))
}

// ParseStep reads the step's one word.
func ParseStep(text string) (Step, error) {
	for i, name := range stepNames {
		if name == text {
			return Step(i), nil
		}
	}
	return 0, fmt.Errorf("step %q is none of good, reminded, slowed, frozen, notice, evicting", text)
}

const (
	// SlowedPerDay is what an account that is slowed may add in 24 hours.
	SlowedPerDay = 64 * potluck.MiB

	day         = 24 * 60 * 60
	month       = 30 * day
	goodMonths  = 24      // of service until goodwill is at its greatest
	monthlyGood = 125_000 // ppm of goodwill a month: 3 million over goodMonths
)

// Standing is where an account stands on the ladder. Times are unix seconds; 0
// is never.
type Standing struct {
	Step        Step
	Since       int64        // when it came to this step
	Breach      int64        // when the broken duty was first seen; 0: none is broken
	Short       potluck.Size // the shortfall at the last evaluation
	GoodwillPPM int64        // what the delays are multiplied by, fixed when the breach began
	Service     int64        // seconds of honest holding so far
	Told        Step         // the step that the peer was told of last
	ToldAt      int64
	Pinned      bool   // the operator set the step by hand: it stays
	Word        bool   // the operator's word that notice and evicting may come
	Reason      Reason // which duty is broken
	Evicted     int64  // when a day's part of the excess was dropped last
}

// Facts is what an evaluation is told.
type Facts struct {
	Short        potluck.Size // the unfunded part of the account
	AbsentSince  int64        // unix seconds; 0: present
	FailedAudits int          // in the window
	Holding      bool         // the peer holds bytes for us, as it should
	Elapsed      int64        // seconds since the last evaluation
}

// Policy is how long a breach may last before each step, before goodwill.
type Policy struct {
	Slowed, Frozen, Notice, Evicting time.Duration
	OfflineGrace                     time.Duration // absence that breaks no duty
	EvictAuto                        bool          // notice and evicting need no word
}

// DefaultPolicy gives the defaults of CREDIT.md, section 6.
func DefaultPolicy() Policy {
	const d = 24 * time.Hour
	return Policy{Slowed: 3 * d, Frozen: 7 * d, Notice: 14 * d, Evicting: 30 * d, OfflineGrace: 30 * d}
}

// Goodwill is by what delays are multiplied after so many seconds of honest
// service, in ppm: 1 to 4 over 24 months of 30 days.
func Goodwill(service int64) int64 {
	return million + monthlyGood*min(max(0, service)/month, goodMonths)
}

// Evaluate gives the standing after one look. It goes at most one step up, and
// only when the peer was told of the step before and the delay since the breach
// is over; a cured breach is good at once. changed tells whether the step
// changed, which is an event and is to be told to the peer; the other fields
// (Service, Short, Reason) may move without it.
func Evaluate(s Standing, f Facts, p Policy, now int64) (next Standing, changed bool) {
	next = s
	reason := breach(s, f, p, now)
	if reason == (Reason{}) && f.Holding {
		next.Service += max(0, f.Elapsed)
	}
	if s.Pinned {
		return next, false
	}
	next.Short, next.Reason = f.Short, reason
	switch {
	case reason == (Reason{}):
		next.Breach, next.GoodwillPPM, next.Word, next.Evicted = 0, 0, false, 0
		next.Step = StepGood
	case s.Breach == 0 || s.Step == StepGood:
		next.Breach, next.GoodwillPPM = now, Goodwill(s.Service)
		next.Step = StepReminded
	case s.Step > StepFrozen && !s.Word && !p.EvictAuto:
		next.Step = StepFrozen
	default:
		if step, at := next.Next(p); at != 0 && now >= at && s.Told == s.Step && s.ToldAt >= s.Since {
			next.Step = step
		}
	}
	if next.Step == s.Step {
		return next, false
	}
	next.Since = now
	return next, true
}

// Next gives the step that comes if nothing is cured, and when at the earliest;
// the time is 0 when no further step comes by itself.
func (s Standing) Next(p Policy) (Step, int64) {
	if s.Pinned || s.Breach == 0 || s.Step >= StepEvicting || s.Step == StepFrozen && !s.Word && !p.EvictAuto {
		return s.Step, 0
	}
	delays := [...]time.Duration{0, 0, p.Slowed, p.Frozen, p.Notice, p.Evicting}
	seconds := int64(delays[s.Step+1] / time.Second)
	return s.Step + 1, s.Breach + stretch(seconds, s.GoodwillPPM)
}

// stretch multiplies seconds by goodwill.
func stretch(seconds, ppm int64) int64 {
	// In two parts: a delay of 292 years times 4 million ppm leaves 63 bits otherwise.
	return seconds*(ppm/million) + seconds*(ppm%million)/million
}

// breach tells which duty is broken. Long service may be followed by a longer
// absence.
func breach(s Standing, f Facts, p Policy, now int64) Reason {
	switch {
	case f.Short > 0:
		return Reason{duty: unfunded, count: int64(f.Short)}
	case f.FailedAudits > 0:
		return Reason{duty: unproven, count: int64(f.FailedAudits)}
	case f.AbsentSince > 0 && now-f.AbsentSince > stretch(int64(p.OfflineGrace/time.Second), Goodwill(s.Service)):
		return Reason{duty: missing, count: (now - f.AbsentSince) / day}
	}
	return Reason{}
}

// DailyEviction is the most that one day of evicting drops: 1 % of what is held,
// of the shortfall only. Whoever drops whole shares may drop one at least.
func DailyEviction(held, short potluck.Size) potluck.Size {
	return max(0, min(short, max(1, held/100)))
}
