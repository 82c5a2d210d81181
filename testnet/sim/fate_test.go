package sim

import "testing"

// Who is off when its day's work is due does it in the morning.
func TestNightlyMembersAreServed(t *testing.T) {
	s := steady(12, 30)
	s.Groups[0].Strategy, s.Policy.Reciprocity, s.Groups[0].CapacitySigma = Nightly, "none", 0
	sum, _ := run(t, s, 0)
	if got := figure(t, sum, "served"); got < 0.99 {
		t.Errorf("served %.2f", got)
	}
	if up := figure(t, sum, "available"); up > 0.999 {
		t.Errorf("readable %.4f of the time, with all of a zone asleep at once", up)
	}
}

// When all disks die at once all is lost, once; with one of ten nothing is.
func TestDisksDie(t *testing.T) {
	for _, c := range []struct {
		count int
		part  float64
	}{{1, 0}, {10, 1}} {
		s := steady(10, 30)
		s.Policy.Reciprocity, s.Policy.RepairBelow = "none", 0
		before, _ := run(t, s, 0)
		s.Events = []Event{{At: 20*day + day/2, Kind: "disk-death", Count: c.count, For: day}}
		sum, o := run(t, s, 0)
		if lost, placed := figure(t, sum, "lost_bytes"), figure(t, before, "placed_bytes"); lost != c.part*placed {
			t.Errorf("%d disks died: %v bytes of %v are lost", c.count, lost, placed)
		}
		if again := figure(t, sum, "served"); again < 0.999 || (o.kinds["lost"] > 0) != (c.part > 0) {
			t.Errorf("%d disks died: %.3f is placed in the end, told of %v", c.count, again, o.kinds)
		}
	}
}

// Service is counted in full, though nobody looks at a quiet account every day.
func TestServiceIsCounted(t *testing.T) {
	w := newWorld(steady(10, 100), 0, silent{})
	if err := w.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	counted := 0
	for l := range w.links {
		v := &w.links[l]
		if v.earned == 0 {
			continue
		}
		w.serve(int32(l))
		if got := w.asides[l].standing.Service; got > 99*day || got < 60*day {
			t.Errorf("%d has held for %d for about 100 days, and %d are counted", v.peer, v.node, got/day)
		}
		counted++
	}
	if counted == 0 {
		t.Error("nobody holds for anybody")
	}
}
