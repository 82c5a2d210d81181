package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// facts are what the page says in text and tables.
type facts struct {
	Name   string
	Rows   [][2]string // what was run
	Notes  []string
	Points []string // titles of those that the tables have
	Tables []factTable
	Losers []shownLoser
}

// factTable has a row for each figure and a column for each point.
type factTable struct {
	Title, Text string
	Rows        []factRow
}

type factRow struct {
	Name  string
	Cells []cell
}

// cell is a mean, and its range where replicates differ.
type cell struct{ Mean, Range string }

type shownLoser struct {
	Point       string
	Node, Times int
	Bytes       string
}

func pageFacts(m Manifest, s summaryTable, t seriesTable, losers []loser) facts {
	f := facts{Name: m.Name, Rows: [][2]string{
		{"runs", fmt.Sprintf("%d points, %d replicates each", m.Points, m.Replicates)},
		{"seed", strconv.FormatUint(m.Seed, 10)},
		{"potluck", strings.TrimSpace(m.Version + " " + m.Revision)},
		{"Go", m.Go + ", " + m.Arch},
		{"scenario, SHA-256", m.Hash},
	}}
	for _, a := range m.Axes {
		f.Rows = append(f.Rows, [2]string{"varied", a.Key + ": " + strings.Join(a.Values, ", ")})
	}
	for _, point := range t.shown {
		f.Points = append(f.Points, m.title(point))
	}
	if len(t.shown) < m.Points {
		f.Notes = append(f.Notes, fmt.Sprintf("%d of the %d points are shown; summary.csv and timeseries.csv have all.", len(t.shown), m.Points))
	}
	if m.LeftOut > 0 {
		f.Notes = append(f.Notes, fmt.Sprintf("events.jsonl has the first events of each replicate; %d more happened, and are counted in the tables.", m.LeftOut))
	}
	f.Tables = slices.DeleteFunc([]factTable{s.headline(t.shown), s.hops(t.shown), s.groups(t.shown), s.happened(t.shown), s.others(t.shown)},
		func(t factTable) bool { return len(t.Rows) == 0 })
	for _, l := range losers {
		f.Losers = append(f.Losers, shownLoser{m.title(l.Point), l.Node, l.Times, l.Bytes.String()})
	}
	return f
}

// row gives a figure at each shown point.
func (s summaryTable) row(figure string, shown []int) factRow {
	r := factRow{Name: figure}
	u := unitOf(figure)
	for _, point := range shown {
		b := s.bands[point][figure]
		c := cell{Mean: u.show(b.mean())}
		if b != nil && b.low != b.high {
			c.Range = u.show(b.low) + " to " + u.show(b.high)
		}
		r.Cells = append(r.Cells, c)
	}
	return r
}

func (s summaryTable) headline(shown []int) factTable {
	t := factTable{Title: "Figures at the end", Text: "Means over replicates, and their range."}
	for _, name := range headline {
		if slices.Contains(s.figures, name) {
			t.Rows = append(t.Rows, s.row(name, shown))
		}
	}
	return t
}

// hopFigures are by how many pointers credit went to who uses it.
var hopFigures = [][2]string{{"own_credit_bytes", "own credit"}, {"one_hop_bytes", "one pointer"}, {"two_hop_bytes", "two pointers"}, {"more_hop_bytes", "three pointers and more"}}

func (s summaryTable) hops(shown []int) factTable {
	t := factTable{Title: "Credit by hops", Text: "Which part of what was placed was paid for by own credit, and which over how many pointers."}
	for _, h := range hopFigures {
		if !slices.Contains(s.figures, h[0]) {
			return factTable{}
		}
		r := factRow{Name: h[1]}
		for _, point := range shown {
			sum := 0.0
			for _, other := range hopFigures {
				sum += s.bands[point][other[0]].mean()
			}
			mean := s.bands[point][h[0]].mean()
			if sum > 0 {
				r.Cells = append(r.Cells, cell{Mean: parts.show(mean / sum)})
			} else {
				r.Cells = append(r.Cells, cell{Mean: "–"})
			}
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// groups are the figures of one group: "served:homes".
func (s summaryTable) groups(shown []int) factTable {
	t := factTable{Title: "By group", Text: "Who was served, and who lost what."}
	for _, name := range s.figures {
		if strings.Contains(name, ":") && !strings.HasPrefix(name, "record") {
			t.Rows = append(t.Rows, s.row(name, shown))
		}
	}
	return t
}

func (s summaryTable) happened(shown []int) factTable {
	t := factTable{Title: "What happened", Text: "How often, and with how many bytes, per replicate."}
	for _, name := range s.figures {
		if kind, ok := strings.CutPrefix(name, "records:"); ok {
			r, bytes := s.row(name, shown), s.row("record_bytes:"+kind, shown)
			r.Name = kind
			for i := range r.Cells {
				r.Cells[i].Range = bytes.Cells[i].Mean
			}
			t.Rows = append(t.Rows, r)
		}
	}
	return t
}

func (s summaryTable) others(shown []int) factTable {
	t := factTable{Title: "All other figures"}
	for _, name := range s.figures {
		hop := slices.ContainsFunc(hopFigures, func(h [2]string) bool { return h[0] == name })
		if !slices.Contains(headline, name) && !strings.Contains(name, ":") && !hop {
			t.Rows = append(t.Rows, s.row(name, shown))
		}
	}
	return t
}
