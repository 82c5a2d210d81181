package ledger

import (
	"slices"
	"strings"
	"testing"
	"time"

	"potluck/ledger/signed"
)

// headed is a statement of D and P with a head of D's books in it, signed by both
// when alone isn't set.
func headed(t *testing.T, host, owner person, number uint64, now int64, h signed.Head, by ...person) signed.Document {
	t.Helper()
	s := signed.Statement{Host: host.id, Owner: owner.id, Number: number, Time: now, Bytes: 1, Shares: 1}
	if host.id == personD.id {
		s.HostHead = h
	} else {
		s.OwnerHead = h
	}
	var sides [2][]byte
	for _, p := range by {
		b, err := signed.SealStatement(p.key, s)
		if err != nil {
			t.Fatal(err)
		}
		if p.id == host.id {
			sides[0] = b
		} else {
			sides[1] = b
		}
	}
	return signed.StatementOf(sides[0], sides[1])
}

// oldCopy gives D's books as they were before their last events, and the head that
// they had after them.
func oldCopy(t *testing.T, c *clock) (dir string, later signed.Head) {
	t.Helper()
	dir = t.TempDir()
	cfg := config(dir, c)
	cfg.Self = personD.id
	b, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	know(t, b, personP)
	mustClose(t, b)
	old := copyBooks(t, dir)
	if b, err = Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	note(t, b, 3, "later")
	if later, err = b.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustClose(t, b)
	return old, later
}

// Old books with their own head file open as if nothing was wrong. What the node
// signed tells.
func TestOldCopyIsNoticedFromStatements(t *testing.T) {
	c := newClock()
	old, later := oldCopy(t, c)
	b := openD(t, old, c)
	now := c.move(time.Hour).Unix()
	for name, d := range map[string]signed.Document{
		"signed by the other alone": headed(t, personP, personD, 1, now, later, personP),
		"before these books":        headed(t, personD, personP, 1, now-2*day, later, personD, personP),
		"no head":                   headed(t, personD, personP, 2, now, signed.Head{}, personD, personP),
	} {
		if _, err := b.Accept(t.Context(), d); err != nil {
			t.Fatal(name, err)
		}
		if seq, by, ok := b.Behind(t.Context()); ok {
			t.Fatal(name, seq, by)
		}
	}
	accept(t, b, OutcomeNew, headed(t, personD, personP, 3, now, later, personD, personP))
	if seq, by, ok := b.Behind(t.Context()); !ok || seq != later.Seq || by != personP.id {
		t.Fatal(seq, by, ok)
	}
	last, err := b.LastEvent(t.Context())
	if err != nil || last.Kind != KindStatement {
		t.Error(last, err)
	}
	r := clean(t, b)
	accept(t, b, OutcomeNew, headed(t, personD, personP, 4, now, later, personD, personP))
	if again := clean(t, b); again.Events != r.Events+1 {
		t.Error("told twice")
	}
}

// The operator's word ends it, for what was signed until then.
func TestOldCopyIsAccepted(t *testing.T) {
	c := newClock()
	old, later := oldCopy(t, c)
	cfg := config(old, c)
	cfg.Self = personD.id
	before := headed(t, personD, personP, 1, c.move(time.Hour).Unix(), later, personD)
	for _, step := range []struct{ accepts, behind bool }{{false, true}, {false, true}, {true, false}, {false, false}} {
		cfg.AcceptCut = step.accepts
		b, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := b.LastEvent(t.Context()); step.accepts && (err != nil || e.Kind != KindCut || !strings.Contains(e.Reason, "accepts")) {
			t.Error(e, err)
		}
		if _, err := b.Accept(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := b.Behind(t.Context()); ok != step.behind {
			t.Errorf("behind %v, want %+v", ok, step)
		}
		mustClose(t, b)
	}
	b := openD(t, old, c)
	accept(t, b, OutcomeNew, headed(t, personP, personD, 1, c.move(time.Hour).Unix(), later, personD, personP))
	if _, _, ok := b.Behind(t.Context()); !ok {
		t.Error("what was signed after the operator's word counts")
	}
	clean(t, b)
}

// A head on the chain is no news, wherever it is on it.
func TestOwnHeadsAreKnown(t *testing.T) {
	b, c := booksD(t)
	know(t, b, personP)
	var heads []signed.Head
	for range 3 {
		h, err := b.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, h)
		note(t, b, 2, "more")
	}
	now := c.move(time.Hour).Unix()
	for n, h := range heads {
		accept(t, b, OutcomeNew, headed(t, personD, personP, uint64(n+1), now, h, personD, personP))
	}
	if _, _, ok := b.Behind(t.Context()); ok {
		t.Error("behind its own heads")
	}
	h := heads[0]
	h.Chain[0] ^= 1
	accept(t, b, OutcomeNew, headed(t, personD, personP, 9, now, h, personD, personP))
	if _, _, ok := b.Behind(t.Context()); !ok {
		t.Error("another chain value went by")
	}
}

// What an older copy of the node signs, that lives on beside the recovered one,
// never makes the newer one behind, whichever comes first; what is of the own life
// or a later one does.
func TestOlderLivesSayNothing(t *testing.T) {
	c := newClock()
	_, later := oldCopy(t, c)
	epochs := map[string]struct {
		own, of uint64
		behind  bool
	}{
		"first life, in the second":  {2, 0, false},
		"second life, in the fifth":  {5, 2, false},
		"own life":                   {2, 2, true},
		"first life, in the first":   {1, 0, true},
		"a life that comes later":    {2, 3, true},
		"a later life, in the first": {1, 2, true},
	}
	for name, x := range epochs {
		for _, lateFirst := range []bool{false, true} {
			cfg := config(t.TempDir(), c)
			cfg.Self, cfg.Epoch = personD.id, func() uint64 { return x.own }
			b, err := Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			know(t, b, personP)
			now := c.move(time.Hour).Unix()
			mine, err := b.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if has, err := b.HasHead(t.Context(), mine); err != nil || !has || max(mine.Epoch, 1) != x.own {
				t.Errorf("%s: own head %+v is had: %v, %v", name, mine, has, err)
			}
			other := later
			other.Epoch = x.of
			if has, err := b.HasHead(t.Context(), other); err != nil || has {
				t.Errorf("%s: has another's head, %v", name, err)
			}
			docs := []signed.Document{headed(t, personD, personP, 1, now, mine, personD, personP), headed(t, personD, personP, 2, now, other, personD, personP)}
			if lateFirst {
				slices.Reverse(docs)
			}
			for _, d := range docs {
				if _, err := b.Accept(t.Context(), d); err != nil {
					t.Fatal(name, err)
				}
			}
			if _, _, ok := b.Behind(t.Context()); ok != x.behind {
				t.Errorf("%s, the later first %v: behind %v", name, lateFirst, ok)
			}
			if x.own == max(x.of, 1) { // the same place on the chain, of another life
				moved := mine
				moved.Epoch = x.own + 1
				if has, err := b.HasHead(t.Context(), moved); err != nil || has {
					t.Errorf("%s: has a head of another life, %v", name, err)
				}
			}
			mustClose(t, b)
		}
	}
}
