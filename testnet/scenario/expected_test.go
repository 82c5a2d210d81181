package scenario

import (
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	p, err := Parse("[[group]]\nname = \"a\"\ncount = 3\n[sweep]\npolicy.k = [1, 2]\npolicy.ratio = [0.5, 1.0]\n", "")
	if err != nil {
		t.Fatal(err)
	}
	means := []map[string]float64{{"x": 1}, {"x": 2}, {"x": 3}, {"x": 4, "y": 0}}
	for _, c := range []struct{ text, want string }{
		{"figure = \"x\"\nmin = 1\nmax = 4", ""},
		{"figure = \"x\"\nat = {\"policy.k\" = 2, \"policy.ratio\" = 1.0}\nmin = 4\nmax = 4", ""},
		{"figure = \"x\"\nat = {\"policy.k\" = 2}\nmin = 3.5\nwhy = \"so\"", "line 1: x at policy.k=2, policy.ratio=0.5 is 3, expected 3.5 to +Inf: so"},
		{"figure = \"x\"\nat = {\"policy.k\" = 1}\nmax = 1.5", "line 1: x at policy.k=1, policy.ratio=1 is 2, expected -Inf to 1.5"},
		{"figure = \"x\"\nat = {\"policy.k\" = 3}\nmin = 3.5", "line 1: the scenario has no point with map[policy.k:3]"},
		{"figure = \"x\"\nat = {\"policy.n\" = 3}\nmin = 3.5", "no point with map[policy.n:3]"},
		{"figure = \"y\"\nmin = 0", "there is no figure \"y\" at policy.k=1, policy.ratio=0.5"},
	} {
		e, err := ParseExpected("[[expect]]\n" + c.text)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(e.Judge(p, means), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestWrongExpectations(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "expect: there is no [[expect]]"},
		{"[[expect]]\nfigure = \"x\"\n", "line 1: expect.0.min: an expectation is a range"},
		{"[[expect]]\nfigure = \"x\"\nmin = 2\nmax = 1", "line 3: expect.0.min: an expectation is a range"},
		{"[[expect]]\nmin = 2", "line 1: expect.0.figure: an expectation names a figure"},
		{"[[expect]]\nfigure = \"x\"\nmin = 2\nat = {policy.k = 1}", "line 4: expect.0.at.policy: want one swept value"},
		{"[[expect]]\nfigure = \"x\"\nmni = 2", "line 3: expect.0.mni: this key is not known"},
		{"[large]\n[[expect]]\nfigure = \"x\"\nmin = 2", "line 1: large: this key is not known"},
	} {
		if _, err := ParseExpected(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
		}
	}
	e, err := ParseExpected("[small]\n\"scenario.days\" = 3\ngroup.a.count = 4\nsweep.policy.k = [1]\n[[expect]]\nfigure = \"x\"\nmin = 2")
	if err != nil || len(e.Small) != 3 || e.Small[0].Key != "scenario.days" || e.Small[1].Key != "group.a.count" || e.Small[2].Key != "sweep.policy.k" {
		t.Errorf("%+v, %v", e, err)
	}
}

func FuzzParseExpected(f *testing.F) {
	f.Add("[small]\n\"scenario.days\" = 3\n[[expect]]\nfigure = \"x\"\nat = {\"policy.k\" = 1}\nmin = 2\nmax = 3\nwhy = \"so\"")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseExpected(text)
		if err != nil {
			return
		}
		for _, x := range e.All {
			if x.Figure == "" || !(x.Min <= x.Max) {
				t.Fatalf("%+v is taken", x)
			}
		}
	})
}
