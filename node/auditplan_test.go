package node

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"potluck"
	"potluck/files"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// held is a placement of one share of a file of size bytes, 1 of 1.
func held(t testing.TB, n int, size potluck.Size, lastGood int64) ledger.Placement {
	t.Helper()
	l, err := shares.NewLayout(1, 1, size)
	if err != nil {
		t.Fatal(err)
	}
	id := potluck.ShareID{Index: potluck.StorageIndex{byte(n), byte(n >> 8), byte(n >> 16)}}
	return ledger.Placement{Share: id, Host: "host", Layout: l, Charge: shares.Charge(l), Root: potluck.Digest{byte(n)}, LastGood: lastGood, State: ledger.PlacedStable}
}

func totalOf(all []ledger.Placement) (sum potluck.Size) {
	for _, p := range all {
		sum += p.Charge
	}
	return sum
}

func plan(all []ledger.Placement, count int, now int64) []question {
	s := newSampler(count, totalOf(all), now, rand.Int64N)
	for _, p := range all {
		s.add(p)
	}
	return s.plan(rand.Int64N)
}

// The default finds the loss of 1 % with 99 % within a week, whether the holding
// is of many small shares or of few large ones, and whether whole shares are gone
// or pieces of them.
func TestAWeekFindsOnePercent(t *testing.T) {
	need := math.Ceil(math.Log(0.01) / math.Log(0.99))
	if need != 459 || weekDays*defaultAudits < need {
		t.Fatalf("%d a week, %v are needed", weekDays*defaultAudits, need)
	}
	const now, trials = 1_800_000_000, 400
	fresh := int64(now) // nothing is due by itself: the random part must be enough
	holdings := map[string][]ledger.Placement{}
	for n := range 5000 {
		holdings["pieces of many"] = append(holdings["pieces of many"], held(t, n, potluck.MiB, fresh))
		// Of two units, of which the second is next to nothing.
		holdings["first units"] = append(holdings["first units"], held(t, n, shares.Unit+1, fresh))
		holdings["many of one size"] = append(holdings["many of one size"], held(t, n, potluck.MiB, fresh))
		size := 40 * potluck.KiB
		if n%50 == 0 {
			size = 60 * potluck.MiB // most bytes are in few shares
		}
		holdings["few large, many small"] = append(holdings["few large, many small"], held(t, n, size, fresh))
	}
	for name, all := range holdings {
		total := totalOf(all)
		// gone is what the host dropped: 1 % of everything.
		number := func(q question) int { return int(q.Share.Index[0]) | int(q.Share.Index[1])<<8 }
		gone := map[string]func(q question) bool{
			"many of one size":      func(q question) bool { return number(q) < 50 },                                            // 50 of 5,000 whole shares
			"few large, many small": func(q question) bool { return q.Layout.Size > potluck.MiB && q.Offset < 640*potluck.KiB }, // of 60 MiB
			"pieces of many":        func(q question) bool { return (int(q.Offset/shares.Unit)+number(q))%100 == 0 },            // one unit here and there
			"first units":           func(q question) bool { return q.Offset == 0 && number(q) < 52 },
		}[name]
		var lost potluck.Size
		for _, p := range all {
			for i := range shares.Units(shares.DataLen(p.Layout)) {
				if q := (question{Slice: files.Slice{Share: p.Share, Layout: p.Layout}.Unit(i)}); gone(q) {
					lost += q.Length
				}
			}
		}
		if part := float64(lost) / float64(total); part < 0.0098 || part > 0.013 {
			t.Fatalf("%s: %.4f of the bytes are gone", name, part)
		}
		found := 0
		for range trials {
			hit := false
			for range weekDays {
				for _, q := range plan(all, defaultAudits, now) {
					hit = hit || gone(q)
				}
			}
			if hit {
				found++
			}
		}
		if found < trials*97/100 { // 99 % less four standard deviations
			t.Errorf("%s: %d of %d weeks found it", name, found, trials)
		}
	}
}

// Every share of a small holding is asked for within a week, and none before its turn.
func TestSmallHoldingsAreCovered(t *testing.T) {
	now := int64(1_800_000_000)
	var all []ledger.Placement
	for n := range weekDays * defaultAudits {
		all = append(all, held(t, n, potluck.MiB, now))
	}
	for range weekDays + 1 {
		now += daySeconds
		for _, q := range plan(all, defaultAudits, now) {
			for i := range all {
				if all[i].Share == q.Share {
					all[i].LastGood = now
				}
			}
		}
	}
	for range weekDays {
		now += daySeconds
		for _, q := range plan(all, defaultAudits, now) {
			for i := range all {
				if all[i].Share == q.Share {
					all[i].LastGood = now
				}
			}
		}
		for _, p := range all {
			if age := now - p.LastGood; age > (weekDays+1)*daySeconds {
				t.Fatalf("share %v was asked for last %d days ago", p.Share, age/daySeconds)
			}
		}
	}
	one := []ledger.Placement{held(t, 1, 4096, now)}
	if got := plan(one, defaultAudits, now); len(got) != 1 {
		t.Errorf("a holding of one unit is asked for %d a day, want 1", len(got))
	}
	if got := plan(nil, defaultAudits, now); len(got) != 0 {
		t.Errorf("of nothing %d are asked", len(got))
	}
	lost := held(t, 1, 4096, 0)
	lost.State = ledger.PlacedLost
	if got := plan([]ledger.Placement{lost}, defaultAudits, now); len(got) != 0 {
		t.Errorf("of what is lost %d are asked", len(got))
	}
}

// Every question lies within its share and is a unit, as small reads ask for.
func TestQuestionsAreReads(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var all []ledger.Placement
		for n := range rapid.IntRange(1, 20).Draw(r, "shares") {
			all = append(all, held(t, n, potluck.Size(rapid.Int64Range(1, 8<<20).Draw(r, "size")), rapid.Int64Range(0, 2e9).Draw(r, "last good")))
		}
		for _, q := range plan(all, rapid.IntRange(1, 100).Draw(r, "count"), 1_800_000_000) {
			data := shares.DataLen(q.Layout)
			if q.Offset%shares.Unit != 0 || q.Length < 1 || q.Length > shares.Unit || q.Offset+q.Length > data ||
				q.Length < shares.Unit && q.Offset+q.Length != data {
				r.Fatalf("%+v is no unit of its share", q)
			}
			if cost := q.Cost(); cost <= q.Length || cost > maxUnitCost {
				r.Fatalf("%+v costs %v", q, cost)
			}
		}
	})
}

func TestScaleStaysBelow(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		charge := potluck.Size(rapid.Int64Range(1, int64(potluck.MaxSize)).Draw(r, "charge"))
		into := potluck.Size(rapid.Int64Range(0, int64(charge)-1).Draw(r, "into"))
		data := potluck.Size(rapid.Int64Range(1, int64(potluck.MaxSize)).Draw(r, "data"))
		if got := scale(into, data, charge); got < 0 || got >= data {
			r.Fatalf("scale(%d, %d, %d) = %d", into, data, charge, got)
		}
	})
	if got := scale(potluck.MaxSize-1, 1, potluck.MaxSize); got != 0 {
		t.Error(got)
	}
}

var (
	errSilence = errors.New("nothing came")
	errAbsent  = &p2p.Error{Code: p2p.CodeNotFound}
)

func answersOf(list []question, err error) (all []answer) {
	for _, q := range list {
		all = append(all, answer{question: q, asked: true, err: err})
	}
	return all
}

func courseOf(t *testing.T, shares int, now int64) *course {
	t.Helper()
	var all []ledger.Placement
	for n := range shares {
		all = append(all, held(t, n, potluck.MiB, now))
	}
	c := &course{paid: now, plan: plan(all, defaultAudits, now)}
	c.daily = len(c.plan)
	return c
}

// What is asked adds up to a day's number a day, however often it is looked.
func TestQuestionsAreSpreadOverTheDay(t *testing.T) {
	now := int64(1_800_000_000)
	c := courseOf(t, 500, now)
	asked := 0
	for range 24 * 6 {
		now += 600
		list := c.take(now, false, potluck.TiB)
		if len(list) > 1 {
			t.Fatalf("%d at once", len(list))
		}
		c.settle(answersOf(list, nil), now)
		asked += len(list)
		if len(c.plan) == 0 {
			c.plan = courseOf(t, 500, now).plan
		}
	}
	if asked < defaultAudits-1 || asked > defaultAudits {
		t.Errorf("%d were asked in a day, want %d", asked, defaultAudits)
	}
	now += 3 * daySeconds // it was away
	caught := 0
	for range 10 {
		list := c.take(now, false, potluck.TiB)
		c.settle(answersOf(list, nil), now)
		if caught += len(list); len(c.plan) == 0 {
			c.plan = courseOf(t, 500, now).plan
		}
	}
	if caught < 3*defaultAudits-2 || caught > 3*defaultAudits+2 {
		t.Errorf("%d were asked after three days away, want %d", caught, 3*defaultAudits)
	}
	now -= 100 * daySeconds // the clock was set back
	if list := c.take(now, false, potluck.TiB); len(list) != 0 || c.paid != now {
		t.Errorf("%d asked at once, paid until %d at %d", len(list), c.paid, now)
	}
}

func TestBytesOfADayAreBounded(t *testing.T) {
	now := int64(1_800_000_000)
	c := courseOf(t, 500, now)
	list := c.take(now+daySeconds, false, potluck.MiB)
	var sum potluck.Size
	for _, q := range list {
		sum += q.Cost()
	}
	if sum < potluck.MiB || sum > potluck.MiB+maxUnitCost {
		t.Errorf("%d questions of %v, want 1 MiB and a part of a unit", len(list), sum)
	}
	c.settle(answersOf(list, nil), now)
	if more := c.take(now+daySeconds, false, potluck.MiB); len(more) != 0 {
		t.Errorf("%d more", len(more))
	}
}

func TestSettle(t *testing.T) {
	now := int64(1_800_000_000)
	c := courseOf(t, 500, now)
	day := func(n int64) int64 { return now + n*daySeconds }
	first := c.take(day(1), false, potluck.TiB)
	if len(first) != defaultAudits {
		t.Fatalf("%d are due after a day, want %d", len(first), defaultAudits)
	}
	if first[5].Share == first[4].Share { // one open question of a share is enough
		first[5].Share.Number++
	}
	answers := answersOf(first, nil)
	answers[3].err, answers[4].err, answers[5].err = errAbsent, errSilence, &p2p.Error{Code: p2p.CodeUnsupported}
	answers[6].asked = false
	found := c.settle(answers, day(1))
	if len(found.Good) != defaultAudits-4 || len(found.Failed) != 1 || found.Failed[0].Share != first[3].Share || found.Proven != day(1) ||
		found.Failed[0].Root != first[3].Root || len(found.Failed[0].Evidence) == 0 || len(c.open) != 2 || len(c.plan) == 0 || c.plan[0].Share != first[6].Share {
		t.Fatalf("found %+v, %d open", found, len(c.open))
	}
	// The open ones are asked again, and nothing else of their shares; the proof stands where they were asked first.
	again := c.take(day(3), false, potluck.TiB)
	if again[1].Share != first[4].Share || again[1].Offset != first[4].Offset || again[0].Share != first[5].Share {
		t.Fatalf("asked %+v", again[:2])
	}
	for _, q := range again[2:] {
		if q.Share == first[4].Share || q.Share == first[5].Share {
			t.Fatalf("asked %+v besides", q)
		}
	}
	answers = answersOf(again, nil)
	answers[0].err, answers[1].err = errSilence, errSilence
	if found = c.settle(answers, day(3)); found.Proven != day(1) || len(found.Failed) != 0 || len(c.open) != 2 {
		t.Fatalf("proven until %d, want %d; failed %+v", found.Proven, day(1), found.Failed)
	}
	// All is silent: nothing is said of one question alone, however old.
	again = c.take(day(20), false, potluck.TiB)
	if found = c.settle(answersOf(again, errSilence), day(20)); len(found.Failed) != 0 || len(found.Good) != 0 || found.Proven != day(1) {
		t.Fatalf("found %+v", found)
	}
	// It answers others: those that it left open for a week have failed.
	again = c.take(day(21), false, potluck.TiB)
	answers = answersOf(again, nil)
	at := slices.IndexFunc(again, func(q question) bool { return q.Share == first[4].Share })
	answers[at].err = errSilence
	if found = c.settle(answers, day(21)); len(found.Failed) != 1 || found.Failed[0].Share != first[4].Share || len(c.open) != 0 || found.Proven != day(21) {
		t.Fatalf("found %+v, %d open", found, len(c.open))
	}
	c.plan = courseOf(t, 1, now).plan
	if q := c.take(day(21), true, potluck.TiB); len(q) < 1 {
		t.Error("a host whose proof lapsed is asked nothing")
	}
}

// A host that leaves everything open isn't asked without end.
func TestOpenQuestionsAreBounded(t *testing.T) {
	now := int64(1_800_000_000)
	c := courseOf(t, 500, now)
	for range 100 {
		now += daySeconds
		list := c.take(now, false, potluck.TiB)
		if len(list) > maxQuestions {
			t.Fatalf("%d at once", len(list))
		}
		c.settle(answersOf(list, errSilence), now)
		if len(c.open) > maxOpen+maxQuestions {
			t.Fatalf("%d open", len(c.open))
		}
		c.plan = courseOf(t, 500, now).plan
	}
}

// The largest turn's evidence fits into one operation of the books.
func TestEvidenceFits(t *testing.T) {
	q := question{Slice: files.Slice{Share: potluck.ShareID{Number: 254}, Layout: potluck.Layout{Suite: 1, K: 255, N: 255, Block: potluck.MaxBlock, Size: potluck.MaxSize},
		Root: potluck.Digest{0xff}, Offset: potluck.MaxSize, Length: potluck.MaxSize}, first: 1 << 40}
	sum := 0
	for range maxQuestions {
		f := q.failure(errors.New(strings.Repeat("<\x00\xff\"", 100)), 1<<40)
		if len(f.Reason) > ledger.MaxReason {
			t.Fatalf("reason of %d bytes", len(f.Reason))
		}
		sum += len(f.Evidence)
	}
	if sum > ledger.MaxEvidence {
		t.Errorf("%d bytes of evidence, at most %d", sum, ledger.MaxEvidence)
	}
}

func BenchmarkPlan(b *testing.B) {
	p := held(b, 1, 10*potluck.MiB, 1_800_000_000)
	b.ReportAllocs()
	for b.Loop() {
		s := newSampler(defaultAudits, p.Charge*100_000, 1_800_000_000, rand.Int64N)
		for range 100_000 {
			s.add(p)
		}
		s.plan(rand.Int64N)
	}
}

// A host that is silent about many shares and answers for others loses those in
// time: neither their number nor the end of a turn after some silences saves it.
func TestSilenceAboutManySharesFails(t *testing.T) {
	now := int64(1_800_000_000)
	c := courseOf(t, 500, now)
	silent := func(q question) bool { return q.Share.Index[0]%5 == 0 && q.Share.Index[1] == 0 } // 52 shares
	lost := make(map[potluck.ShareID]bool)
	for range 21 * 24 * 5 {
		now += 720
		list := c.take(now, false, potluck.TiB)
		answers, quiet := answersOf(list, nil), 0
		for i, q := range slices.Backward(list) { // as audit.ask does
			if answers[i].asked = quiet < auditSilence; answers[i].asked && silent(q) {
				answers[i].err = errSilence
				quiet++
			}
		}
		for _, f := range c.settle(answers, now).Failed {
			lost[f.Share] = true
		}
		if len(c.plan) == 0 {
			c.plan, c.spent = courseOf(t, 500, now).plan, 0
		}
	}
	// A share is drawn with a chance of 13 % a day, for two weeks, and has failed a week later.
	if len(lost) < 30 || len(lost) > 52 {
		t.Errorf("%d of 52 shares were found lost", len(lost))
	}
}
