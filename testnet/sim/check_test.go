package sim

import (
	"strings"
	"testing"
)

// Each kind of wrong row is found: a check that finds nothing checks nothing.
func TestChecksFind(t *testing.T) {
	for _, c := range []struct {
		want  string
		wrong func(w *world, l int32)
	}{
		{"sum to", func(w *world, l int32) { w.links[l].held += 5; w.nodes[w.links[l].node].held += 5; w.put(l) }},
		{"sum to", func(w *world, l int32) { w.links[l].earned += 5; w.put(l) }},
		{"sum to", func(w *world, l int32) { w.links[l].loans += 5; w.put(l) }},
		{"its accounts sum to", func(w *world, l int32) { w.nodes[w.links[l].node].held++; w.put(l) }},
		{"the rows have", func(w *world, l int32) { w.put(l); w.links[l].earned++ }},
		{"counts", func(w *world, l int32) { w.asides[l].gone = w.links[l].held + 1; w.put(l) }},
		{"nothing funds", func(w *world, l int32) {
			k := &w.links[l]
			w.hold(l, 1+w.owes(l), -1)
			_ = k
		}},
		{"went from", func(w *world, l int32) { w.links[l].step = 4; w.checkStep(l, 1) }},
	} {
		s := steady(8, 10)
		w := newWorld(s, 0, silent{})
		if err := w.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		l := int32(0)
		for w.links[l].held == 0 {
			l++
		}
		c.wrong(w, l)
		w.err = cmpErr(w.err, w.checkTouched())
		w.checkAll()
		if w.err == nil || !strings.Contains(w.err.Error(), c.want) {
			t.Errorf("want an error with %q, got %v", c.want, w.err)
		}
	}
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
