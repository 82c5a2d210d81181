package node

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/files"
	"potluck/ledger"
	"potluck/ledger/credit"
)

// Standing tells where a peer stands here, and this node there.
func (n *Node) Standing(ctx context.Context, a ledger.Account) (StandingView, error) {
	n.askAll(ctx, []ledger.Account{a})
	a, err := n.book.Account(ctx, a.Peer)
	if err != nil {
		return StandingView{}, n.checked(err)
	}
	ns := namesOf([]ledger.Account{a}, n.self)
	v := StandingView{Party: ns.party(a.Peer), AsOf: n.config.Clock().Unix()}
	v.Mine = n.standing(a, v.Name)
	v.Theirs = n.heard.standing(a.Peer, v.Name)
	return v, nil
}

// standing shows an account's standing here.
func (n *Node) standing(a ledger.Account, name string) StandingSide {
	s := a.Standing
	v := StandingSide{Known: true, AsOf: n.config.Clock().Unix(), Step: s.Step.String(), Since: s.Since, Breach: s.Breach,
		Short: s.Short, GoodwillPPM: s.GoodwillPPM, Service: s.Service, ToldAt: s.ToldAt, Pinned: s.Pinned, Word: s.Word, Reason: s.Reason.String()}
	if v.GoodwillPPM == 0 {
		v.GoodwillPPM = credit.Goodwill(s.Service)
	}
	if s.ToldAt > 0 {
		v.Told = s.Told.String()
	}
	if next, at := s.Next(n.policy()); at > 0 {
		v.Next, v.NextAt = next.String(), at
	}
	v.Sentence = v.sentence(name+"'s standing here", effects[s.Step])
	if !told(s) {
		v.Sentence += "; it wasn't told yet, and climbs no further before it is"
	}
	if s.Step == credit.StepFrozen && s.Breach != 0 && v.NextAt == 0 && !s.Pinned {
		v.Sentence += "; the next steps need the operator's word"
	}
	return v
}

// effects say what each step means.
var effects = [...]string{
	credit.StepGood:     "all service",
	credit.StepReminded: "all service goes on",
	credit.StepSlowed:   fmt.Sprintf("new bytes at most %v a day", credit.SlowedPerDay),
	credit.StepFrozen:   "no new bytes; what is held stays and can be read",
	credit.StepNotice:   "no new bytes; what isn't covered will go",
	credit.StepEvicting: "of what isn't covered a little goes each day",
}

func (v StandingSide) sentence(whose, effect string) string {
	text := fmt.Sprintf("%s is %s: %s", whose, v.Step, effect)
	if v.Pinned {
		text += ", set by hand"
	}
	if v.Short > 0 {
		text += fmt.Sprintf("; %v isn't covered", v.Short)
	}
	if v.NextAt > 0 {
		text += fmt.Sprintf("; %s from %s on, if nothing changes", v.Next, day(v.NextAt))
	}
	return text
}

// standing is where this node stands at another one, as it said last.
func (h *heard) standing(p peer.ID, name string) StandingSide {
	s := h.of(p)
	at := max(s.at, s.noticed)
	if at == 0 {
		return StandingSide{Sentence: "your standing at " + name + " is unknown: it hasn't told yet"}
	}
	x := s.account
	v := StandingSide{Known: true, AsOf: at, Step: credit.Step(x.Step).String(), Since: x.Since, Short: x.Short, Reason: s.reason}
	if x.NextAt > 0 {
		v.Next, v.NextAt = credit.Step(x.NextStep).String(), x.NextAt
	}
	v.Sentence = v.sentence("your standing at "+name, effects[x.Step])
	return v
}

// Pardon sets a peer's standing to good and forgets its breach. One that goes on
// begins anew.
func (n *Node) Pardon(ctx context.Context, a ledger.Account) (StandingView, error) {
	return n.decide(ctx, a, "pardoned by the operator", func(s *credit.Standing, now int64) error {
		*s = credit.Standing{Since: now, Service: s.Service, Told: s.Told, ToldAt: s.ToldAt}
		return nil
	})
}

// SetStanding pins a step, unpins it, or gives the operator's word for the last
// two steps.
func (n *Node) SetStanding(ctx context.Context, a ledger.Account, c StandingChange) (StandingView, error) {
	if c.Pin == nil && !c.Unpin && !c.Word {
		return StandingView{}, usagef("nothing is to be changed")
	}
	if c.Pin != nil && c.Unpin {
		return StandingView{}, usagef("a step is pinned or unpinned, not both")
	}
	return n.decide(ctx, a, "set by the operator", func(s *credit.Standing, now int64) error {
		if c.Pin != nil {
			step, err := credit.ParseStep(*c.Pin)
			if err != nil {
				return &files.UsageError{Text: err.Error()}
			}
			if s.Step != step {
				s.Since = now
			}
			s.Step, s.Pinned = step, true
		}
		if c.Unpin {
			s.Pinned = false
		}
		if c.Word {
			if s.Breach == 0 {
				return usagef("%s broke no duty, so there is nothing to give the word for", a.Name)
			}
			s.Word = true
		}
		return nil
	})
}

// decide changes a standing by hand and tells the peer.
func (n *Node) decide(ctx context.Context, a ledger.Account, reason string, change func(*credit.Standing, int64) error) (StandingView, error) {
	if err := n.judge.decide(ctx, a.Peer, reason, change); err != nil {
		return StandingView{}, err
	}
	n.judge.tell(ctx, a.Peer)
	return n.Standing(ctx, a)
}

func (j *judge) decide(ctx context.Context, p peer.ID, reason string, change func(*credit.Standing, int64) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	a, err := j.n.book.Account(ctx, p)
	if err != nil {
		return j.n.checked(err)
	}
	s := a.Standing
	if err := change(&s, j.n.config.Clock().Unix()); err != nil {
		return err
	}
	return j.save(ctx, p, s, reason, credit.Facts{Short: s.Short})
}
