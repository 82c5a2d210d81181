package files

import "fmt"

// Preset is a wish for durability that doesn't name numbers.
type Preset string

// The presets. In each, any k of n shares give the file back.
const (
	Light    Preset = "light"    // survives the loss of about a quarter of the hosts
	Safe     Preset = "safe"     // about half, the default
	Paranoid Preset = "paranoid" // about seven tenths
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
// where those of one household are one.
// Explicit numbers in o always win. It never asks for more places than there
// are unless n is explicit; two friends give 1-of-2, four give 2-of-4, ten give
// 3-of-10 with the preset "safe" (DESIGN section 3).
func Choose(places int, o PutOptions) (Choice, error) {
	if err := checkNumbers(o); err != nil {
		return Choice{}, err
	}
	c := Choice{K: o.K, N: o.N, Happy: o.Happy}
	if c.N == 0 {
		c.N = max(min(places, maxChosen), c.K, c.Happy, 1)
	}
	if c.K == 0 {
		c.K = min(presetK(c.N, o.Preset), c.N)
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
		return &UsageError{fmt.Sprintf("%d-of-%d: at most 255 shares can be made", o.K, o.N)}
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
