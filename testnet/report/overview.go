package report

import "slices"

// Overview is the headline of a finished run, as text.
type Overview struct {
	Figures []string             // names
	Points  []string             // titles
	Cells   [][]string           // by point, then by figure: means with their units
	Means   []map[string]float64 // by point: means over replicates of all figures
	Runs    int
}

// Look reads the headline of a finished run.
func Look(dir string) (o Overview, err error) {
	m, err := readManifest(dir)
	if err != nil {
		return o, err
	}
	s, err := readSummary(dir, m.Identity)
	if err != nil {
		return o, err
	}
	o.Runs = m.jobs()
	for _, name := range headline {
		if slices.Contains(s.figures, name) {
			o.Figures = append(o.Figures, name)
		}
	}
	for point := range m.Points {
		o.Points = append(o.Points, m.title(point))
		var cells []string
		for _, name := range o.Figures {
			cells = append(cells, unitOf(name).show(s.bands[point][name].mean()))
		}
		o.Cells = append(o.Cells, cells)
		means := map[string]float64{}
		for name, b := range s.bands[point] {
			means[name] = b.mean()
		}
		o.Means = append(o.Means, means)
	}
	return o, nil
}
