package ledger

import (
	"math/bits"
	"time"

	"potluck"
)

const million = 1_000_000

// Admit decides whether a node with so much room takes asked more bytes from
// the account. It is a function of its arguments alone: no clock, no books. The
// account must have valid terms; asked lies in [0, MaxSize], room in [-2 MaxSize,
// MaxSize]: it is below zero when more is held than is offered now.
//
// free is the most that would be accepted; asking for it is accepted, for one
// byte more is refused. The first reason that holds is given: not a friend,
// denied, no room, unfunded. Each cure is enough by itself, except that after
// more room was offered the credit may still be short.
func Admit(a Account, u Usage, room potluck.Size, asked potluck.Size, now time.Time) (free potluck.Size, refusal *potluck.Refusal) {
	if !a.Friend {
		return 0, refuse(potluck.CodeNotAFriend, asked, 0, potluck.Cure{Kind: potluck.CureBefriend})
	}
	if a.Denied {
		return 0, refuse(potluck.CodeDenied, asked, 0, potluck.Cure{Kind: potluck.CureAskHost})
	}
	credit := a.Terms.limit(u.Earned, now) - (u.Held + u.Reserved)
	free = max(0, min(room, credit))
	if asked <= free {
		return free, nil
	}
	short := asked - free
	var cures []potluck.Cure
	code := potluck.CodeUnfunded
	if asked > room {
		code = potluck.CodeNoRoom
		cures = append(cures, potluck.Cure{Kind: potluck.CureOffer, Bytes: asked - room})
	} else {
		if hold, ok := a.Terms.hold(u, asked, now); ok {
			cures = append(cures, potluck.Cure{Kind: potluck.CureHold, Bytes: hold})
		}
		// The gift must cover what is overdrawn already too.
		cures = append(cures, potluck.Cure{Kind: potluck.CureAskHost, Bytes: asked - credit})
	}
	if gap := asked - min(room, credit); gap <= u.Held {
		cures = append(cures, potluck.Cure{Kind: potluck.CureFree, Bytes: gap})
	}
	return free, &potluck.Refusal{Code: code, Asked: asked, Free: free, Short: short, Cures: cures}
}

func refuse(code potluck.Code, asked, free potluck.Size, cure potluck.Cure) *potluck.Refusal {
	return &potluck.Refusal{Code: code, Asked: asked, Free: free, Short: asked - free, Cures: []potluck.Cure{cure}}
}

// limit is the supply of an account: gift, opening, paid while it lasts, and
// the ratio's part of what it holds for us. Four terms of at most MaxSize.
func (t Terms) limit(earned potluck.Size, now time.Time) potluck.Size {
	return t.fixed(now) + t.reciprocal(earned)
}

func (t Terms) fixed(now time.Time) potluck.Size {
	sum := t.Gift + t.Opening
	if now.Unix() < t.PaidUntil {
		sum += t.Paid
	}
	return sum
}

// reciprocal is floor(ratio × earned), at most MaxSize.
func (t Terms) reciprocal(earned potluck.Size) potluck.Size {
	hi, lo := bits.Mul64(uint64(t.RatioPPM), uint64(earned))
	if hi >= million {
		return potluck.MaxSize
	}
	q, _ := bits.Div64(hi, lo, million)
	return potluck.Size(min(q, uint64(potluck.MaxSize)))
}

// hold is the least number of bytes that, held for us in addition, would fund
// the ask. There is none when the ratio is zero or the sum leaves MaxSize.
func (t Terms) hold(u Usage, asked potluck.Size, now time.Time) (potluck.Size, bool) {
	need := u.Held + u.Reserved + asked - t.fixed(now)
	if t.RatioPPM == 0 || need > potluck.MaxSize {
		return 0, false
	}
	// The least e with floor(ratio × e ÷ million) ≥ need is ceil(need × million ÷ ratio).
	hi, lo := bits.Mul64(uint64(need), million)
	lo, carry := bits.Add64(lo, uint64(t.RatioPPM)-1, 0)
	hi += carry
	if hi >= uint64(t.RatioPPM) {
		return 0, false
	}
	earned, _ := bits.Div64(hi, lo, uint64(t.RatioPPM))
	if earned > uint64(potluck.MaxSize) {
		return 0, false
	}
	return potluck.Size(earned) - u.Earned, true
}
