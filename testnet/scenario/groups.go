package scenario

import (
	"strings"

	"potluck/testnet/sim"
)

// strategies are the words for how members behave.
var strategies = words(sim.Honest, sim.FreeRider, sim.DropAfterAck, sim.Liar, sim.Whitewasher, sim.Sybil,
	sim.Cycler, sim.RevokeAfterUse, sim.Hoarder, sim.Flaky, sim.Nightly)

func words(of ...sim.Strategy) (all []string) {
	for _, s := range of {
		all = append(all, string(s))
	}
	return all
}

func (d *decoder) group(g *section) sim.Group {
	c := sim.Group{Count: 1}
	g.text("name", &c.Name)
	if !nameForm.MatchString(c.Name) || len(c.Name) > maxName {
		g.fail("name", "%s is not a name of a-z, 0-9 and -, up to %d characters", show(c.Name), maxName)
	}
	g.integer("count", &c.Count, 1, maxCount)
	g.size("capacity", &c.Capacity)
	g.size("demand", &c.Demand)
	g.number("capacity_sigma", &c.CapacitySigma, 0, 5)
	g.number("demand_sigma", &c.DemandSigma, 0, 5)
	g.number("growth", &c.Growth, -1, 100)
	strategy := "honest"
	g.word("strategy", &strategy, strategies...)
	c.Strategy = sim.Strategy(strategy)
	g.number("split_keys", &c.SplitKeys, 0, 1)
	d.uptime(g.sub("uptime"), &c.Uptime)
	g.number("disk_death", &c.DiskDeath, 0, 1000)
	g.number("leave", &c.Leave, 0, 1000)
	g.integer("household", &c.Household, 0, maxCount)
	g.integer("isp", &c.ISP, 0, maxCount)
	g.boolean("joined_by_events", &c.JoinedByEvents)
	g.end()
	return c
}

func (d *decoder) uptime(u *section, c *sim.Uptime) {
	u.seconds("session", &c.Session, 0, 100*year)
	u.seconds("absence", &c.Absence, 0, 100*year)
	u.number("shape", &c.Shape, 0, 10)
	u.boolean("night", &c.Night)
	u.integer("zone", &c.Zone, -12, 14)
	d.trace(u, c)
	u.end()
}

// trace takes the times from a trace of real machines.
func (d *decoder) trace(u *section, c *sim.Uptime) {
	file := ""
	u.text("trace", &file)
	if file == "" {
		return
	}
	for _, key := range []string{"session", "absence", "shape"} {
		if _, given := u.table[key]; given {
			u.fail(key, "this is fitted to the trace: leave out the one or the other")
		}
	}
	fit, err := d.files.trace(file)
	if err != nil {
		u.fail("trace", "%v", err)
		return
	}
	c.Session, c.Absence, c.Shape = fit.Session, fit.Absence, fit.Shape
}

func (d *decoder) topology(t *section) sim.Topology {
	c := sim.Topology{Kind: "complete"}
	_, file := t.table["file"]
	_, kind := t.table["kind"]
	if file && !kind {
		c.Kind = "file"
	}
	t.word("kind", &c.Kind, "complete", "erdos-renyi", "watts-strogatz", "barabasi-albert", "caveman", "file")
	t.integer("degree", &c.Degree, 0, maxCount)
	t.number("rewire", &c.Rewire, 0, 1)
	t.number("bridges", &c.Bridges, 0, float64(maxCount))
	t.text("file", &c.File)
	switch {
	case c.Kind == "file" && c.File == "":
		t.fail("file", "kind = \"file\" needs the name of a file: an edge list, or GraphML when the name ends in .graphml or .xml")
	case c.Kind != "file" && file:
		t.fail("file", "kind = %s makes its own friendships: leave file out, or say kind = \"file\"", show(c.Kind))
	case file:
		edges, err := d.files.edges(c.File)
		if err != nil {
			t.fail("file", "%v", err)
		}
		c.Edges = edges
	}
	t.end()
	return c
}

func (d *decoder) event(e *section, s sim.Scenario) sim.Event {
	c := sim.Event{}
	if _, given := e.table["at"]; !given {
		e.fail("at", "an event needs its time, like at = \"30d\"")
	}
	e.seconds("at", &c.At, 0, sim.MaxDays*day)
	e.word("kind", &c.Kind, "outage", "holiday", "disk-death", "leave", "join", "set-policy")
	if c.Kind == "" {
		e.fail("kind", "an event needs its kind: outage, holiday, disk-death, leave, join or set-policy")
	}
	e.text("group", &c.Group)
	if c.Group != "" {
		var names []string
		for _, g := range s.Groups {
			names = append(names, g.Name)
		}
		e.word("group", &c.Group, names...)
	}
	e.integer("count", &c.Count, 0, maxCount)
	e.seconds("for", &c.For, 0, sim.MaxDays*day)
	if _, given := e.value("policy"); given {
		changed := s.Policy
		d.policy(e.sub("policy"), &changed)
		c.Policy = &changed
	}
	e.end()
	return c
}

// graphMLFile tells from its name whether a file is GraphML.
func graphMLFile(name string) bool {
	return strings.HasSuffix(name, ".graphml") || strings.HasSuffix(name, ".xml")
}
