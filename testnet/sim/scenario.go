package sim

import (
	"potluck"
	"potluck/ledger/credit"
)

// Scenario is one modelled friendnet and what happens to it.
type Scenario struct {
	Name       string
	Seed       uint64
	Days       int   // of virtual time
	Step       int64 // seconds between samples; 0: a day
	MaxHops    int   // sponsor distance (CREDIT.md, section 3); 0: arcs carry nothing
	Groups     []Group
	Topology   Topology
	Policy     Policy
	Workload   Workload
	Events     []Event
	Replicates int  // for whoever runs a scenario several times; at least 1
	Check      bool // conservation and the bounds of CREDIT.md, section 10, after every event
}

// Group is a number of members who are alike.
type Group struct {
	Name           string
	Count          int
	Capacity       potluck.Size // offered by each member's server, the mean
	Demand         potluck.Size // of data before expansion by n/k, the mean
	CapacitySigma  float64      // spread of the logarithm; 0: all equal
	DemandSigma    float64
	Growth         float64 // of demand per year: 0.2 is +20 %
	Strategy       Strategy
	SplitKeys      float64 // part of the members whose server has another key than they
	Uptime         Uptime
	DiskDeath      float64 // deaths per year and server
	Leave          float64 // departures for good per year and member
	Household      int     // members per household; 0 or 1: each its own
	ISP            int     // members per provider; 0: each its own
	JoinedByEvents bool    // absent until an event "join" brings them
}

// Uptime is when a server can be reached. The zero value is always.
type Uptime struct {
	Session, Absence int64   // mean seconds; Session 0: never away
	Shape            float64 // of the Weibull distribution of both; 0 or 1: exponential
	Night            bool    // off from 23 to 7 o'clock, give or take an hour
	Zone             int     // hours east of UTC
}

// Strategy is how a member behaves.
type Strategy string

// The strategies; the empty one is honest.
const (
	Honest         Strategy = "honest"
	FreeRider      Strategy = "free-rider"       // asks, and holds nothing for anybody
	DropAfterAck   Strategy = "drop-after-ack"   // acknowledges, and keeps nothing
	Liar           Strategy = "liar"             // says that it has ten times the room it has, and drops what doesn't fit
	Whitewasher    Strategy = "whitewasher"      // holds nothing, and comes back under a new key when it is frozen
	Sybil          Strategy = "sybil"            // one member with friends; the others of the group are its inventions, joined in a ring by pointers
	Cycler         Strategy = "cycler"           // holds nothing; the group points credit round in a cycle
	RevokeAfterUse Strategy = "revoke-after-use" // points all of its credit to the next of its group, and takes it back when it is used
	Hoarder        Strategy = "hoarder"          // holds honestly, and asks for all it can get
	Flaky          Strategy = "flaky"            // honest, and unless its uptime is given, two thirds of the time away
	Nightly        Strategy = "nightly"          // honest, off at night
)

// Topology is who is whose friend.
type Topology struct {
	Kind    string   // complete, erdos-renyi, watts-strogatz, barabasi-albert, caveman, file
	Degree  int      // mean friends of a member; in a caveman graph the size of a cave less one
	Rewire  float64  // watts-strogatz: chance that an edge is led elsewhere
	Bridges float64  // caveman: edges between caves, per member
	File    string   // where Edges came from, for the record
	Edges   [][2]int // file: pairs of members, numbered over the groups in their order
}

// Policy is what every honest node is told by its operator.
type Policy struct {
	// Reciprocity is one of
	//	none      free giving: whatever there is room for
	//	pairwise  each key is held for by those it holds for itself
	//	pointers  servers with a key of their own point their credit to the member
	//	          they work for, and repay those who hold that member's data
	//	loans     the same, and friends lend along paths as far as MaxHops: a loan is
	//	          charged to the borrower at the lender (CREDIT.md, section 3)
	//	routed    the same, and the borrower counts a loan as earned by the lender,
	//	          as the links of a credit network do: no rule of CREDIT.md, under study
	Reciprocity    string
	RatioPPM       int64        // 0: 1,000,000
	Gift           potluck.Size // to each friend, without return
	Opening        potluck.Size // trust line to each friend
	K, N           int          // shares that are enough, and that are placed; 0: 1
	Audits         bool
	AuditDays      int // the window; 0: 7
	RepairBelow    int // repair once fewer shares are good; 0: below N
	Ladder         credit.Policy
	Goodwill       bool    // service makes delays longer
	HouseholdAware bool    // no two shares of one file with one household or provider
	MinUptime      float64 // friends below take no part; 0: no such rule
	MaxMembers     int     // 0: no such rule
}

// Workload is what members ask for.
type Workload struct {
	Kind   string       // fill (or empty): each member places its demand; pairs: random members ask random others
	Unit   potluck.Size // of data that is placed at once; 0: a sixteenth of the member's demand, or less where openings are small
	PerDay float64      // pairs: asks per member and day
}

// Event is something that happens at a time to some members of a group.
type Event struct {
	At    int64  // seconds from the start
	Kind  string // outage, holiday, disk-death, leave, join, set-policy
	Group string // "": any
	Count int    // members; of an outage: providers. 0: all
	For   int64  // seconds, of an outage or a holiday
	// Policy is what holds from then on, of set-policy.
	Policy *Policy
}

// Sample is one figure at one time. Group is "" for all.
type Sample struct {
	Time   int64
	Metric string
	Group  string
	Value  float64
}

// Record is one thing that happened. Peer is -1 when only one node is meant.
type Record struct {
	Time       int64
	Kind       string
	Node, Peer int
	Bytes      potluck.Size
	Reason     string
}

// Observer is told what happens, in an order that depends on nothing but the
// scenario and the replicate. An error ends the run.
type Observer interface {
	Sample(Sample) error
	Record(Record) error
}

// Figure is one number of a summary.
type Figure struct {
	Name  string
	Value float64
}

// Summary is what a run comes to.
type Summary struct {
	Figures []Figure // always the same names in the same order for one scenario
}

// Get finds a figure by its name.
func (s Summary) Get(name string) (float64, bool) {
	for _, f := range s.Figures {
		if f.Name == name {
			return f.Value, true
		}
	}
	return 0, false
}
