package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// row is one figure.
type row struct {
	Name  string
	Value float64
	Unit  string
	Limit float64 // in the same unit; 0: there is none
	More  bool    // more is better: a rate
	Note  string  // for people
}

// ratio is how much of the limit is reached: 1 is all of it, and larger is
// better whatever the unit. It is 0 when there is no limit.
func (r row) ratio() float64 {
	switch {
	case r.Limit == 0 || r.Value == 0:
		return 0
	case r.More:
		return r.Value / r.Limit
	}
	return r.Limit / r.Value
}

// jsonRow is the row of --json. Limit and ratio are null where there is none.
type jsonRow struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Unit  string   `json:"unit"`
	Limit *float64 `json:"limit"`
	Ratio *float64 `json:"ratio"`
}

// printer writes results as they come. The first failed write is returned by
// rows; remarks are for people only.
type printer struct {
	w    io.Writer
	json bool
}

func newPrinter(w io.Writer, json bool) *printer { return &printer{w: w, json: json} }

// remark writes one line for people.
func (p *printer) remark(format string, args ...any) {
	if !p.json {
		fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// rows writes one table, or one JSON object a row.
func (p *printer) rows(rows ...row) error {
	if p.json {
		return p.objects(rows)
	}
	t := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "name\tvalue\tunit\tlimit\tratio\t")
	for _, r := range rows {
		limit, ratio := "-", "-"
		if r.Limit != 0 {
			limit, ratio = figure(r.Limit), fmt.Sprintf("%.2f", r.ratio())
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, figure(r.Value), r.Unit, limit, ratio, r.Note)
	}
	fmt.Fprintln(t)
	return t.Flush()
}

func (p *printer) objects(rows []row) error {
	enc := json.NewEncoder(p.w)
	for _, r := range rows {
		j := jsonRow{Name: r.Name, Value: r.Value, Unit: r.Unit}
		if r.Limit != 0 {
			ratio := r.ratio()
			j.Limit, j.Ratio = &r.Limit, &ratio
		}
		if err := enc.Encode(j); err != nil {
			return err
		}
	}
	return nil
}

// figure prints three significant digits, without an exponent.
func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.4f", v)
}

// arithmetic prints how a limit comes about.
func (p *printer) arithmetic(title string, l limit) error {
	if p.json {
		return nil
	}
	t := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\tGiB\tMB per CPU second\tCPU seconds\n", title)
	for _, s := range l.Stages {
		fmt.Fprintf(t, "  %s\t%.2f\t%.0f\t%.2f\n", s.Name, s.Bytes/(1<<30), s.Rate/1e6, s.Seconds)
	}
	fmt.Fprintf(t, "  sum\t\t\t%.2f\n", l.CPU)
	fmt.Fprintf(t, "  shared by %d cores\t\t\t%.2f s\n", l.Cores, l.CPU/float64(l.Cores))
	fmt.Fprintf(t, "  disk, with fsync\t\t\t%.2f s\t(the kernel's CPU for it, %.2f s, isn't counted)\n", l.Disk, l.Kernel)
	fmt.Fprintf(t, "  limit: the slower one\t\t\t%.2f s\n\n", l.Seconds())
	return t.Flush()
}

// median is the middle value, or the mean of the two middle ones.
func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	half := len(v) / 2
	if len(v)%2 == 1 {
		return v[half]
	}
	return (v[half-1] + v[half]) / 2
}
