package api

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"potluck"
	"potluck/node"
)

// metrics answers in the text form of Prometheus. Every figure is read from the
// books when it is asked for.
func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	reg := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{&gauges{r.Context(), s.node}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := reg.Register(c); err != nil {
			fail(w, problem(err))
			return
		}
	}
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// gauges collects the figures of one node for one answer.
type gauges struct {
	ctx  context.Context
	node *node.Node
}

func nodeMetric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("potluck_"+name, help, labels, nil)
}

func peerMetric(name, help string, more ...string) *prometheus.Desc {
	return nodeMetric(name, help, append([]string{"peer", "name"}, more...)...)
}

// The metrics that are made of a node's status.
var ofStatus = []struct {
	desc *prometheus.Desc
	of   func(node.Status) potluck.Size
}{
	{nodeMetric("offered_bytes", "Charged bytes offered to friends in all."), func(s node.Status) potluck.Size { return s.Offered }},
	{nodeMetric("held_bytes", "Charged bytes held for all friends."), func(s node.Status) potluck.Size { return s.Held }},
	{nodeMetric("reserved_bytes", "Charged bytes promised to uploads that run."), func(s node.Status) potluck.Size { return s.Reserved }},
	{nodeMetric("held_for_me_bytes", "Charged bytes that friends hold for this node."), func(s node.Status) potluck.Size { return s.HeldForMe }},
	{nodeMetric("disk_free_bytes", "Bytes free on the disk, the floor included."), func(s node.Status) potluck.Size { return s.DiskFree }},
	{nodeMetric("room_bytes", "Charged bytes that could still be taken, whoever asks."), func(s node.Status) potluck.Size { return s.Room }},
	{nodeMetric("friends", "Friends."), func(s node.Status) potluck.Size { return potluck.Size(s.Friends) }},
	{nodeMetric("friends_connected", "Friends that are connected."), func(s node.Status) potluck.Size { return potluck.Size(s.Connected) }},
}

// The metrics that are made of one line of who.
var ofPeer = []struct {
	desc *prometheus.Desc
	of   func(node.Row) potluck.Size
}{
	{peerMetric("peer_held_bytes", "Charged bytes held for the peer."), func(r node.Row) potluck.Size { return r.IHold.Bytes }},
	{peerMetric("peer_reserved_bytes", "Charged bytes reserved for the peer's uploads."), func(r node.Row) potluck.Size { return r.IHold.Reserved }},
	{peerMetric("peer_stored_bytes", "Charged bytes that the peer holds for this node."), func(r node.Row) potluck.Size { return r.HoldsForMe.Bytes }},
	{peerMetric("peer_granted_bytes", "Credit of the peer's own: what it holds, gift, opening, paid."), func(r node.Row) potluck.Size { return r.Supply }},
	{peerMetric("peer_free_bytes", "Charged bytes that the peer could add now."), func(r node.Row) potluck.Size { return r.Free }},
	{peerMetric("peer_short_bytes", "Charged bytes of the peer that nothing covers."), func(r node.Row) potluck.Size { return r.Short }},
	{peerMetric("peer_balance_bytes", "What the peer holds for this node less what is held for it."),
		func(r node.Row) potluck.Size { return r.HoldsForMe.Bytes - r.IHold.Bytes }},
	{peerMetric("peer_connected", "1 when the peer is connected."), func(r node.Row) potluck.Size {
		if r.Connected {
			return 1
		}
		return 0
	}},
}

var (
	ofStanding = peerMetric("peer_standing", "1 for the step of the ladder on which the peer stands.", "step")
	ofTimings  = nodeMetric("operation_seconds", "What books and store took since the start, by operation.", "operation")
	ofAudits   = peerMetric("peer_audits_today", "Audits of the peer today, by result.", "result")
	ofRefusals = nodeMetric("refusals_total", "Asks for new bytes that were refused since the start, by code.", "code")
)

// Describe tells what can be collected.
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, m := range ofStatus {
		to <- m.desc
	}
	for _, m := range ofPeer {
		to <- m.desc
	}
	to <- ofStanding
	to <- ofTimings
	to <- ofAudits
	to <- ofRefusals
}

// Collect reads the books. What can't be read is an error of the answer, not a zero.
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	who, err := g.node.Who(g.ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(ofStatus[0].desc, err)
		return
	}
	for _, m := range ofStatus {
		to <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, float64(m.of(who.Me)))
	}
	for _, r := range who.Rows {
		for _, m := range ofPeer {
			to <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, float64(m.of(r)), r.Peer.String(), r.Name)
		}
		to <- prometheus.MustNewConstMetric(ofStanding, prometheus.GaugeValue, 1, r.Peer.String(), r.Name, r.Standing.Step)
	}
	g.audits(to, who.Rows)
	for what, t := range g.node.Timings() {
		to <- prometheus.MustNewConstSummary(ofTimings, uint64(t.Count), t.Total.Seconds(), nil, what)
	}
	for code, n := range g.node.Refusals() {
		to <- prometheus.MustNewConstMetric(ofRefusals, prometheus.CounterValue, float64(n), string(code))
	}
}

// audits tells what was counted of all peers' audits today.
func (g *gauges) audits(to chan<- prometheus.Metric, rows []node.Row) {
	deeds, err := g.node.DeedsOn(g.ctx, g.node.Today())
	if err != nil {
		to <- prometheus.NewInvalidMetric(ofAudits, err)
		return
	}
	for _, r := range rows {
		d := deeds[r.Peer]
		for result, n := range map[string]int64{"good": d.AuditsGood, "failed": d.AuditsFailed} {
			to <- prometheus.MustNewConstMetric(ofAudits, prometheus.GaugeValue, float64(n), r.Peer.String(), r.Name, result)
		}
	}
}
