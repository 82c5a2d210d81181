package node

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"potluck"
)

// TestBudget: over any stretch of time no more is taken than a full bucket, what
// the days have brought, and what one file larger than the bucket has over it;
// restarts and clocks that are set back change nothing about it.
func TestBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		daily := potluck.Size(rapid.IntRange(0, 1_000_000).Draw(t, "daily"))
		var kept []byte
		keep := func(_ context.Context, at []byte) error { kept = append([]byte(nil), at...); return nil }
		b := budget{daily: func() potluck.Size { return daily }, keep: keep}
		now, began, taken, largest := int64(1_000_000), int64(1_000_000), potluck.Size(0), potluck.Size(0)
		newest := now
		b.load(nil, now)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				now += int64(rapid.IntRange(0, 200_000).Draw(t, "seconds"))
			case 1:
				b = budget{daily: func() potluck.Size { return daily }, keep: keep}
				b.load(kept, now)
			default:
				n := potluck.Size(rapid.IntRange(0, 1_500_000).Draw(t, "bytes"))
				ok, err := b.take(context.Background(), n, now)
				if err != nil {
					t.Fatal(err)
				}
				if ok {
					unused := potluck.Size(rapid.IntRange(0, int(n)).Draw(t, "unused"))
					if err := b.give(context.Background(), unused, now); err != nil {
						t.Fatal(err)
					}
					taken += n - unused
					largest = max(largest, n)
				}
			}
			newest = max(newest, now)
			if most := daily + daily*potluck.Size(newest-began)/86400 + max(largest-daily, 0) + 1; taken > most {
				t.Fatalf("%d bytes taken of %d a day in %d s, at most %d", taken, daily, newest-began, most)
			}
			if left := b.left(now); left < 0 || left > daily {
				t.Fatalf("%d left of %d a day", left, daily)
			}
		}
	})
}

func TestBudgetByHand(t *testing.T) {
	b := budget{daily: func() potluck.Size { return 1000 }, keep: func(context.Context, []byte) error { return nil }}
	b.load(nil, 0)
	for i, c := range []struct {
		at    int64
		bytes potluck.Size
		want  bool
	}{
		{0, 600, true}, {0, 600, false}, {0, 400, true}, {0, 0, true}, {43_200, 501, false}, {43_200, 500, true},
		{43_200 + 86_400, 5000, true},  // a full bucket, for a file of five days
		{43_200 + 2*86_400, 1, false},  // still in debt
		{43_200 + 6*86_400, 999, true}, // paid off
		{0, 500, false},                // the clock was set back
	} {
		if got, _ := b.take(t.Context(), c.bytes, c.at); got != c.want {
			t.Errorf("step %d: take %d at %d is %v, want %v (level %d)", i, c.bytes, c.at, got, c.want, b.level)
		}
	}
}
