package node

import (
	"testing"

	"potluck"
	"potluck/ledger"
)

func TestNeeds(t *testing.T) {
	no := func(code potluck.Code, cures ...potluck.Cure) *potluck.Refusal {
		return &potluck.Refusal{Code: code, Asked: 1, Short: 1, Cures: cures}
	}
	all := func(bytes potluck.Size) []potluck.Cure {
		return []potluck.Cure{{Kind: potluck.CureHold, Bytes: bytes}, {Kind: potluck.CurePointer, Bytes: bytes}, {Kind: potluck.CureAskHost, Bytes: bytes},
			{Kind: potluck.CureFree, Bytes: bytes}}
	}
	stranger := []potluck.Cure{{Kind: potluck.CureBefriend}, {Kind: potluck.CurePointer, Bytes: 1}}
	for _, c := range []struct {
		refusal    *potluck.Refusal
		step       string
		its, yours string
	}{
		{nil, "good", "bob could add 5 KiB here", "you could add 5 KiB at bob"},
		{no(potluck.CodeUnfunded, all(1)...), "good",
			"bob can add nothing here: all the credit that it has here is used; it could hold more for you, or get a pointer from a friend of yours, or get a larger gift or opening from you, or remove some of what it has here",
			"you can add nothing at bob: all the credit that you have there is used; you could hold more for it, or get a pointer from a friend of it, or ask its operator for other terms, or remove some of what you have there"},
		{no(potluck.CodeUnfunded, all(3 << 20)[:2]...), "good",
			"bob can add nothing here: all the credit that it has here is used; it could hold 3 MiB more for you, or get a pointer of 3 MiB from a friend of yours",
			"you can add nothing at bob: all the credit that you have there is used; you could hold 3 MiB more for it, or get a pointer of 3 MiB from a friend of it"},
		{no(potluck.CodeNotAFriend, stranger...), "good",
			"bob can add nothing here: it is no friend of yours, and no friend points credit to it; it could accept an invite from you, or get a pointer from a friend of yours",
			"you can add nothing at bob: you are no friend of it, and no friend of it points credit to you; you could accept an invite from it, or get a pointer from a friend of it"},
		{no(potluck.CodeDenied, potluck.Cure{Kind: potluck.CureAskHost}), "good",
			`bob can add nothing here: you deny it; "potluck accept bob" ends that`,
			"you can add nothing at bob: its operator takes nothing new from you; you could ask its operator for other terms"},
		{no(potluck.CodeFrozen), "notice", "bob can add nothing here: the standing is notice, and nothing new is taken until it is better", "you can add nothing at bob: the standing is notice, and nothing new is taken until it is better"},
		{no(potluck.CodeNoRoom, potluck.Cure{Kind: potluck.CureOffer, Bytes: 7}), "good",
			"bob can add nothing here: your node has no room left; it could add more once you offer 7 B more",
			"you can add nothing at bob: it has no room left; you could add more once it offers 7 B more"},
	} {
		s := serving{Name: "bob", Step: c.step, ServeView: ServeView{Free: 5 << 10, Refusal: c.refusal}}
		if got := s.needs(); got != c.its {
			t.Errorf("got  %q\nwant %q", got, c.its)
		}
		a := CreditAt{Party: Party{Name: "bob"}, Known: true, Step: c.step, Free: 5 << 10, Refusal: c.refusal}
		if got := a.needs(); got != c.yours {
			t.Errorf("got  %q\nwant %q", got, c.yours)
		}
	}
	if got := (CreditAt{Party: Party{Name: "bob"}}).needs(); got != "what you could add at bob isn't known" {
		t.Error(got)
	}
}

func TestServed(t *testing.T) {
	stranger := &potluck.Refusal{Code: potluck.CodeNotAFriend}
	for want, c := range map[string]CreditAt{
		"what bob gives you isn't known: it hasn't told yet":                {},
		"bob has no reason to take anything from you":                       {Known: true, Connected: true},
		"bob lets you use 5 B as a gift; 2 B used, 3 B free":                {Known: true, Connected: true, Terms: ledger.Terms{Gift: 5}, Held: 2, Free: 3},
		"bob lets you use 5 B that carol points to you; 5 B used, 0 B free": {Known: true, Connected: true, Held: 5, Sponsors: []SponsorView{{Party{Name: "carol"}, 5, 5}}},
		"bob lets you use any amount as a gift; 0 B used, 9 B free":         {Known: true, Connected: true, Terms: ledger.Terms{Gift: potluck.MaxSize}, Free: 9},
		"bob lets you use 5 B as a gift; 7 B used, 0 B free, 2 B not covered; your standing there is reminded": {Known: true, Connected: true, Terms: ledger.Terms{Gift: 5},
			Held: 7, Short: 2, Step: "reminded"},
		"bob lets you use 8 B that you hold for it or for those it works for; 0 B used, 8 B free (as of 2001-09-09 01:46 UTC)": {Known: true, AsOf: 1e9,
			Terms: ledger.Terms{RatioPPM: 1e6}, Earned: 8, Free: 8},
		"bob takes nothing from you: you are no friend of it, and no friend of it points credit to you": {Known: true, Connected: true,
			Terms: ledger.Terms{RatioPPM: 1e6}, Earned: 8, Refusal: stranger},
	} {
		c.Name = "bob"
		if got := c.served(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
