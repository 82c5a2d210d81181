package credit

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"potluck"
)

const start = int64(1_800_000_000)

// climb evaluates every hour, tells the peer of each step, and gives the hours at
// which each step came.
func climb(s Standing, f Facts, p Policy, days int) (Standing, map[Step]int64) {
	came := map[Step]int64{}
	for now := start; now <= start+int64(days)*day; now += 3600 {
		next, changed := Evaluate(s, f, p, now)
		if changed {
			came[next.Step] = (now - start) / day
			next.Told, next.ToldAt = next.Step, now
		}
		s = next
	}
	return s, came
}

func TestLadderClimbsByItsDelays(t *testing.T) {
	short := Facts{Short: potluck.GiB, Holding: true, Elapsed: 3600}
	auto := DefaultPolicy()
	auto.EvictAuto = true
	for _, c := range []struct {
		name    string
		service int64
		policy  Policy
		days    int
		want    map[Step]int64
	}{
		{"a newcomer", 0, auto, 40, map[Step]int64{StepReminded: 0, StepSlowed: 3, StepFrozen: 7, StepNotice: 14, StepEvicting: 30}},
		{"two good years", 24 * month, auto, 150, map[Step]int64{StepReminded: 0, StepSlowed: 12, StepFrozen: 28, StepNotice: 56, StepEvicting: 120}},
		{"eight months", 8*month + 5, auto, 100, map[Step]int64{StepReminded: 0, StepSlowed: 6, StepFrozen: 14, StepNotice: 28, StepEvicting: 60}},
		{"without the word", 0, DefaultPolicy(), 400, map[Step]int64{StepReminded: 0, StepSlowed: 3, StepFrozen: 7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, came := climb(Standing{Service: c.service}, short, c.policy, c.days)
			for step := StepReminded; step <= StepEvicting; step++ {
				at, ok := came[step]
				if want, due := c.want[step]; ok != due || at != want {
					t.Errorf("%v came on day %d (%v), want day %d (%v)", step, at, ok, want, due)
				}
			}
			if s.Service != c.service || s.Short != potluck.GiB || s.Reason == (Reason{}) {
				t.Errorf("%+v: a breach is no service, and has its reason", s)
			}
			cured, changed := Evaluate(s, Facts{Holding: true, Elapsed: 60}, c.policy, start+1000*day)
			if !changed || cured.Step != StepGood || cured.Breach != 0 || cured.Word || cured.Service != c.service+60 {
				t.Errorf("cured: %+v", cured)
			}
		})
	}
}

func TestNobodyClimbsUntold(t *testing.T) {
	s := Standing{}
	for day := range int64(100) {
		s, _ = Evaluate(s, Facts{Short: 1}, DefaultPolicy(), start+day*24*3600)
	}
	if s.Step != StepReminded {
		t.Fatalf("%v without having been told of reminded", s.Step)
	}
	s.Told, s.ToldAt = StepReminded, s.Since-1 // told in an older breach
	if s, _ = Evaluate(s, Facts{Short: 1}, DefaultPolicy(), start+100*day); s.Step != StepReminded {
		t.Fatal("an old notice counts")
	}
	s.ToldAt = s.Since
	if s, _ = Evaluate(s, Facts{Short: 1}, DefaultPolicy(), start+100*day); s.Step != StepSlowed {
		t.Fatalf("%v after having been told", s.Step)
	}
}

func TestWordPinAndDuties(t *testing.T) {
	p := DefaultPolicy()
	at := func(s Standing, f Facts, now int64) Step {
		next, _ := Evaluate(s, f, p, now)
		return next.Step
	}
	frozen := Standing{Step: StepFrozen, Since: start, Breach: start, GoodwillPPM: million, Told: StepFrozen, ToldAt: start}
	word := frozen
	word.Word = true
	pinned := frozen
	pinned.Pinned = true
	short, late := Facts{Short: 1}, start+1000*day
	if at(frozen, short, late) != StepFrozen || at(word, short, late) != StepNotice || at(word, short, start+14*day-1) != StepFrozen {
		t.Error("notice needs the word and its time")
	}
	if at(pinned, Facts{}, late) != StepFrozen || at(pinned, short, late) != StepFrozen {
		t.Error("a pinned step stays")
	}
	taken := word
	taken.Step, taken.Word = StepEvicting, false
	if at(taken, short, late) != StepFrozen {
		t.Error("evicting goes on without the word")
	}
	if at(Standing{}, Facts{AbsentSince: start}, start+30*day) != StepGood || at(Standing{}, Facts{AbsentSince: start}, start+30*day+1) != StepReminded {
		t.Error("absence within the grace breaks no duty, beyond it does")
	}
	if at(Standing{}, Facts{FailedAudits: 1}, start) != StepReminded {
		t.Error("a failed audit breaks a duty")
	}
	if step, next := word.Next(p); step != StepNotice || next != start+14*day {
		t.Errorf("next is %v at %d", step, next)
	}
	if step, next := frozen.Next(p); step != StepFrozen || next != 0 {
		t.Errorf("next without the word is %v at %d", step, next)
	}
	for _, c := range []struct{ held, short, want potluck.Size }{{1000, 500, 10}, {1000, 3, 3}, {50, 50, 1}, {1000, 0, 0}} {
		if got := DailyEviction(c.held, c.short); got != c.want {
			t.Errorf("of %d held and %d short, %d go in a day, want %d", c.held, c.short, got, c.want)
		}
	}
}

// Invariant 13: one step at a time, in order, whatever the clocks and facts.
func TestLadderOneStepAtATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, p, now := Standing{}, DefaultPolicy(), start
		p.EvictAuto = rapid.Bool().Draw(t, "auto")
		for range rapid.IntRange(1, 60).Draw(t, "looks") {
			now += rapid.Int64Range(-day, 40*day).Draw(t, "passed")
			f := Facts{Holding: rapid.Bool().Draw(t, "holding"), Elapsed: rapid.Int64Range(-5, 40*day).Draw(t, "elapsed")}
			if rapid.IntRange(0, 5).Draw(t, "broken") > 0 {
				f.Short = potluck.Size(rapid.Int64Range(1, 100).Draw(t, "short"))
			}
			s.Word = rapid.IntRange(0, 3).Draw(t, "word") == 0
			next, changed := Evaluate(s, f, p, now)
			switch {
			case changed != (next.Step != s.Step), changed && next.Since != now:
				t.Fatalf("changed is %v from %+v to %+v", changed, s, next)
			case next.Step > s.Step+1, next.Step > s.Step && f.Short == 0:
				t.Fatalf("from %v to %v at once", s.Step, next.Step)
			case next.Step > s.Step && s.Step > StepGood && (s.Told != s.Step || s.ToldAt < s.Since):
				t.Fatalf("to %v without having been told of %v", next.Step, s.Step)
			case next.Step > StepFrozen && !s.Word && !p.EvictAuto:
				t.Fatalf("%v without the operator's word", next.Step)
			case f.Short == 0 && next.Step != StepGood:
				t.Fatalf("%v after the cure", next.Step)
			case next.Service < s.Service:
				t.Fatalf("service falls from %d to %d", s.Service, next.Service)
			}
			if s = next; rapid.Bool().Draw(t, "told") {
				s.Told, s.ToldAt = s.Step, now
			}
		}
	})
}

func TestStepNames(t *testing.T) {
	for step := StepGood; step <= StepEvicting; step++ {
		if got, err := ParseStep(step.String()); err != nil || got != step {
			t.Errorf("%v: %v, %v", step, got, err)
		}
	}
	if _, err := ParseStep("step(6)"); err == nil || Step(6).String() != "step(6)" {
		t.Error("a seventh step")
	}
	if p := DefaultPolicy(); p.Slowed != 72*time.Hour || p.EvictAuto {
		t.Errorf("%+v", p)
	}
}
