package scenario

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"potluck"
)

// section reads one table of a file. Each reader leaves what it is to fill as
// it is when the key isn't there, and notes an error when its value is wrong.
type section struct {
	d     *decoder
	at    string // path with positions: "group.0"
	shown string // path for people: "group.homes"
	table map[string]any
	known []string // keys that were asked for
}

// value gives what stands behind a key.
func (s *section) value(key string) (any, bool) {
	s.known = append(s.known, key)
	v, ok := s.table[key]
	return v, ok
}

// fail notes that a key's value is wrong.
func (s *section) fail(key, format string, args ...any) {
	s.d.fail(join(s.at, key), join(s.shown, key), format, args...)
}

// end notes the keys that nobody asked for.
func (s *section) end() {
	for _, key := range slices.Sorted(maps.Keys(s.table)) {
		if !slices.Contains(s.known, key) {
			s.fail(key, "this key is not known; the keys here are %s", strings.Join(s.known, ", "))
		}
	}
}

// sub gives the table behind a key, which may be missing or empty.
func (s *section) sub(key string) *section {
	inner := &section{d: s.d, at: join(s.at, key), shown: join(s.shown, key)}
	if v, ok := s.value(key); ok {
		if inner.table, ok = v.(map[string]any); !ok {
			s.fail(key, "want a table, have %s", show(v))
		}
	}
	return inner
}

func (s *section) text(key string, to *string) {
	if v, ok := s.value(key); ok {
		if *to, ok = v.(string); !ok {
			s.fail(key, "want text in quotes, have %s", show(v))
		}
	}
}

// word reads text that is one of some words.
func (s *section) word(key string, to *string, words ...string) {
	before := *to
	s.text(key, to)
	if _, given := s.table[key].(string); given && !slices.Contains(words, *to) {
		s.fail(key, "%s is none of %s", show(*to), strings.Join(words, ", "))
		*to = before
	}
}

func (s *section) boolean(key string, to *bool) {
	if v, ok := s.value(key); ok {
		if *to, ok = v.(bool); !ok {
			s.fail(key, "want true or false, have %s", show(v))
		}
	}
}

// integer reads a whole number from low to high.
func (s *section) integer(key string, to *int, low, high int) {
	v, ok := s.value(key)
	if !ok {
		return
	}
	n, ok := v.(int64)
	switch {
	case !ok:
		s.fail(key, "want a whole number, have %s", show(v))
	case n < int64(low) || n > int64(high):
		s.fail(key, "%d is not between %d and %d", n, low, high)
	default:
		*to = int(n)
	}
}

// number reads a number from low to high; a whole number is one too.
func (s *section) number(key string, to *float64, low, high float64) {
	v, ok := s.value(key)
	if !ok {
		return
	}
	f, ok := v.(float64)
	if n, whole := v.(int64); whole {
		f, ok = float64(n), true
	}
	switch {
	case !ok:
		s.fail(key, "want a number, have %s", show(v))
	case math.IsNaN(f) || f < low || f > high:
		s.fail(key, "%v is not between %v and %v", f, low, high)
	default:
		*to = f
	}
}

// parts reads a number from low to high in parts per million.
func (s *section) parts(key string, to *int64, low, high float64) {
	f := float64(*to) / 1e6
	s.number(key, &f, low, high)
	*to = int64(math.Round(f * 1e6))
}

func (s *section) size(key string, to *potluck.Size) {
	v, ok := s.value(key)
	if !ok {
		return
	}
	n, err := sizeOf(v)
	if err != nil {
		s.fail(key, "%v", err)
		return
	}
	*to = n
}

func sizeOf(v any) (potluck.Size, error) {
	switch v := v.(type) {
	case int64:
		if v < 0 || v > int64(potluck.MaxSize) {
			return 0, fmt.Errorf("size %d is not between 0 and %d bytes", v, int64(potluck.MaxSize))
		}
		return potluck.Size(v), nil
	case string:
		if strings.HasPrefix(strings.TrimSpace(v), "-") {
			return 0, fmt.Errorf("size %s is below zero", show(v))
		}
		return potluck.ParseSize(v)
	}
	return 0, fmt.Errorf("want a size like 500, \"64K\" or \"100 GB\", have %s", show(v))
}

// seconds reads a length of time from low to high, all in seconds.
func (s *section) seconds(key string, to *int64, low, high int64) {
	v, ok := s.value(key)
	if !ok {
		return
	}
	n, err := secondsOf(v)
	switch {
	case err != nil:
		s.fail(key, "%v", err)
	case n < low || n > high:
		s.fail(key, "%s is not between %s and %s", show(v), showSeconds(low), showSeconds(high))
	default:
		*to = n
	}
}

// Lengths of time in seconds.
const (
	hour = 3600
	day  = 24 * hour
	year = 365 * day
)

var units = []struct {
	name    string
	seconds int64
}{{"y", year}, {"w", 7 * day}, {"d", day}, {"h", hour}, {"m", 60}, {"s", 1}}

// secondsOf reads "90s", "6h", "1.5d" or "2y", rounded to whole seconds. A
// bare number would leave the unit open.
func secondsOf(v any) (int64, error) {
	text, ok := v.(string)
	if !ok {
		return 0, fmt.Errorf("want a length of time like \"90m\", \"6h\", \"30d\" or \"2y\", have %s", show(v))
	}
	t := strings.TrimSpace(text)
	for _, u := range units {
		number, ok := strings.CutSuffix(t, u.name)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || math.IsNaN(f) || math.Abs(f) > 1e9 {
			break
		}
		return int64(math.Round(f * float64(u.seconds))), nil
	}
	return 0, fmt.Errorf("%s is no length of time like \"90m\", \"6h\", \"30d\" or \"2y\"", show(v))
}

// showSeconds gives a length of time in its largest whole unit.
func showSeconds(n int64) string {
	for _, u := range units {
		if n%u.seconds == 0 && n >= u.seconds {
			return strconv.FormatInt(n/u.seconds, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "s"
}

// shownValue bounds what a message repeats of a value, in bytes.
const shownValue = 60

// show gives a value as the file could have it.
func show(v any) string {
	text := fmt.Sprint(v)
	switch v := v.(type) {
	case string:
		text = strconv.Quote(v)
	case map[string]any, []map[string]any:
		return "a table"
	case []any:
		return "a list"
	case float64:
		text = strconv.FormatFloat(v, 'g', -1, 64)
	}
	if len(text) > shownValue {
		text = strings.ToValidUTF8(text[:shownValue], "") + "…"
	}
	return text
}
