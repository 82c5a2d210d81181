package files

import (
	"fmt"
	"math"
)

// Preset is a wish for durability that doesn't name numbers.
type Preset string

// The presets. In each, any k of n shares give the file back. Each means how many
// hosts may be lost for good, and how probable it is to be that the file can be
// read at a moment taken at random, as far as twice the bytes can do that.
const (
	Light    Preset = "light"    // survives the loss of about a quarter of the hosts; readable with 0.99
	Safe     Preset = "safe"     // about half, the default; 0.999
	Paranoid Preset = "paranoid" // about seven tenths; 0.99999
)

// Choice is a decision on how far to spread a file.
type Choice struct {
	K, N  int
	Happy int // distinct places that must hold a share before a put is done
}

// maxChosen bounds n where people don't say it: more hosts than that cost
// connections and bookkeeping, and add little.
const maxChosen = 20

// Choose decides k, n and happy for so many places that can take a share: hosts,
// where those of one household are one. up is how often a host is there, from 0 to
// 1, as far as it was measured; 0: it wasn't.
// Explicit numbers in o always win. It never asks for more places than there
// are unless n is explicit; two friends give 1-of-2, four give 2-of-4, ten give
// 3-of-10 with the preset "safe" (DESIGN section 3). Where hosts are there too
// seldom for the preset's probability, k is less, down to half of that.
func Choose(places int, up float64, o PutOptions) (Choice, error) {
	if err := checkNumbers(o); err != nil {
		return Choice{}, err
	}
	c := Choice{K: o.K, N: o.N, Happy: o.Happy}
	if c.N == 0 {
		c.N = max(min(places, maxChosen), c.K, c.Happy, 1)
	}
	if c.K == 0 {
		c.K = seldomK(min(presetK(c.N, o.Preset), c.N), c.N, up, o.Preset)
	}
	if c.Happy == 0 {
		// Every share on its own host while there are hosts enough, less one host
		// in ten that may fail during the put; never fewer than k.
		reach := min(c.N, max(places, c.K))
		c.Happy = max(c.K, reach-reach/5)
	}
	return c, nil
}

// presetK gives the number of shares needed, of n.
func presetK(n int, p Preset) int {
	switch p {
	case Light:
		return max(1, n*3/4)
	case Paranoid:
		return max(1, n/5)
	}
	if n <= 5 {
		return max(1, n/2)
	}
	return max(2, n*3/10)
}

// seldomK is k, or the greatest number below it, down to its half, with which so
// many of n hosts are there with the preset's probability. The hosts are taken to
// be there equally often: of all n with one average these have the least chance
// (Hoeffding 1956, as long as k is at most the average number that is there).
func seldomK(k, n int, up float64, p Preset) int {
	goal := 0.999
	switch p {
	case Light:
		goal = 0.99
	case Paranoid:
		goal = 0.99999
	}
	least := (k + 1) / 2
	for up > 0 && k > least && atLeast(k, n, up) < goal {
		k--
	}
	return k
}

// atLeast is the probability that k or more of n are there, each with up.
func atLeast(k, n int, up float64) float64 {
	up = min(up, 1)
	chances := []float64{1}
	for range n {
		chances = convolve(chances, []float64{1 - up, up})
	}
	sum := 0.0
	for _, c := range chances[k:] {
		sum += c
	}
	return sum
}

// A host counts as measured after a week; steps of a twentieth keep the choice,
// and so the key of a file, the same from day to day.
const (
	measured = 7 * upWeight
	upSteps  = 20
)

// upOf is how often hosts are there on average; 0 when that is known of fewer
// than half of them.
func upOf(places []Place) float64 {
	sum, known := 0.0, 0
	for _, at := range places {
		if at.Windows >= measured {
			sum += float64(at.Up) / 1e6
			known++
		}
	}
	if known == 0 || 2*known < len(places) {
		return 0
	}
	return max(1, math.Floor(sum/float64(known)*upSteps)) / upSteps
}

func checkNumbers(o PutOptions) error {
	switch o.Preset {
	case "", Light, Safe, Paranoid:
	default:
		return &UsageError{fmt.Sprintf("preset %q is none of light, safe, paranoid", o.Preset)}
	}
	switch {
	case o.K < 0 || o.N < 0 || o.Happy < 0:
		return &UsageError{fmt.Sprintf("k, n and happy must not be negative (%d, %d, %d)", o.K, o.N, o.Happy)}
	case o.N > 255 || o.K > 255:
		return &UsageError{fmt.Sprintf("%d shares: at most 255 can be made", max(o.K, o.N))}
	case o.Happy > 255:
		return &UsageError{fmt.Sprintf("happy %d: at most 255 shares can be made", o.Happy)}
	case o.N != 0 && o.K > o.N:
		return &UsageError{fmt.Sprintf("%d-of-%d: k can't be more than n", o.K, o.N)}
	case o.N != 0 && o.Happy > o.N:
		return &UsageError{fmt.Sprintf("happy %d can't be more than n, %d: each host counts for one share", o.Happy, o.N)}
	}
	return nil
}

// UsageError says that what was asked makes no sense; its text is for the asker.
type UsageError struct{ Text string }

// Error gives the text.
func (e *UsageError) Error() string { return e.Text }
