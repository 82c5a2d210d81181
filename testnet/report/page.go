package report

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"potluck/internal/vendored"
)

//go:embed page/page.js
var pageScript string

//go:embed page/page.css
var pageStyle string

//go:embed page/page.html
var pageBody string

// writeHTML makes the page from the other files of a finished run.
//
// Whatever text is in them, the page stays what it is: text for people goes
// through html/template, data into a JSON block whose "<" are escaped, and from
// there to the page as text only. The content security policy allows the page's
// own scripts and styles by their hashes, and no network at all.
func writeHTML(dir string, m Manifest) error {
	summary, err := readSummary(dir, m.Identity)
	if err != nil {
		return err
	}
	series, err := readSeries(dir, m.Identity)
	if err != nil {
		return err
	}
	losers, err := readLosers(dir)
	if err != nil {
		return err
	}
	body, err := template.New("page").Parse(pageBody)
	if err != nil {
		return fmt.Errorf("template of the page: %w", err)
	}
	data, err := json.Marshal(chartData(m.Identity, series))
	if err != nil {
		return fmt.Errorf("encode the charts: %w", err)
	}
	_, err = write(context.Background(), filepath.Join(dir, htmlName), func(_ context.Context, w io.Writer) error {
		head := "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"" + contentPolicy() + "\">\n" +
			"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>" + vendored.Read("uplot/uPlot.min.css") + "</style>\n<style>" + pageStyle + "</style>\n"
		if _, err := io.WriteString(w, head); err != nil {
			return err
		}
		if err := body.Execute(w, pageFacts(m, summary, series, losers)); err != nil {
			return fmt.Errorf("write the page: %w", err)
		}
		_, err := io.WriteString(w, "<script type=\"application/json\" id=\"data\">"+string(data)+"</script>\n<script>"+vendored.Read("uplot/uPlot.iife.min.js")+"</script>\n<script>"+pageScript+"</script>\n</body>\n</html>\n")
		return err
	})
	return err
}

func contentPolicy() string {
	return "default-src 'none'; script-src " + sourceHash(vendored.Read("uplot/uPlot.iife.min.js")) + " " + sourceHash(pageScript) + "; style-src " + sourceHash(vendored.Read("uplot/uPlot.min.css")) + " " + sourceHash(pageStyle) + "; base-uri 'none'; form-action 'none'"
}

func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// charts is the JSON of the page.
type charts struct {
	Points []string  `json:"points"`
	Groups []string  `json:"groups"` // "" is all members
	Times  [][]int64 `json:"times"`  // by point, in seconds
	Charts []chart   `json:"charts"`
}

type chart struct {
	Title string      `json:"title"`
	Text  string      `json:"text"`
	Unit  unit        `json:"unit"`
	Lines []chartLine `json:"lines"`
}

// chartLine has a value for each time; null where there is none.
type chartLine struct {
	Point int      `json:"point"`
	Group int      `json:"group"`
	Name  string   `json:"name,omitempty"` // of a family: which of it
	Mean  []number `json:"mean"`
	Low   []number `json:"low,omitempty"` // with replicates that differ
	High  []number `json:"high,omitempty"`
}

// number is a value with six digits, or null.
type number float64

// MarshalJSON gives it.
func (n number) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(n), 'g', 6, 64), nil
}

func chartData(id Identity, t seriesTable) charts {
	c := charts{Groups: t.groups, Times: t.times, Charts: []chart{}}
	for _, point := range t.shown {
		c.Points = append(c.Points, id.title(point))
	}
	for _, a := range allMetrics(t.metrics) {
		c.Charts = append(c.Charts, chart{Title: a.Title, Text: a.Text, Unit: a.Unit, Lines: t.linesOf(a.Metric, "")})
	}
	for _, f := range families {
		one := chart{Title: f.Title, Text: f.Text, Unit: f.Unit}
		for _, metric := range t.metrics {
			if name, ok := strings.CutPrefix(metric, f.Prefix); ok {
				one.Lines = append(one.Lines, t.linesOf(metric, cmp.Or(f.Names[name], name))...)
			}
		}
		if len(one.Lines) > 0 {
			c.Charts = append(c.Charts, one)
		}
	}
	return c
}

// allMetrics gives the known metrics that are there, then the others, without
// those of families.
func allMetrics(there []string) (all []about) {
	known := map[string]bool{}
	for _, a := range metrics {
		known[a.Metric] = true
		if slices.Contains(there, a.Metric) {
			all = append(all, a)
		}
	}
	for _, metric := range there {
		grouped := slices.ContainsFunc(families, func(f family) bool { return strings.HasPrefix(metric, f.Prefix) })
		if !known[metric] && !grouped {
			all = append(all, about{Metric: metric, Title: metric, Unit: unitOf(metric)})
		}
	}
	return all
}

func (t seriesTable) linesOf(metric, name string) (all []chartLine) {
	for place := range t.shown {
		for group, g := range t.groups {
			bands, ok := t.lines[lineKey{metric, g, place}]
			if !ok {
				continue
			}
			l := chartLine{Point: place, Group: group, Name: name}
			ranges := false
			for _, b := range bands {
				l.Mean = append(l.Mean, number(b.mean()))
				ranges = ranges || b.low != b.high
			}
			if ranges {
				for _, b := range bands {
					l.Low, l.High = append(l.Low, number(b.edge(b.low))), append(l.High, number(b.edge(b.high)))
				}
			}
			all = append(all, l)
		}
	}
	return all
}

// edge is an end of the range, or no number when there is none.
func (b *band) edge(v float64) float64 {
	if b.n == 0 {
		return math.NaN()
	}
	return v
}
