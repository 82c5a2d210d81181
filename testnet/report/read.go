package report

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"potluck"
)

// Bounds of what a page shows; the files have all.
const (
	shownPoints = 12
	shownTimes  = 240 // of a line
	shownLosers = 20
)

// pick chooses at most limit of n numbers, evenly, the first and the last among them.
func pick(n, limit int) (all []int) {
	if n <= limit {
		limit = n
	}
	for i := range limit {
		at := 0
		if limit > 1 {
			at = i * (n - 1) / (limit - 1)
		}
		all = append(all, at)
	}
	return all
}

// band is a mean over replicates with its range.
type band struct {
	n              int
	sum, low, high float64
}

func (b *band) add(v float64) {
	if v != v {
		return
	}
	if b.n == 0 {
		b.low, b.high = v, v
	}
	b.n++
	b.sum += v
	b.low, b.high = min(b.low, v), max(b.high, v)
}

func (b *band) mean() float64 {
	if b == nil || b.n == 0 {
		return math.NaN()
	}
	return b.sum / float64(b.n)
}

// summaryTable is summary.csv by point.
type summaryTable struct {
	figures []string
	bands   []map[string]*band // by point
}

func readSummary(dir string, id Identity) (t summaryTable, err error) {
	t.bands = make([]map[string]*band, id.Points)
	for i := range t.bands {
		t.bands[i] = map[string]*band{}
	}
	skip := len(id.Axes) + 3
	err = eachRow(filepath.Join(dir, summaryName), func(head, row []string) error {
		point, err := strconv.Atoi(row[0])
		if err != nil || point < 0 || point >= id.Points || len(row) < skip {
			return fmt.Errorf("there is no point %q", row[0])
		}
		t.figures = head[skip:]
		for i, cell := range row[skip:] {
			if cell == "" {
				continue
			}
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				return err
			}
			b := t.bands[point][head[skip+i]]
			if b == nil {
				b = &band{}
				t.bands[point][head[skip+i]] = b
			}
			b.add(v)
		}
		return nil
	})
	return t, err
}

// eachRow reads a CSV file whose first row are the columns' names. row is only
// good until f returns.
func eachRow(path string, f func(head, row []string) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	r := csv.NewReader(bufio.NewReaderSize(file, 1<<20))
	head, err := r.Read()
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	r.ReuseRecord = true
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(head, row)
		}
		if err != nil {
			line, _ := r.FieldPos(0)
			return fmt.Errorf("read %s: line %d: %w", path, line, err)
		}
	}
}

// lineKey names one line of a chart.
type lineKey struct {
	metric, group string
	point         int // place among the shown points
}

// seriesTable is timeseries.csv, thinned, with replicates joined.
type seriesTable struct {
	shown   []int     // points
	times   [][]int64 // by place: those that are kept, ascending
	metrics []string  // in the order of the file
	groups  []string
	lines   map[lineKey][]band // by place in times
}

// eachSample reads the rows of the shown points.
func eachSample(dir string, shown []int, f func(place int, time int64, row []string) error) error {
	return eachRow(filepath.Join(dir, seriesName), func(_, row []string) error {
		point, err := strconv.Atoi(row[0])
		if err != nil || len(row) != 6 {
			return fmt.Errorf("want six columns, the first a point, have %q", row)
		}
		place, found := slices.BinarySearch(shown, point)
		if !found {
			return nil
		}
		time, err := strconv.ParseInt(row[2], 10, 64)
		if err != nil {
			return err
		}
		return f(place, time, row)
	})
}

func readSeries(dir string, id Identity) (t seriesTable, err error) {
	t.shown, t.lines = pick(id.Points, shownPoints), map[lineKey][]band{}
	all := make([][]int64, len(t.shown))
	err = eachSample(dir, t.shown, func(place int, time int64, row []string) error {
		if n := len(all[place]); row[1] == "0" && (n == 0 || all[place][n-1] < time) {
			all[place] = append(all[place], time)
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	for _, times := range all {
		var kept []int64
		for _, i := range pick(len(times), shownTimes) {
			kept = append(kept, times[i])
		}
		t.times = append(t.times, kept)
	}
	return t, eachSample(dir, t.shown, t.add)
}

func (t *seriesTable) add(place int, time int64, row []string) error {
	at, kept := slices.BinarySearch(t.times[place], time)
	if !kept {
		return nil
	}
	key := lineKey{metric: row[3], group: row[4], point: place}
	line, ok := t.lines[key]
	if !ok {
		key.metric, key.group = string([]byte(row[3])), string([]byte(row[4])) // the row's text is reused
		line = make([]band, len(t.times[place]))
		t.lines[key] = line
		t.metrics, t.groups = include(t.metrics, key.metric), include(t.groups, key.group)
	}
	if row[5] == "" {
		return nil
	}
	v, err := strconv.ParseFloat(row[5], 64)
	if err != nil {
		return err
	}
	line[at].add(v)
	return nil
}

func include(all []string, one string) []string {
	if slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

// loser is a member that lost data.
type loser struct {
	Point, Node, Times int
	Bytes              potluck.Size
}

// readLosers sums the events "lost" of events.jsonl by member.
func readLosers(dir string) ([]loser, error) {
	path := filepath.Join(dir, eventsName)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sums := map[[2]int]loser{}
	d := json.NewDecoder(bufio.NewReaderSize(file, 1<<20))
	for line := 1; ; line++ {
		var e struct {
			Point int `json:"point"`
			eventLine
		}
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: line %d: %w", path, line, err)
		}
		if e.Kind != "lost" {
			continue
		}
		key := [2]int{e.Point, e.Node}
		l := sums[key]
		sums[key] = loser{Point: e.Point, Node: e.Node, Times: l.Times + 1, Bytes: l.Bytes + e.Bytes}
	}
	all := make([]loser, 0, len(sums))
	for _, l := range sums {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b loser) int {
		switch {
		case a.Bytes != b.Bytes:
			return int(max(-1, min(1, b.Bytes-a.Bytes)))
		case a.Point != b.Point:
			return a.Point - b.Point
		}
		return a.Node - b.Node
	})
	return all[:min(len(all), shownLosers)], nil
}
