package credit

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"potluck"
)

// The words of a reason are in books and notices: they stay what they are.
func TestReasonsSayWhatIsBroken(t *testing.T) {
	for _, c := range []struct {
		facts Facts
		want  string
	}{
		{Facts{Short: 1}, "1 B of what is held is not funded"},
		{Facts{Short: 3 * potluck.GiB / 2, FailedAudits: 2, AbsentSince: 1}, "1.5 GiB of what is held is not funded"},
		{Facts{FailedAudits: 1}, "1 audits failed"},
		{Facts{FailedAudits: 12, AbsentSince: start - 100*day}, "12 audits failed"},
		{Facts{AbsentSince: start - 31*day - 5}, "absent for 31 days"},
		{Facts{AbsentSince: start - 30*day}, ""},
		{Facts{Holding: true, Elapsed: day}, ""},
	} {
		s, _ := Evaluate(Standing{}, c.facts, DefaultPolicy(), start)
		if got := s.Reason.String(); got != c.want || fmt.Sprintf("%s|%v", s.Reason, s.Reason) != c.want+"|"+c.want {
			t.Errorf("%+v: %q, want %q", c.facts, got, c.want)
		}
		if (s.Reason == Reason{}) != (c.want == "") {
			t.Errorf("%+v: %q, and the zero Reason is %v", c.facts, c.want, s.Reason == Reason{})
		}
	}
}

// What Evaluate says is what it said when it wrote words itself.
func TestReasonAgainstWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Facts{Short: potluck.Size(rapid.Int64Range(-1, 1<<60).Draw(t, "short")), FailedAudits: rapid.IntRange(-1, 1000).Draw(t, "failed"),
			AbsentSince: rapid.Int64Range(-1, start).Draw(t, "since")}
		if rapid.Bool().Draw(t, "covered") {
			f.Short = 0
		}
		s := Standing{Service: rapid.Int64Range(0, 40*month).Draw(t, "service")}
		p := DefaultPolicy()
		want := ""
		switch {
		case f.Short > 0:
			want = fmt.Sprintf("%v of what is held is not funded", f.Short)
		case f.FailedAudits > 0:
			want = fmt.Sprintf("%d audits failed", f.FailedAudits)
		case f.AbsentSince > 0 && start-f.AbsentSince > stretch(int64(p.OfflineGrace.Seconds()), Goodwill(s.Service)):
			want = fmt.Sprintf("absent for %d days", (start-f.AbsentSince)/day)
		}
		next, _ := Evaluate(s, f, p, start)
		if got := next.Reason.String(); got != want || Worded(got).String() != want || (next.Reason == Reason{}) != (want == "") {
			t.Fatalf("%+v: %q, want %q", f, got, want)
		}
	})
}

// Whoever looks at standing often pays for no words.
func TestEvaluateAllocatesNothing(t *testing.T) {
	s := Standing{}
	if n := testing.AllocsPerRun(100, func() {
		s, _ = Evaluate(s, Facts{Short: potluck.GiB, Elapsed: day}, DefaultPolicy(), start)
	}); n != 0 {
		t.Errorf("an evaluation allocates %v times", n)
	}
}
