package scenario

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"potluck/testnet/sim"
)

// Bounds of a file.
const (
	maxText   = 256 << 10 // bytes
	maxGroups = 64
	maxEvents = 1024
	maxCount  = sim.MaxMembers
	maxName   = 64 // bytes
)

// defaultEvents is how many records of a replicate are kept.
const defaultEvents = 10_000

// nameForm is what a scenario or a group may be called: names stand in key
// paths and in file names.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// tree is a file as the TOML decoder gives it.
type tree map[string]any

// parseTree reads TOML text within the bounds.
func parseTree(text string) (tree, toml.MetaData, lineIndex, error) {
	if len(text) > maxText {
		return nil, toml.MetaData{}, nil, Errors{{Reason: fmt.Sprintf("the file has %d bytes; at most %d are read", len(text), maxText)}}
	}
	if err := checkShape(text); err != nil {
		return nil, toml.MetaData{}, nil, Errors{err}
	}
	var t tree
	meta, err := toml.Decode(text, &t)
	if err != nil {
		return nil, meta, nil, Errors{syntax(err)}
	}
	return t, meta, indexLines(text), nil
}

// syntax gives the decoder's error a line.
func syntax(err error) *Error {
	var at toml.ParseError
	if !errors.As(err, &at) {
		return &Error{Reason: err.Error()}
	}
	reason := at.Message
	if _, after, ok := strings.Cut(at.Error(), "): "); ok && reason == "" {
		reason = after
	}
	return &Error{Line: at.Position.Line, Key: at.LastKey, Reason: strings.ReplaceAll(reason, "\n", " ")}
}

// decoder turns one tree into one scenario.
type decoder struct {
	lines  lineIndex
	swept  map[string]int    // paths with positions whose values a sweep set, and its line
	shown  map[string]string // "group.0" → "group.homes"
	files  *files            // graphs and traces, read once
	errors Errors
}

func (d *decoder) fail(at, shown, format string, args ...any) {
	line, swept := d.swept[at]
	if !swept {
		line = d.lines.of(at)
	}
	d.errors = append(d.errors, &Error{Line: line, Key: shown, Reason: fmt.Sprintf(format, args...)})
}

// table gives a section of the file, empty if there is none.
func (d *decoder) table(t tree, name string) *section {
	s := &section{d: d, at: name, shown: name}
	if v, ok := t[name]; ok {
		if s.table, ok = v.(map[string]any); !ok {
			d.fail(name, name, "want a table, [%s], have %s", name, show(v))
		}
	}
	return s
}

// list gives the tables of an array of them.
func (d *decoder) list(t tree, name string, most int) (all []*section) {
	v, ok := t[name]
	if !ok {
		return nil
	}
	for i, table := range tables(v) {
		at := join(name, strconv.Itoa(i))
		s := &section{d: d, at: at, shown: at, table: table}
		if own, ok := table["name"].(string); ok && nameForm.MatchString(own) {
			s.shown = join(name, own)
		}
		d.shown[at] = s.shown
		all = append(all, s)
	}
	switch {
	case len(all) == 0:
		d.fail(name, name, "want tables, [[%s]], have %s", name, show(v))
	case len(all) > most:
		d.fail(name, name, "there are %d; at most %d are allowed", len(all), most)
		return nil
	}
	return all
}

// tables gives an array of tables in either of the decoder's forms.
func tables(v any) (all []map[string]any) {
	switch v := v.(type) {
	case []map[string]any:
		return v
	case []any:
		for _, one := range v {
			t, ok := one.(map[string]any)
			if !ok {
				return nil
			}
			all = append(all, t)
		}
	}
	return all
}

// scenario decodes all sections but the sweep. Whether the simulator can run it
// is asked apart.
func (d *decoder) scenario(t tree) (s sim.Scenario, o Output) {
	top := &section{d: d, table: t, known: []string{"scenario", "group", "topology", "policy", "workload", "event", "sweep", "output"}}
	top.end()
	d.head(d.table(t, "scenario"), &s)
	groups := d.list(t, "group", maxGroups)
	if _, given := t["group"]; !given {
		d.fail("group", "group", "there is no [[group]]; a scenario needs one at least")
	}
	seen := map[string]bool{}
	for _, g := range groups {
		s.Groups = append(s.Groups, d.group(g))
		name := s.Groups[len(s.Groups)-1].Name
		if seen[name] {
			g.fail("name", "two groups are called %s", show(name))
		}
		seen[name] = true
	}
	p := d.table(t, "policy")
	s.Policy, s.MaxHops = defaultPolicy(), 3
	p.integer("max_hops", &s.MaxHops, 0, 16)
	d.policy(p, &s.Policy)
	s.Topology = d.topology(d.table(t, "topology"))
	s.Workload = d.workload(d.table(t, "workload"))
	for _, e := range d.list(t, "event", maxEvents) {
		s.Events = append(s.Events, d.event(e, s))
	}
	o = d.output(d.table(t, "output"))
	return s, o
}

func (d *decoder) head(h *section, s *sim.Scenario) {
	s.Name, s.Days, s.Step, s.Replicates = "scenario", 365, day, 1
	h.text("name", &s.Name)
	if !nameForm.MatchString(s.Name) || len(s.Name) > maxName {
		h.fail("name", "%s is not a name of a-z, 0-9 and -, up to %d characters", show(s.Name), maxName)
	}
	seed := 1
	h.integer("seed", &seed, 0, math.MaxInt64)
	s.Seed = uint64(seed)
	h.integer("days", &s.Days, 1, sim.MaxDays)
	h.seconds("step", &s.Step, 60, int64(s.Days)*day)
	h.integer("replicates", &s.Replicates, 1, sim.MaxReplicates)
	h.end()
}

func (d *decoder) output(o *section) Output {
	out := Output{Events: defaultEvents}
	o.integer("events", &out.Events, 0, math.MaxInt32)
	o.end()
	return out
}

// validate asks the simulator, and finds the line of what it says.
func (d *decoder) validate(s sim.Scenario) {
	err := s.Validate()
	if err == nil {
		return
	}
	var field *sim.FieldError
	if !errors.As(err, &field) {
		d.errors = append(d.errors, &Error{Reason: err.Error()})
		return
	}
	at := places.Replace(field.Key)
	if at == "scenario.max_hops" {
		at = "policy.max_hops"
	}
	d.fail(at, d.people(at), "%s", field.Reason)
}

// places turns the simulator's group[1] into group.1.
var places = strings.NewReplacer("[", ".", "]", "")

// people gives a path with names in place of positions.
func (d *decoder) people(at string) string {
	parts := strings.SplitN(at, ".", 3)
	if len(parts) < 2 {
		return at
	}
	if shown, ok := d.shown[parts[0]+"."+parts[1]]; ok {
		return strings.Join(append([]string{shown}, parts[2:]...), ".")
	}
	return at
}
