package files

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		hosts int
		o     PutOptions
		want  Choice
	}{
		{1, PutOptions{}, Choice{1, 1, 1}},
		{2, PutOptions{}, Choice{1, 2, 2}},
		{3, PutOptions{}, Choice{1, 3, 3}},
		{4, PutOptions{}, Choice{2, 4, 4}},
		{5, PutOptions{}, Choice{2, 5, 4}},
		{10, PutOptions{}, Choice{3, 10, 8}},
		{10, PutOptions{Preset: Light}, Choice{7, 10, 8}},
		{10, PutOptions{Preset: Paranoid}, Choice{2, 10, 8}},
		{150, PutOptions{}, Choice{6, 20, 16}},
		{10, PutOptions{K: 3, N: 10, Happy: 7}, Choice{3, 10, 7}},
		{3, PutOptions{K: 2, N: 4}, Choice{2, 4, 3}},
		{2, PutOptions{K: 3}, Choice{3, 3, 3}}, // more than there are: the put fails and says so
		{4, PutOptions{N: 1}, Choice{1, 1, 1}},
	} {
		got, err := Choose(c.hosts, 0, c.o)
		if err != nil || got != c.want {
			t.Errorf("Choose(%d, %+v) = %+v, %v; want %+v", c.hosts, c.o, got, err, c.want)
		}
	}
}

func TestChooseRefusesNonsense(t *testing.T) {
	for _, o := range []PutOptions{
		{K: -1}, {N: 256}, {K: 256}, {K: 4, N: 3}, {N: 3, Happy: 4}, {Preset: "huge"}, {Happy: -2},
	} {
		var usage *UsageError
		if _, err := Choose(10, 0, o); !errors.As(err, &usage) {
			t.Errorf("Choose(10, %+v) gave %v, want a usage error", o, err)
		}
	}
}

// TestChooseIsUsable: what is chosen for so many hosts can be placed on them,
// and survives the loss of at least one from two hosts on.
func TestChooseIsUsable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hosts := rapid.IntRange(1, 300).Draw(t, "hosts")
		o := PutOptions{Preset: rapid.SampledFrom([]Preset{"", Light, Safe, Paranoid}).Draw(t, "preset")}
		c, err := Choose(hosts, 0, o)
		if err != nil {
			t.Fatal(err)
		}
		if c.K < 1 || c.K > c.Happy || c.Happy > min(c.N, hosts) || c.N > hosts {
			t.Fatalf("Choose(%d, %q) = %+v", hosts, o.Preset, c)
		}
		if hosts > 1 && c.K == c.N {
			t.Fatalf("Choose(%d, %q) = %+v: no loss is survived", hosts, o.Preset, c)
		}
	})
}

func TestHappyAloneAsksForAsManyShares(t *testing.T) {
	if c, err := Choose(40, 0, PutOptions{Happy: 30}); err != nil || c.N != 30 {
		t.Errorf("chose %+v, %v; want 30 shares for 30 hosts", c, err)
	}
	if _, err := Choose(40, 0, PutOptions{Happy: 256}); err == nil {
		t.Error("256 hosts can't hold distinct shares")
	}
}

// TestChooseByUptime: k is the preset's while hosts are there often enough, and
// falls to no less than half of it when they aren't.
func TestChooseByUptime(t *testing.T) {
	for _, c := range []struct {
		places int
		up     float64
		preset Preset
		want   int
	}{
		{10, 0, Safe, 3}, {10, 1, Safe, 3}, {10, 0.8, Safe, 3}, {10, 0.7, Safe, 2}, {10, 0.3, Safe, 2},
		{20, 0.9, Light, 14}, {20, 0.8, Light, 12}, {20, 0.3, Light, 8},
		{20, 0.8, Paranoid, 4}, {20, 0.5, Paranoid, 2}, {20, 0.2, Paranoid, 2},
		{4, 0.99, Safe, 2}, {4, 0.9, Safe, 1}, {2, 0.5, Safe, 1},
	} {
		got, err := Choose(c.places, c.up, PutOptions{Preset: c.preset})
		if err != nil || got.K != c.want || got.N != min(c.places, maxChosen) {
			t.Errorf("Choose(%d, %v, %s) = %+v, %v; want k = %d", c.places, c.up, c.preset, got, err, c.want)
		}
	}
	if got, _ := Choose(10, 0.1, PutOptions{K: 7}); got.K != 7 {
		t.Errorf("an explicit k became %d", got.K)
	}
}

// TestEqualHostsAreTheWorst: the probability that Choose reckons with is never
// more than that of hosts with the same average.
func TestEqualHostsAreTheWorst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		up, sum := make([]float64, n), 0.0
		for i := range up {
			up[i] = rapid.Float64Range(0, 1).Draw(t, "up")
			sum += up[i]
		}
		k := rapid.IntRange(0, int(sum)).Draw(t, "k")
		chances := []float64{1}
		for _, p := range up {
			chances = convolve(chances, []float64{1 - p, p})
		}
		real := 0.0
		for _, c := range chances[k:] {
			real += c
		}
		if bound := atLeast(k, n, sum/float64(n)); real < bound-1e-9 {
			t.Fatalf("%d of %v: %v, less than the %v of equal ones", k, up, real, bound)
		}
	})
}

func TestUpOf(t *testing.T) {
	week := int64(measured)
	for _, c := range []struct {
		places []Place
		want   float64
	}{
		{nil, 0},
		{[]Place{{}, {}}, 0},
		{[]Place{{Up: 930_000, Windows: week}, {}}, 0.9},
		{[]Place{{Up: 930_000, Windows: week}, {}, {}}, 0},
		{[]Place{{Up: 930_000, Windows: week - 1}}, 0},
		{[]Place{{Up: 1_000_000, Windows: week}, {Up: 500_000, Windows: 2 * week}}, 0.75},
		{[]Place{{Up: 0, Windows: week}}, 0.05},
	} {
		if got := upOf(c.places); got != c.want {
			t.Errorf("%+v are there with %v, want %v", c.places, got, c.want)
		}
	}
}
