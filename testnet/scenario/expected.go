package scenario

import (
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"

	"github.com/BurntSushi/toml"
)

// Expected is what a study says must come out of its scenario.
type Expected struct {
	Small []Override // what makes the scenario small enough to be run often
	All   []Expectation
}

// Expectation is the range of one figure's mean over replicates, at all points
// that have some swept values.
type Expectation struct {
	Line     int
	Figure   string            // as in summary.csv
	At       map[string]string // swept key → value; empty: at every point
	Min, Max float64
	Why      string
}

// maxExpected is how many expectations a file may have.
const maxExpected = 1000

// LoadExpected reads a file of expectations. What is wrong with its contents is Errors.
func LoadExpected(path string) (Expected, error) {
	f, err := os.Open(path)
	if err != nil {
		return Expected{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return Expected{}, fmt.Errorf("read %s: %w", path, err)
	}
	e, err := ParseExpected(string(text))
	if err != nil {
		return Expected{}, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

// ParseExpected is LoadExpected for the text of a file.
func ParseExpected(text string) (e Expected, err error) {
	t, meta, lines, err := parseTree(text)
	if err != nil {
		return e, err
	}
	d := &decoder{lines: lines, shown: map[string]string{}}
	top := &section{d: d, table: t, known: []string{"small", "expect"}}
	top.end()
	e.Small = d.small(t, meta.Keys())
	for _, s := range d.list(t, "expect", maxExpected) {
		e.All = append(e.All, d.expectation(s))
	}
	if len(e.All) == 0 && len(d.errors) == 0 {
		d.fail("expect", "expect", "there is no [[expect]]")
	}
	return e, sorted(d.errors)
}

// small reads the overrides, in the order of the file.
func (d *decoder) small(t tree, keys []toml.Key) (all []Override) {
	table := d.table(t, "small").table
	for _, key := range keys {
		if len(key) < 2 || key[0] != "small" {
			continue
		}
		v := walk(table, key[1:])
		if _, inner := v.(map[string]any); !inner {
			all = append(all, Override{Key: joinAll(key[1:]), Value: v})
		}
	}
	return all
}

func joinAll(path []string) (key string) {
	for _, name := range path {
		key = join(key, name)
	}
	return key
}

func (d *decoder) expectation(s *section) Expectation {
	e := Expectation{Line: d.lines.of(s.at), Min: math.Inf(-1), Max: math.Inf(1), At: map[string]string{}}
	s.text("figure", &e.Figure)
	if e.Figure == "" {
		s.fail("figure", "an expectation names a figure of summary.csv")
	}
	s.number("min", &e.Min, -math.MaxFloat64, math.MaxFloat64)
	s.number("max", &e.Max, -math.MaxFloat64, math.MaxFloat64)
	_, low := s.table["min"]
	_, high := s.table["max"]
	if !low && !high || e.Min > e.Max {
		s.fail("min", "an expectation is a range: min, max or both, and min not above max")
	}
	s.text("why", &e.Why)
	at := s.sub("at")
	for _, key := range slices.Sorted(maps.Keys(at.table)) {
		switch v := at.table[key].(type) {
		case string, int64, float64, bool:
			e.At[key] = fmt.Sprint(v)
		default:
			at.fail(key, "want one swept value, with the key in quotes, have %s", show(v))
		}
	}
	s.end()
	return e
}

// Judge compares the means of figures, by point and name, with what is
// expected, and gives a sentence for each that isn't so.
func (e Expected) Judge(p Plan, means []map[string]float64) (wrong []string) {
	for _, x := range e.All {
		found := 0
		for i, point := range p.Points {
			if !x.at(p, point) {
				continue
			}
			found++
			v, ok := means[i][x.Figure]
			switch {
			case !ok:
				wrong = append(wrong, fmt.Sprintf("line %d: there is no figure %s at %s", x.Line, show(x.Figure), p.Title(i)))
			case !(v >= x.Min && v <= x.Max):
				wrong = append(wrong, fmt.Sprintf("line %d: %s at %s is %s, expected %s to %s: %s", x.Line, x.Figure, p.Title(i), number(v), number(x.Min), number(x.Max), x.Why))
			}
		}
		if found == 0 {
			wrong = append(wrong, fmt.Sprintf("line %d: the scenario has no point with %v", x.Line, x.At))
		}
	}
	return wrong
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 8, 64) }

func (x Expectation) at(p Plan, point Point) bool {
	matched := 0
	for i, a := range p.Axes {
		want, named := x.At[a.Key]
		if named && want != point.Values[i] {
			return false
		}
		if named {
			matched++
		}
	}
	return matched == len(x.At)
}
