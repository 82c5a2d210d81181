package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"potluck"
	"potluck/node"
)

// size is a flag's size in bytes: "500", "64K", "1.5GiB", "10GB".
type size potluck.Size

// UnmarshalText reads a size. With a unit above a byte it is rounded down to
// whole bytes; a number of bytes is whole as it is said.
func (s *size) UnmarshalText(text []byte) error {
	v, err := potluck.ParseSize(string(text))
	plain := strings.TrimSpace(strings.TrimRight(strings.TrimSpace(string(text)), "bB"))
	if n, perr := strconv.ParseFloat(plain, 64); err == nil && perr == nil && n != math.Trunc(n) {
		return fmt.Errorf("size %q isn't a whole number of bytes", text)
	}
	*s = size(v)
	return err
}

// percent is a flag's share in parts per million, above nothing and at most
// all: "40", "40%" or "12.5%", exact to the ppm.
type percent int64

// UnmarshalText reads a percentage.
func (p *percent) UnmarshalText(text []byte) error {
	number := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(string(text)), "%"))
	whole, part, point := strings.Cut(number, ".")
	if whole == "" || point && part == "" || strings.Trim(whole+part, "0123456789") != "" {
		return fmt.Errorf("share %q is not a percentage like 40, 40%% or 12.5%%", text)
	}
	if len(strings.TrimRight(part, "0")) > 4 {
		return fmt.Errorf("share %q is finer than a millionth; say at most four digits after the point", text)
	}
	v, err := strconv.ParseInt(whole+(part + "0000")[:4], 10, 64)
	switch {
	case err != nil || v > 1_000_000:
		return fmt.Errorf("share %q is over 100 %%, and nobody has more than all", text)
	case v == 0:
		return fmt.Errorf("a share of 0 %% is nothing; the least is 0.0001 %%")
	}
	*p = percent(v)
	return nil
}

// showPercent gives parts per million as people write them: "12.5 %".
func showPercent(ppm int64) string {
	return strconv.FormatFloat(float64(ppm)/1e4, 'f', -1, 64) + " %"
}

// ratio is a flag's ratio in parts per million: "1", "0.5" or "50%".
type ratio int64

// UnmarshalText reads a ratio.
func (r *ratio) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || math.IsNaN(v) || v < 0 || v > 1000 {
		return fmt.Errorf("ratio %q is not a number from 0 to 1000, like 1, 0.5 or 50%%", text)
	}
	*r = ratio(math.Round(v * 1e6))
	return nil
}

// showRatio gives parts per million as people write them.
func showRatio(ppm int64) string { return strconv.FormatFloat(float64(ppm)/1e6, 'f', -1, 64) }

// span is a flag's length of time in seconds: "90m", "48h", "7d", "2w".
type span int64

// UnmarshalText reads a length of time of at least a second.
func (s *span) UnmarshalText(text []byte) error {
	d, err := node.ParseSpan(string(text))
	if err == nil && d < time.Second {
		err = fmt.Errorf("%q is not a length of time like 1s, 90m, 48h, 7d or 2w", text)
	}
	if err != nil {
		return err
	}
	*s = span(d / time.Second)
	return nil
}

// day is a flag's date in unix seconds: "2026-12-31", the start of that day in
// UTC, or a time like "2026-12-31T18:00:00Z".
type day int64

// UnmarshalText reads a date.
func (d *day) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			*d = day(t.Unix())
			return nil
		}
	}
	return fmt.Errorf("%q is not a date like 2026-12-31 or 2026-12-31T18:00:00Z", text)
}
