package report

import (
	"strconv"
	"strings"

	"potluck"
)

// unit is how a figure is written for people.
type unit string

// The units.
const (
	parts unit = "part"  // 0 to 1, shown in percent
	sizes unit = "bytes" // shown with a binary unit
	plain unit = "count"
)

// about says what a metric of the time series is.
type about struct {
	Metric, Title string
	Unit          unit
	Text          string
}

// metrics are those that are known, in the order of the page. Others follow
// under their own names.
var metrics = []about{
	{"served", "Demand served", parts, "What members have placed, of what they want to place."},
	{"readable", "Availability", parts, "Files of which enough shares can be reached at the moment."},
	{"jain", "Fairness: Jain's index", plain, "1: all honest members are served alike; 1/n: one has all."},
	{"gini", "Fairness: Gini coefficient", plain, "0: all honest members are served alike; near 1: a few have all."},
	{"lost", "Lost", sizes, "Data of which too few shares were left, summed from the start."},
	{"evicted", "Evicted", sizes, "Bytes that hosts deleted on the last step of the ladder, summed."},
	{"repair", "Repair traffic", sizes, "Bytes sent and read to replace shares, summed."},
	{"moved", "All traffic of shares", sizes, "Bytes of shares sent, summed."},
	{"demand", "Demand", sizes, "What members want to place."},
	{"placed", "Placed", sizes, "What members have placed."},
	{"held", "Held", sizes, "What servers hold for others."},
	{"short", "Not covered by credit", sizes, "What is held and nothing pays for any more."},
	{"members", "Members", plain, ""},
	{"online", "Servers online", parts, "Of the members' servers."},
}

// family is a set of metrics that are drawn together.
type family struct {
	Prefix, Title, Text string
	Unit                unit
	Names               map[string]string // of what is behind the prefix; the rest is its own name
}

var families = []family{
	{"hops-", "Credit by hops", "Bytes that were placed, by how many pointers lay between who paid and who placed them.", sizes,
		map[string]string{"0": "own credit", "1": "one pointer", "2": "two pointers", "3": "three and more"}},
	{"standing-", "Standing", "Accounts on each step of the ladder.", plain, nil},
}

// headline are the figures that come first; others follow in the order of the summary.
var headline = []string{"served", "jain", "gini", "available", "lost_bytes", "placed_bytes", "repair_bytes", "moved_bytes", "evicted_bytes", "refused"}

// unitOf tells a figure's unit from its name.
func unitOf(figure string) unit {
	name, _, _ := strings.Cut(figure, ":")
	switch {
	case name == "served", name == "available", name == "readable", name == "online":
		return parts
	case strings.HasSuffix(name, "_bytes"):
		return sizes
	}
	return plain
}

// show gives a value with its unit.
func (u unit) show(v float64) string {
	switch {
	case v != v:
		return "–"
	case u == parts:
		return strconv.FormatFloat(v*100, 'f', 1, 64) + " %"
	case u == sizes && v > -float64(potluck.MaxSize)*128 && v < float64(potluck.MaxSize)*120:
		return potluck.Size(v).String()
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}
