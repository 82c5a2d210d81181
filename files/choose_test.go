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
