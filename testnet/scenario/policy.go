package scenario

import (
	"time"

	"potluck"
	"potluck/ledger/credit"
	"potluck/testnet/sim"
)

// defaultPolicy is what holds where a file says nothing: what a node does of
// itself, with a layout of 3 of 6.
func defaultPolicy() sim.Policy {
	return sim.Policy{
		Reciprocity: "pointers", RatioPPM: 1_000_000, Opening: potluck.GiB, K: 3, N: 6,
		Audits: true, AuditDays: 7, Ladder: credit.DefaultPolicy(), Goodwill: true, HouseholdAware: true,
	}
}

// policy changes c as a table says.
func (d *decoder) policy(p *section, c *sim.Policy) {
	p.text("reciprocity", &c.Reciprocity) // the simulator knows the words
	p.parts("ratio", &c.RatioPPM, 1e-6, 1000)
	p.size("gift", &c.Gift)
	p.size("opening", &c.Opening)
	p.integer("k", &c.K, 1, sim.MaxShares)
	p.integer("n", &c.N, 1, sim.MaxShares)
	p.boolean("audits", &c.Audits)
	p.integer("audit_days", &c.AuditDays, 1, 366)
	p.integer("repair_below", &c.RepairBelow, 0, sim.MaxShares)
	p.boolean("goodwill", &c.Goodwill)
	p.boolean("household_aware", &c.HouseholdAware)
	p.number("min_uptime", &c.MinUptime, 0, 1)
	p.integer("max_members", &c.MaxMembers, 0, sim.MaxMembers)
	d.ladder(p.sub("ladder"), &c.Ladder)
	p.end()
}

func (d *decoder) ladder(l *section, c *credit.Policy) {
	for _, step := range []struct {
		key string
		to  *time.Duration
	}{{"slowed", &c.Slowed}, {"frozen", &c.Frozen}, {"notice", &c.Notice}, {"evicting", &c.Evicting}, {"offline_grace", &c.OfflineGrace}} {
		seconds := int64(*step.to / time.Second)
		l.seconds(step.key, &seconds, 0, 100*year)
		*step.to = time.Duration(seconds) * time.Second
	}
	l.boolean("evict_auto", &c.EvictAuto)
	l.end()
}

func (d *decoder) workload(w *section) (c sim.Workload) {
	w.word("kind", &c.Kind, "fill", "pairs")
	w.size("unit", &c.Unit)
	w.number("per_day", &c.PerDay, 0, 100_000)
	w.end()
	return c
}
