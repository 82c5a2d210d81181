package ledger

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"
)

func TestHistory(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	today := DayOf(c.now().Unix())
	events := clean(t, b).Events
	for _, rows := range [][]Past{
		{{alice, today - 1, Deeds{Held: 5, In: 7, Seen: 1, Of: 1}}, {alice, today, Deeds{Of: 1, AuditsGood: 3}}, {bob, today, Deeds{Of: 1, Seen: 1}}},
		{{alice, today, Deeds{Held: 2, Of: 2, Seen: 1, AuditsFailed: 1, AuditBytes: 9}}, {carol, today, Deeds{Held: 1}}, {bob, today - 3, Deeds{}}},
	} {
		if err := b.Record(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range []struct {
		peer     peer.ID
		from, to int64
		want     []Past
	}{
		{alice, today - 1, today, []Past{{alice, today - 1, Deeds{Held: 5, In: 7, Seen: 1, Of: 1}},
			{alice, today, Deeds{Held: 2, Of: 3, Seen: 1, AuditsGood: 3, AuditsFailed: 1, AuditBytes: 9}}}},
		{alice, today, today + 5, []Past{{alice, today, Deeds{Held: 2, Of: 3, Seen: 1, AuditsGood: 3, AuditsFailed: 1, AuditBytes: 9}}}},
		{alice, 0, today - 1, []Past{{alice, today - 1, Deeds{Held: 5, In: 7, Seen: 1, Of: 1}}}},
		{bob, -5, today, []Past{{bob, today, Deeds{Of: 1, Seen: 1}}}},
		{carol, 0, today, nil},
	} {
		got, err := b.History(t.Context(), w.peer, w.from, w.to)
		if err != nil || !slices.Equal(got, w.want) {
			t.Errorf("history of %s from %d to %d is %+v, %v; want %+v", w.peer, w.from, w.to, got, err, w.want)
		}
	}
	for _, w := range []struct {
		peer         peer.ID
		days         int
		ppm, windows int64
	}{{alice, 1, 333_333, 3}, {alice, 2, 500_000, 4}, {alice, 400, 500_000, 4}, {bob, 7, 1_000_000, 1}, {carol, 7, 0, 0}} {
		if ppm, windows, err := b.Uptime(t.Context(), w.peer, w.days); err != nil || ppm != w.ppm || windows != w.windows {
			t.Errorf("uptime of %s in %d days is %d of %d windows, %v; want %d of %d", w.peer, w.days, ppm, windows, err, w.ppm, w.windows)
		}
	}
	if r := clean(t, b); r.Events != events {
		t.Errorf("%d events, want %d: history makes none", r.Events, events)
	}
}

func TestADayHasSoManyWindows(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice)
	today := DayOf(c.now().Unix())
	for range 2 {
		if err := b.Record(t.Context(), []Past{{alice, today, Deeds{Seen: 60, Of: DayWindows, In: math.MaxInt64 - 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.History(t.Context(), alice, today, today)
	if want := (Past{alice, today, Deeds{Seen: DayWindows, Of: DayWindows, In: math.MaxInt64}}); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []Past{{alice, today, Deeds{In: -1}}, {alice, today, Deeds{Seen: 2, Of: 1}}, {alice, today, Deeds{Of: DayWindows + 1}},
		{alice, -1, Deeds{In: 1}}, {alice, today, Deeds{Held: 1, Paid: 2}}, {"", today, Deeds{In: 1}}} {
		if err := b.Record(t.Context(), []Past{bad}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v was taken: %v", bad, err)
		}
	}
}

func TestOldHistoryGoes(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	today := DayOf(c.now().Unix())
	var rows []Past
	for day := today - 3*HistoryDays; day <= today; day++ {
		rows = append(rows, Past{alice, day, Deeds{In: 1}}, Past{bob, day, Deeds{Out: 1}})
	}
	if err := b.Record(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for {
		gone, err := b.ForgetHistory(t.Context(), today-HistoryDays+1)
		if err != nil {
			t.Fatal(err)
		}
		if sum += gone; gone == 0 {
			break
		}
	}
	left, err := b.History(t.Context(), bob, 0, today)
	if err != nil || len(left) != HistoryDays || left[0].Day != today-HistoryDays+1 || sum != len(rows)-2*HistoryDays {
		t.Errorf("%d days are left and %d rows went, %v; want %d and %d", len(left), sum, err, HistoryDays, len(rows)-2*HistoryDays)
	}
	clean(t, b)
}

// Whatever is recorded in whatever pieces, the rows are the sums of a plain map,
// also after the books were closed and opened.
func TestHistoryIsASum(t *testing.T) {
	base, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		cfg := config(filepath.Join(base, strconv.Itoa(n)), newClock())
		cfg.Small = true
		b, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { b.Close() }()
		for _, p := range []peer.ID{alice, bob} {
			if err := b.Befriend(t.Context(), Account{Peer: p}); err != nil {
				t.Fatal(err)
			}
		}
		want := make(map[Past]Deeds) // by peer and day
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				if b, err = Open(t.Context(), cfg); err != nil {
					t.Fatal(err)
				}
			}
			r := Past{Peer: rapid.SampledFrom([]peer.ID{alice, bob}).Draw(t, "peer"), Day: rapid.Int64Range(0, 3).Draw(t, "day")}
			amount := rapid.Int64Range(0, 1<<40)
			r.Deeds = Deeds{Held: amount.Draw(t, "held"), Earned: amount.Draw(t, "earned"), In: amount.Draw(t, "in"), Out: amount.Draw(t, "out"),
				Of: rapid.Int64Range(0, 4).Draw(t, "of"), AuditsGood: amount.Draw(t, "good"), AuditsFailed: amount.Draw(t, "failed"), AuditBytes: amount.Draw(t, "moved")}
			r.Seen = rapid.Int64Range(0, r.Of).Draw(t, "seen")
			if err := b.Record(t.Context(), []Past{r}); err != nil {
				t.Fatal(err)
			}
			at := Past{Peer: r.Peer, Day: r.Day}
			want[at] = want[at].Plus(r.Deeds)
		}
		for _, p := range []peer.ID{alice, bob} {
			rows, err := b.History(t.Context(), p, 0, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				at := Past{Peer: r.Peer, Day: r.Day}
				if r.Deeds != want[at] {
					t.Fatalf("%s on day %d: %+v, want %+v", p, r.Day, r.Deeds, want[at])
				}
				delete(want, at)
			}
		}
		for at, d := range want {
			if d != (Deeds{}) {
				t.Fatalf("%s on day %d has no row", at.Peer, at.Day)
			}
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	book, c := newBooks(b)
	befriend(b, book, alice)
	day := DayOf(c.now().Unix())
	b.ReportAllocs()
	for b.Loop() {
		if err := book.Record(b.Context(), []Past{{alice, day, Deeds{Held: 1, In: 1, Out: 1}}}); err != nil {
			b.Fatal(err)
		}
	}
}
