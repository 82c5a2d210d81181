package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/internal/lifecycle"
	"potluck/ledger"
	"potluck/ledger/credit"
	"potluck/p2p"
)

// judge evaluates the standing of accounts (CREDIT.md section 6), tells them,
// and at the last step drops a little of what isn't covered each day.
type judge struct {
	n     *Node
	cycle *lifecycle.Cycle

	mu    sync.Mutex        // held while a standing is read and written
	saved map[peer.ID]int64 // when service was written last, in this life
}

const (
	judgeEvery = time.Hour
	judgeSave  = 24 * 60 * 60 // seconds after which service alone is written
	evictEvery = 24 * 60 * 60
	deafAfter  = 24 * 60 * 60 // seconds after which a notice that a connected peer doesn't take counts as told
)

func newJudge(n *Node) *judge {
	j := &judge{n: n, saved: make(map[peer.ID]int64)}
	j.cycle = lifecycle.NewCycle(j.turn)
	return j
}

// policy is how fast standing climbs here.
func (n *Node) policy() credit.Policy {
	p := credit.DefaultPolicy()
	p.EvictAuto = n.wish().Evict
	return p
}

// turn evaluates every account once.
func (j *judge) turn(ctx context.Context) time.Duration {
	if j.n.writable() != nil { // what an older copy thinks of others is of the past
		return judgeEvery
	}
	if err := j.all(ctx); err != nil {
		j.n.tend.complain("evaluate standings", err)
	}
	return judgeEvery
}

func (j *judge) all(ctx context.Context) error {
	if err := j.n.book.Refresh(ctx); err != nil {
		return err
	}
	short := make(map[peer.ID]potluck.Size)
	list, err := j.n.book.Shortfalls(ctx)
	if err != nil {
		return err
	}
	for _, s := range list {
		short[peer.ID(s.ID)] = s.Bytes
	}
	accounts, err := j.n.book.Accounts(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, a := range accounts {
		if a.Peer == ledger.Anonymous {
			continue // nobody is there to stand anywhere
		}
		if err := j.one(ctx, a.Peer, short[a.Peer]); err != nil {
			failed = errors.Join(failed, err)
		}
		j.tell(ctx, a.Peer)
	}
	return failed
}

// one evaluates one account, and does what its step asks for.
func (j *judge) one(ctx context.Context, p peer.ID, short potluck.Size) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	a, err := j.n.book.Account(ctx, p)
	if err != nil {
		return err
	}
	u, err := j.n.book.Usage(ctx, p)
	if err != nil {
		return err
	}
	now := j.n.config.Clock().Unix()
	facts, err := j.facts(ctx, a, u, now)
	if err != nil {
		return err
	}
	facts.Short = short
	if u.Held == 0 && u.Reserved == 0 && u.Earned == 0 && facts.FailedAudits == 0 && a.Standing == (credit.Standing{}) {
		return nil
	}
	if last, ok := j.saved[p]; ok {
		facts.Elapsed = now - last
	} else {
		j.saved[p] = now
	}
	next, changed := credit.Evaluate(a.Standing, facts, j.n.policy(), now)
	if changed || next.Breach != a.Standing.Breach || next.Short != a.Standing.Short || facts.Elapsed >= judgeSave {
		if err := j.save(ctx, p, next, verdict(a.Standing, next), facts); err != nil {
			return err
		}
		j.saved[p] = now
	} else {
		next = a.Standing
	}
	return j.evict(ctx, p, next, u)
}

// facts is what is known of an account but for its shortfall. Who has something to
// keep for this node is absent for as many windows as this node looked for it;
// while this node was down or offline itself, it wasn't.
func (j *judge) facts(ctx context.Context, a ledger.Account, u ledger.Usage, now int64) (f credit.Facts, err error) {
	if f.FailedAudits, err = j.n.failures(ctx, a.Peer); err != nil {
		return f, err
	}
	f.Holding = u.Earned > 0
	if !f.Holding || j.n.host.Connected(a.Peer) {
		return f, nil
	}
	away, err := j.n.absence(ctx, a.Peer, a.LastSeen)
	if away > 0 {
		f.AbsentSince = now - away
	}
	return f, err
}

// verdict says in one line what an evaluation changed.
func verdict(old, next credit.Standing) string {
	switch {
	case next.Step > old.Step:
		return fmt.Sprintf("from %v to %v: %s", old.Step, next.Step, next.Reason)
	case next.Step < old.Step && next.Reason == (credit.Reason{}):
		return fmt.Sprintf("from %v to %v: cured", old.Step, next.Step)
	case next.Step < old.Step:
		return fmt.Sprintf("from %v to %v: the operator's word is missing; %s", old.Step, next.Step, next.Reason)
	case next.Short != old.Short:
		return fmt.Sprintf("%v, %v not covered", next.Step, next.Short)
	}
	return fmt.Sprintf("%v, %d days of service", next.Step, next.Service/judgeSave)
}

// save writes a standing with what it was decided on.
func (j *judge) save(ctx context.Context, p peer.ID, s credit.Standing, reason string, facts credit.Facts) error {
	evidence, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	return j.n.checked(j.n.book.SetStanding(ctx, p, s, reason, evidence))
}

// evict drops one day's part of what isn't covered, at the last step.
func (j *judge) evict(ctx context.Context, p peer.ID, s credit.Standing, u ledger.Usage) error {
	now := j.n.config.Clock().Unix()
	if s.Step != credit.StepEvicting || s.Short == 0 || now-s.Evicted < evictEvery {
		return nil
	}
	// What others let go of since the shortfalls were listed may cover it.
	list, err := j.n.book.Shortfalls(ctx)
	if err != nil {
		return j.n.checked(err)
	}
	i := slices.IndexFunc(list, func(x credit.Shortfall) bool { return peer.ID(x.ID) == p })
	if i < 0 {
		return nil
	}
	s.Short = min(s.Short, list[i].Bytes)
	// The day is used up before anything is dropped: if we die between, less
	// is dropped, never more.
	s.Evicted = now
	part := credit.DailyEviction(u.Held, s.Short)
	if err := j.save(ctx, p, s, fmt.Sprintf("evicting %v of %v that isn't covered", part, s.Short), credit.Facts{Short: s.Short}); err != nil {
		return err
	}
	freed, gone, err := j.n.book.EvictNewest(ctx, p, part)
	j.n.log.Warn("dropped a day's part of what isn't covered", "peer", p, "bytes", int64(freed), "shares", len(gone))
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	j.n.count.cycle.Trigger()
	return j.n.checked(errors.Join(err, j.n.keep.remove(after, gone)))
}

// tell tells a peer its step, if it is connected and wasn't told. What it was
// told of is written down: it climbs no further without. Who is connected and
// hasn't taken the notice in a day counts as told, else nobody would have to hear.
func (j *judge) tell(ctx context.Context, p peer.ID) {
	a, err := j.n.book.Account(ctx, p)
	if err != nil || told(a.Standing) || !j.n.host.Connected(p) {
		return
	}
	call, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	s := a.Standing
	next, at := s.Next(j.n.policy())
	_, err = j.n.host.Notice(call, p, p2p.NoticeRequest{Step: uint8(s.Step), Since: s.Since, NextStep: uint8(next), NextAt: at,
		Short: min(s.Short, potluck.MaxSize), Reason: cutText(s.Reason.String(), p2p.MaxReason)})
	text := "told"
	if err != nil {
		j.n.log.Debug("can't tell a peer its standing", "peer", p, "err", err)
		if !j.n.host.Connected(p) || j.n.config.Clock().Unix()-s.Since < deafAfter {
			return
		}
		text = "told, and it doesn't take notices"
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	a, err = j.n.book.Account(ctx, p)
	if err != nil || a.Standing.Step != s.Step || a.Standing.Since != s.Since {
		return // it changed meanwhile, and is told again
	}
	a.Standing.Told, a.Standing.ToldAt = s.Step, j.n.config.Clock().Unix()
	if err := j.save(ctx, p, a.Standing, fmt.Sprintf("%s: %v", text, s.Step), credit.Facts{Short: s.Short}); err != nil {
		j.n.tend.complain("write a standing", err)
	}
}

// told tells whether a peer knows its step. One that always was good does.
func told(s credit.Standing) bool {
	return s.Since == 0 && s.Step == credit.StepGood || s.Told == s.Step && s.ToldAt >= s.Since
}

func cutText(s string, most int) string {
	r := []rune(s)
	return string(r[:min(len(r), most)])
}
