package ledger

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"potluck"
)

// decide asks a network that has one account.
func decide(a Account, u Usage, room, asked potluck.Size, now time.Time) (potluck.Size, *potluck.Refusal) {
	g := newGraph(self, 0)
	g.asOf, g.due = now.Unix(), maxTime
	g.enter(a, u)
	free, err := g.admit(a.Peer, room, asked, -1)
	var r *potluck.Refusal
	errors.As(err, &r)
	return free, r
}

func TestAdmitTable(t *testing.T) {
	now := time.Unix(1000, 0)
	friend := Account{Peer: alice, Friend: true, Terms: Terms{RatioPPM: 500_000, Gift: 10, Opening: 20, Paid: 40, PaidUntil: 1001}}
	over := friend
	over.Terms.PaidUntil = 1000
	stranger, denied := friend, friend
	stranger.Friend, stranger.Denied, denied.Denied = false, true, true
	hasNothing := friend
	hasNothing.Terms = Terms{}
	cure := func(k potluck.CureKind, n potluck.Size) potluck.Cure { return potluck.Cure{Kind: k, Bytes: n} }
	tests := []struct {
		name        string
		account     Account
		usage       Usage
		room, asked potluck.Size
		free        potluck.Size
		code        potluck.Code
		cures       []potluck.Cure
	}{
		{"all four sources", friend, Usage{Earned: 61}, 1000, 100, 100, "", nil},
		{"one byte more", friend, Usage{Earned: 61}, 1000, 101, 100, potluck.CodeUnfunded,
			[]potluck.Cure{cure(potluck.CureHold, 1), cure(potluck.CureAskHost, 1)}},
		{"paid term is over", over, Usage{Earned: 61}, 1000, 100, 60, potluck.CodeUnfunded,
			[]potluck.Cure{cure(potluck.CureHold, 79), cure(potluck.CureAskHost, 40)}},
		{"held and reserved count", friend, Usage{Held: 30, Reserved: 35}, 1000, 6, 5, potluck.CodeUnfunded,
			[]potluck.Cure{cure(potluck.CureHold, 2), cure(potluck.CureAskHost, 1), cure(potluck.CureFree, 1)}},
		{"overdrawn", friend, Usage{Held: 170}, 1000, 5, 0, potluck.CodeUnfunded,
			[]potluck.Cure{cure(potluck.CureHold, 210), cure(potluck.CureAskHost, 105), cure(potluck.CureFree, 105)}},
		{"no room before unfunded", friend, Usage{Held: 60}, 10, 100, 10, potluck.CodeNoRoom,
			[]potluck.Cure{cure(potluck.CureOffer, 90)}},
		{"no room, some to free", friend, Usage{Held: 60}, 5, 10, 5, potluck.CodeNoRoom,
			[]potluck.Cure{cure(potluck.CureOffer, 5), cure(potluck.CureFree, 5)}},
		{"over-full node", friend, Usage{Held: 60}, -20, 1, 0, potluck.CodeNoRoom,
			[]potluck.Cure{cure(potluck.CureOffer, 21), cure(potluck.CureFree, 21)}},
		{"stranger first", stranger, Usage{}, 0, 1, 0, potluck.CodeNotAFriend, []potluck.Cure{cure(potluck.CureBefriend, 0)}},
		{"denied before no room", denied, Usage{}, 0, 1, 0, potluck.CodeDenied, []potluck.Cure{cure(potluck.CureAskHost, 0)}},
		{"no ratio, nothing to hold", hasNothing, Usage{Earned: 100}, 1000, 1, 0, potluck.CodeUnfunded,
			[]potluck.Cure{cure(potluck.CureAskHost, 1)}},
		{"nothing asked of a full node", friend, Usage{Held: 500}, -20, 0, 0, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			free, r := decide(tt.account, tt.usage, tt.room, tt.asked, now)
			if free != tt.free || (r == nil) != (tt.code == "") {
				t.Fatalf("free %d, refusal %v; want %d, %q", free, r, tt.free, tt.code)
			}
			if r == nil {
				return
			}
			want := potluck.Refusal{Code: tt.code, Asked: tt.asked, Free: tt.free, Short: tt.asked - tt.free, Cures: tt.cures}
			if r.Error() != want.Error() || len(r.Cures) != len(tt.cures) {
				t.Errorf("got %+v\nwant %+v", *r, want)
			}
			for i, c := range r.Cures {
				if c != tt.cures[i] {
					t.Errorf("cure %d is %+v, want %+v", i, c, tt.cures[i])
				}
			}
		})
	}
}

// sizes draws small sizes, large ones, and the bounds.
func sizes(limit potluck.Size) *rapid.Generator[potluck.Size] {
	return rapid.Custom(func(t *rapid.T) potluck.Size {
		switch rapid.IntRange(0, 3).Draw(t, "class") {
		case 0:
			return potluck.Size(rapid.Int64Range(0, 20).Draw(t, "small"))
		case 1:
			return limit - potluck.Size(rapid.Int64Range(0, 2).Draw(t, "below the limit"))
		}
		return potluck.Size(rapid.Int64Range(0, int64(limit)).Draw(t, "size"))
	})
}

func drawAdmission(t *rapid.T) (a Account, u Usage, room potluck.Size, now time.Time) {
	any := sizes(rapid.SampledFrom([]potluck.Size{100, potluck.TiB, potluck.MaxSize}).Draw(t, "scale"))
	a = Account{Peer: alice, Friend: true, Terms: Terms{
		RatioPPM: rapid.SampledFrom([]int64{0, 1, 3, 333_333, 1_000_000, 1_500_000, MaxRatioPPM}).Draw(t, "ratio"),
		Gift:     any.Draw(t, "gift"), Opening: any.Draw(t, "opening"), Paid: any.Draw(t, "paid"), PaidUntil: 1000}}
	u = Usage{Held: any.Draw(t, "held"), Reserved: any.Draw(t, "reserved"), Earned: any.Draw(t, "earned")}
	room = any.Draw(t, "room")
	if rapid.Bool().Draw(t, "over-full") {
		room = -room
	}
	return a, u, room, time.Unix(rapid.Int64Range(999, 1000).Draw(t, "now"), 0)
}

// Free is exactly the most that is accepted: it is, and one byte more isn't.
func TestAdmitFreeIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, u, room, now := drawAdmission(t)
		free, _ := decide(a, u, room, 0, now)
		if f, r := decide(a, u, room, free, now); r != nil || f != free {
			t.Fatalf("free %d was refused: %v", free, r)
		}
		if free == potluck.MaxSize {
			return
		}
		f, r := decide(a, u, room, free+1, now)
		if r == nil || f != free || r.Free != free || r.Short != 1 || r.Asked != free+1 {
			t.Fatalf("free + 1 = %d gave %d, %v", free+1, f, r)
		}
	})
}

// Each cure turns the refusal into an acceptance, and one byte less doesn't.
func TestAdmitCures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, u, room, now := drawAdmission(t)
		asked := sizes(potluck.MaxSize).Draw(t, "asked")
		_, r := decide(a, u, room, asked, now)
		if r == nil {
			return
		}
		for _, c := range r.Cures {
			for _, less := range []potluck.Size{0, 1} {
				a, u, room := a, u, room
				switch n := c.Bytes - less; c.Kind {
				case potluck.CureHold:
					u.Earned += n
				case potluck.CureAskHost:
					a.Terms.Gift += n
				case potluck.CureFree:
					u.Held, room = u.Held-n, room+n
				case potluck.CureOffer:
					room += n
				default:
					t.Fatalf("cure %v for %v", c.Kind, r.Code)
				}
				_, again := decide(a, u, room, asked, now)
				cured := again == nil || (c.Kind == potluck.CureOffer && again.Code == potluck.CodeUnfunded)
				if cured != (less == 0) {
					t.Fatalf("%+v less %d for %+v: %v", c, less, *r, again)
				}
			}
		}
	})
}
