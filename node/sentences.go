package node

import (
	"fmt"
	"strings"
	"time"

	"potluck"
)

// Sentences say in one line what the figures of a view mean. They are made from
// the view alone, so that what is said can be checked against what is shown.

// serving is all that a sentence about one peer needs.
type serving struct {
	Name           string
	Friend, Denied bool
	Household      bool // of this node's own
	Step           string
	ServeView
}

// reason says why this node serves a peer.
func (s serving) reason() string {
	switch {
	case s.Denied:
		return s.Name + " is denied: nothing new is taken, what is held stays and can be read"
	case !s.Friend && !s.Sponsored && s.Held+s.Reserved > 0:
		return s.Name + " is no friend any more: nothing new is taken, what is held stays until it is evicted"
	case !s.Friend && !s.Sponsored:
		return s.Name + " is no friend, and no friend points credit to it: nothing is taken from it"
	}
	what := "a friend"
	switch {
	case s.Household:
		what = "of your household"
	case !s.Friend:
		what = "no friend"
	}
	why := s.sources()
	if len(why) == 0 && s.Friend {
		return s.Name + " is a friend without any terms: nothing is taken from it"
	}
	text := s.Name + " is " + what + " and may use " + listing(why)
	if !s.Friend {
		text = s.Name + " is no friend, but may use " + listing(why)
	}
	if len(s.Out) > 0 {
		text += "; it points credit to " + listing(parties(s.Out))
	}
	if s.Short > 0 {
		text += fmt.Sprintf("; %v of what it has here isn't covered", s.Short)
	}
	if s.Step != "" && s.Step != "good" {
		text += "; its standing is " + s.Step
	}
	return text
}

// sources lists what pays for a peer, each with its figure.
func (s serving) sources() []string {
	var why []string
	add := func(size potluck.Size, text string) {
		if size > 0 {
			why = append(why, amount(size)+" "+text)
		}
	}
	add(s.Gift, "as a gift")
	add(s.Opening, "as an opening")
	add(s.Paid, "paid until "+day(s.PaidUntil))
	for _, e := range s.EarnedFor {
		if s.RatioPPM > 0 {
			add(e.Bytes, "that it holds for "+e.Name+times(s.RatioPPM))
		}
	}
	for _, in := range s.In {
		if in.Frozen {
			add(in.Bytes, "that "+in.Name+" points to it no longer, as long as it uses them")
			continue
		}
		if in.Capacity == 0 {
			why = append(why, "what "+in.Name+" points to it, which is nothing now")
		}
		add(in.Capacity, "that "+in.Name+" points to it")
	}
	return why
}

// served says why another node serves this one, in that node's figures.
func (c CreditAt) served() string {
	if !c.Known {
		return fmt.Sprintf("what %s gives you isn't known: it hasn't told yet", c.Name)
	}
	var why []string
	add := func(size potluck.Size, text string) {
		if size > 0 {
			why = append(why, amount(size)+" "+text)
		}
	}
	add(c.Terms.Gift, "as a gift")
	add(c.Terms.Opening, "as an opening")
	if c.AsOf < c.Terms.PaidUntil {
		add(c.Terms.Paid, "paid until "+day(c.Terms.PaidUntil))
	}
	if c.Terms.RatioPPM > 0 {
		add(c.Earned, "that you hold for it or for those it works for"+times(c.Terms.RatioPPM))
	}
	for _, s := range c.Sponsors {
		add(s.Limit, "that "+s.Name+" points to you")
	}
	text := c.Name + " lets you use " + listing(why)
	switch {
	case c.Refusal != nil && c.Refusal.Code == potluck.CodeNotAFriend:
		text = c.Name + " takes nothing from you: " + yourNo[c.Refusal.Code]
	case len(why) == 0:
		text = c.Name + " has no reason to take anything from you"
	}
	if used := c.Held + c.Reserved; used > 0 || c.Free > 0 {
		text += fmt.Sprintf("; %v used, %s free", used, amount(c.Free))
	}
	if c.Short > 0 {
		text += fmt.Sprintf(", %v not covered", c.Short)
	}
	if c.Step != "" && c.Step != "good" {
		text += "; your standing there is " + c.Step
	}
	if !c.Connected {
		text += " (as of " + moment(c.AsOf) + ")"
	}
	return text
}

// plenty is what is as good as without end: a household's gift (CREDIT.md
// section 4) is the greatest size, and a pointer may give a part of it.
const plenty = 1024 * potluck.TiB

// amount gives a size, or a word for one without end.
func amount(s potluck.Size) string {
	if s >= plenty {
		return "any amount"
	}
	return s.String()
}

func times(ppm int64) string {
	if ppm == 1_000_000 {
		return ""
	}
	return fmt.Sprintf(", times %g", float64(ppm)/1e6)
}

// listing joins clauses; none is "nothing".
func listing(all []string) string {
	if len(all) == 0 {
		return "nothing"
	}
	last := len(all) - 1
	return strings.Join(append([]string{strings.Join(all[:max(last, 1)], ", ")}, all[max(last, 1):]...), " and ")
}

func parties(flows []FlowView) []string {
	var all []string
	for _, f := range flows {
		all = append(all, f.Name)
	}
	return all
}

func day(unix int64) string { return time.Unix(unix, 0).UTC().Format("2006-01-02") }

func moment(unix int64) string { return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04 UTC") }
