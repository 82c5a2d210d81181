package node

import (
	"bytes"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"potluck"
)

func drawPassage(t *rapid.T) (p passage) {
	p.done = rapid.Int64Range(0, math.MaxInt64).Draw(t, "done")
	if p.under = rapid.Bool().Draw(t, "under"); p.under {
		p.began = rapid.Int64Range(0, math.MaxInt64).Draw(t, "began")
		p.at.Number = potluck.ShareNumber(rapid.IntRange(0, potluck.MaxShares-1).Draw(t, "number"))
		copy(p.at.Index[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "index"))
	}
	return p
}

func TestPassageIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPassage(t)
		got, err := decodePassage(p.encode())
		if err != nil || got != p {
			t.Fatalf("%+v is read as %+v, %v", p, got, err)
		}
	})
	if p, err := decodePassage(nil); err != nil || p != (passage{}) {
		t.Errorf("no position is read as %+v, %v", p, err)
	}
	good := passage{under: true, began: 5, done: 4}.encode()
	for what, change := range map[string]func(b []byte) []byte{
		"cut":            func(b []byte) []byte { return b[1:] },
		"longer":         func(b []byte) []byte { return append(b, 0) },
		"another form":   func(b []byte) []byte { b[0] = 2; return b },
		"half under way": func(b []byte) []byte { b[1] = 2; return b },
		"time below 0":   func(b []byte) []byte { b[19] = 0x80; return b },
		"share 255":      func(b []byte) []byte { b[18] = 255; return b },
		"not under way":  func(b []byte) []byte { b[1] = 0; return b },
	} {
		if p, err := decodePassage(change(bytes.Clone(good))); err == nil {
			t.Errorf("%s: read as %+v", what, p)
		}
	}
}

func FuzzPassage(f *testing.F) {
	f.Add(passage{under: true, began: 5, done: 4}.encode())
	f.Add(passage{done: 1}.encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodePassage(b)
		if err == nil && len(b) > 0 && !bytes.Equal(p.encode(), b) {
			t.Fatalf("%x is read as %+v, which is written %x", b, p, p.encode())
		}
	})
}

// TestPassesFallDue: one every so often, whatever is done to the clock.
func TestPassesFallDue(t *testing.T) {
	const day, now = 24 * time.Hour, 1_800_000_000
	const year = 365 * 24 * 3600
	for what, c := range map[string]struct {
		p    passage
		want time.Duration
	}{
		"never made":              {passage{}, 0},
		"an hour ago":             {passage{done: now - 3600}, 23 * time.Hour},
		"just now":                {passage{done: now}, day},
		"a day ago":               {passage{done: now - 24*3600}, 0},
		"under way":               {passage{under: true, began: now, done: now}, 0},
		"the clock was set back":  {passage{done: now + year}, 0},
		"the clock was set ahead": {passage{done: now - year}, 0},
		"a time beyond all":       {passage{done: math.MaxInt64}, 0},
	} {
		if got := c.p.wait(now, day); got != c.want {
			t.Errorf("%s: due in %v, want %v", what, got, c.want)
		}
	}
}

// TestRestKeepsTheShare: whatever the work takes, it is that part of the time.
func TestRestKeepsTheShare(t *testing.T) {
	for _, c := range []struct {
		took  time.Duration
		share float64
		want  time.Duration
	}{
		{time.Second, 1, 0}, {time.Second, 0.5, time.Second}, {time.Second, 0.1, 9 * time.Second}, {0, 0.1, 0}, {time.Hour, 1e-300, maxRest},
	} {
		if got := rest(c.took, c.share); (got - c.want).Abs() > time.Millisecond {
			t.Errorf("after %v at a share of %v: rest %v, want %v", c.took, c.share, got, c.want)
		}
	}
}

// TestScrubKeepsItsPace: what is read by a time is the same part of all shares as
// that time is of the term; a clock that is set changes the pace for no longer
// than one pass.
func TestScrubKeepsItsPace(t *testing.T) {
	const term, began, day = 30 * 24 * time.Hour, int64(1_800_000_000), int64(24 * 3600)
	at := func(part float64) (id potluck.ShareID) {
		n := uint64(part * (1 << 63) * 2)
		for i := range 8 {
			id.Index[i] = byte(n >> (56 - 8*i))
		}
		return id
	}
	p := passage{}.pace(began, term)
	for part, days := range map[float64]int64{0: 0, 0.1: 3, 0.5: 15, 0.9: 27} {
		if got := p.due(at(part), began, term); (got - time.Duration(days)*24*time.Hour).Abs() > time.Minute {
			t.Errorf("at %v of all shares: due in %v, want %d days", part, got, days)
		}
	}
	p.at = at(0.5)
	back := p.pace(began-365*day, term)
	if got := back.due(at(0.6), began-365*day, term); (got - 3*24*time.Hour).Abs() > time.Minute {
		t.Errorf("after the clock was set back a year: due in %v, want 3 days", got)
	}
	if ahead := p.pace(began+365*day, term); ahead != p || ahead.due(at(0.99), began+365*day, term) != 0 {
		t.Errorf("after the clock was set ahead a year: %+v, want the same pass, and all of it due", ahead)
	}
	p.done = began - day
	if got, wait := p.through(began+29*day, term); got.at != p.at || !got.under || got.done != began+29*day || wait != 24*time.Hour {
		t.Errorf("all read before the term is over: %+v in %v, want the same pass", got, wait)
	}
	if got, wait := p.through(began+30*day, term); got.began != began+30*day || got.at != (potluck.ShareID{}) || got.done != began+30*day || wait != 0 {
		t.Errorf("all read after the term: %+v in %v, want the next pass", got, wait)
	}
}

// TestConfigOfTheLoops: what config.toml may say about the loops over all shares.
func TestConfigOfTheLoops(t *testing.T) {
	for text, ok := range map[string]bool{
		"crawl_share = 0":    true,
		"crawl_share = 0.25": true,
		"crawl_share = 1":    true,
		"scrub_days = 0":     true,
		"scrub_days = 7":     true,
		"crawl_share = -0.1": false,
		"crawl_share = 1.1":  false,
		"crawl_share = nan":  false,
		"crawl_share = inf":  false,
		"scrub_days = -1":    false,
		"scrub_days = 3651":  false,
		"scrub_days = 1.5":   false,
		`scrub_days = "30"`:  false,
	} {
		if _, err := parseFile(text); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, c := range []Config{{CrawlShare: 1.5}, {CrawlShare: math.NaN()}, {ScrubDays: maxScrubDays + 1}} {
		c.Data = t.TempDir()
		if _, err := c.withDefaults(); err == nil {
			t.Errorf("a share of %v and %d days are taken", c.CrawlShare, c.ScrubDays)
		}
	}
	if c, err := (Config{Data: t.TempDir()}).withDefaults(); err != nil || c.CrawlShare != 0.1 || c.ScrubDays != 30 {
		t.Errorf("the defaults are %v and %d, %v", c.CrawlShare, c.ScrubDays, err)
	}
}
