package main

import (
	"encoding"
	"testing"
	"time"
)

func TestValues(t *testing.T) {
	date := func(y int, m time.Month, d, h int) int64 { return time.Date(y, m, d, h, 0, 0, 0, time.UTC).Unix() }
	for _, test := range []struct {
		kind, text string
		want       int64
		ok         bool
	}{
		{"size", "1.5GiB", 3 << 29, true},
		{"size", "10GB", 10_000_000_000, true},
		{"size", "ten", 0, false},
		{"size", "1.5", 0, false},
		{"size", "1.5B", 0, false},
		{"size", "-1", 0, false},
		{"size", "99999999T", 0, false},
		{"size", "99999999999999999999", 0, false},
		{"size", "9007199254740993", 9007199254740993, true},
		{"size", "72057594037927936", 1 << 56, true},
		{"size", "72057594037927937", 0, false},
		{"size", "64PiB", 1 << 56, true},
		{"size", "65PiB", 0, false},
		{"size", "2.0", 2, true},
		{"size", "1.3K", 1331, true},
		{"percent", "40", 400_000, true},
		{"percent", "40%", 400_000, true},
		{"percent", "12.5%", 125_000, true},
		{"percent", "12.5 %", 125_000, true},
		{"percent", "0.0001%", 1, true},
		{"percent", "33.3333", 333_333, true},
		{"percent", "33.33330", 333_333, true},
		{"percent", "100", 1_000_000, true},
		{"percent", "100.0001", 0, false},
		{"percent", "140%", 0, false},
		{"percent", "99999999999999999999", 0, false},
		{"percent", "33.33333", 0, false},
		{"percent", "0", 0, false},
		{"percent", "0%", 0, false},
		{"percent", "-5", 0, false},
		{"percent", "", 0, false},
		{"percent", ".5", 0, false},
		{"percent", "5.", 0, false},
		{"percent", "5.%", 0, false},
		{"percent", "1e1", 0, false},
		{"percent", "half", 0, false},
		{"ratio", "1", 1_000_000, true},
		{"ratio", "50%", 500_000, true},
		{"ratio", "0.1234567", 123_457, true},
		{"ratio", "0", 0, true},
		{"ratio", "1001", 0, false},
		{"ratio", "-1", 0, false},
		{"ratio", "NaN", 0, false},
		{"ratio", "Inf", 0, false},
		{"ratio", "", 0, false},
		{"span", "7d", 7 * 86400, true},
		{"span", "2w", 14 * 86400, true},
		{"span", "90m", 5400, true},
		{"span", "1h30m", 5400, true},
		{"span", "0d", 0, false},
		{"span", "-1d", 0, false},
		{"span", "1.5d", 0, false},
		{"span", "99999999d", 0, false},
		{"span", "d", 0, false},
		{"span", "1ms", 0, false},
		{"span", "forever", 0, false},
		{"day", "2026-12-31", date(2026, 12, 31, 0), true},
		{"day", "2026-12-31T18:00:00Z", date(2026, 12, 31, 18), true},
		{"day", "2026-12-31T18:00:00+01:00", date(2026, 12, 31, 17), true},
		{"day", "31.12.2026", 0, false},
		{"day", "2026-13-01", 0, false},
	} {
		got, err := decode(test.kind, test.text)
		if (err == nil) != test.ok || test.ok && got != test.want {
			t.Errorf("%s %q: %d, %v; want %d, ok %v", test.kind, test.text, got, err, test.want, test.ok)
		}
	}
}

func decode(kind, text string) (int64, error) {
	var s size
	var r ratio
	var l span
	var d day
	var p percent
	to := map[string]encoding.TextUnmarshaler{"size": &s, "ratio": &r, "span": &l, "day": &d, "percent": &p}[kind]
	err := to.UnmarshalText([]byte(text))
	return int64(s) + int64(r) + int64(l) + int64(d) + int64(p), err
}

// Whatever is typed, a value is in its range or refused.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{"1", "50%", "7d", "1.5GiB", "2026-12-31", "9999999999999T", "12.5%", "1e309", "-0", "65535w"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := decode("ratio", text); err == nil && (v < 0 || v > 1000e6) {
			t.Errorf("ratio %q is %d", text, v)
		}
		if v, err := decode("span", text); err == nil && (v < 1 || v > 1<<34) {
			t.Errorf("span %q is %d s", text, v)
		}
		if v, err := decode("size", text); err == nil && v < 0 {
			t.Errorf("size %q is %d", text, v)
		}
		if v, err := decode("percent", text); err == nil {
			back, err := decode("percent", showPercent(v))
			if v < 1 || v > 1e6 || err != nil || back != v {
				t.Errorf("percent %q is %d, and back %d, %v", text, v, back, err)
			}
		}
	})
}

func TestShowRatio(t *testing.T) {
	for ppm, want := range map[int64]string{1_000_000: "1", 500_000: "0.5", 0: "0", 123_457: "0.123457", 2_000_000: "2"} {
		if got := showRatio(ppm); got != want {
			t.Errorf("showRatio(%d) = %q, want %q", ppm, got, want)
		}
	}
}
