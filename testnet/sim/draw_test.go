package sim

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
	"potluck"
)

func TestMeansOfWhatIsDrawn(t *testing.T) {
	w := &world{rng: rand.New(rand.NewPCG(1, 1))}
	mean := func(draw func() float64) (sum float64) {
		for range 100_000 {
			sum += draw() / 100_000
		}
		return sum
	}
	for _, c := range []struct {
		what string
		draw func() float64
		want float64
	}{
		{"weibull 1", func() float64 { return float64(w.weibull(day, 1)) }, day},
		{"weibull 0.6", func() float64 { return float64(w.weibull(day, 0.6)) }, day},
		{"weibull 3", func() float64 { return float64(w.weibull(day, 3)) }, day},
		{"lognormal 0.5", func() float64 { return float64(w.lognormal(potluck.GiB, 0.5)) }, float64(potluck.GiB)},
		{"lognormal 0", func() float64 { return float64(w.lognormal(potluck.GiB, 0)) }, float64(potluck.GiB)},
		{"wait", func() float64 { return float64(w.wait(4)) }, year / 4},
	} {
		if got := mean(c.draw); math.Abs(got/c.want-1) > 0.02 {
			t.Errorf("%s: mean %.0f, want %.0f", c.what, got, c.want)
		}
	}
	if w.wait(0) != 0 {
		t.Error("what never comes has a time")
	}
}

// The next 23 o'clock lies ahead, by a day and an hour at most, and is 23 o'clock
// there, give or take an hour.
func TestHour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), now: rapid.Int64Range(0, 10*year).Draw(t, "now")}
		hour, zone := rapid.SampledFrom([]int{7, 23}).Draw(t, "hour"), rapid.IntRange(-12, 14).Draw(t, "zone")
		at := w.hour(hour, zone)
		local := ((at+int64(zone)*3600-int64(hour)*3600)%day + day) % day
		if at <= w.now || at > w.now+day+3600 || local > 3601 && local < day-3600 {
			t.Fatalf("after %d, %d o'clock in zone %d is %d, off by %d s", w.now, hour, zone, at, local)
		}
	})
}

func TestFairness(t *testing.T) {
	for _, c := range []struct {
		x          []float64
		jain, gini float64
	}{
		{nil, 1, 0}, {[]float64{0, 0}, 1, 0}, {[]float64{3, 3, 3}, 1, 0}, {[]float64{1, 0, 0, 0}, 0.25, 0.75}, {[]float64{1, 3}, 0.8, 0.25},
	} {
		if j, g := jain(c.x), gini(c.x); math.Abs(j-c.jain) > 1e-12 || math.Abs(g-c.gini) > 1e-12 {
			t.Errorf("%v: Jain %v, Gini %v, want %v, %v", c.x, j, g, c.jain, c.gini)
		}
	}
}
