package scenario

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Bounds of a trace.
const (
	maxTraceFile  = 1 << 30 // bytes
	maxTraceNodes = 1 << 20
	leastSpells   = 2 // of each kind, to fit anything
)

// Trace is what the availability of real machines comes to.
type Trace struct {
	Nodes              int
	Sessions, Absences int     // spells that were counted
	Session, Absence   int64   // mean seconds
	Shape              float64 // of the Weibull distribution with the sessions' mean and variance, 0.1 to 10
}

// ReadTrace fits sessions and absences to a trace in the Failure Trace
// Archive's format: the table event_trace, divided by tabs or blanks, whose
// columns are event_id, component_id, node_id, platform_id, node_name,
// event_type (0: unavailable, 1: available), event_start_time and
// event_stop_time in seconds, and more that are ignored. Lines that begin with #
// are remarks. Spells of other types count for neither; so do empty ones.
func ReadTrace(r io.Reader) (Trace, error) {
	in := &io.LimitedReader{R: r, N: maxTraceFile + 1}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, maxEdgeLine), maxEdgeLine)
	var up, down spells
	nodes := map[string]bool{}
	number := 0
	for lines.Scan() {
		number++
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		node, kind, seconds, err := traceLine(line)
		if err != nil {
			return Trace{}, fmt.Errorf("line %d: %w", number, err)
		}
		if nodes[node] = true; len(nodes) > maxTraceNodes {
			return Trace{}, fmt.Errorf("line %d: there are more than %d nodes", number, maxTraceNodes)
		}
		switch {
		case seconds > 0 && kind == "1":
			up.add(seconds)
		case seconds > 0 && kind == "0":
			down.add(seconds)
		}
	}
	if err := lines.Err(); err != nil {
		return Trace{}, fmt.Errorf("line %d: %w", number+1, err)
	}
	if in.N == 0 {
		return Trace{}, fmt.Errorf("the trace is larger than %d bytes", maxTraceFile)
	}
	if up.count < leastSpells || down.count < leastSpells {
		return Trace{}, fmt.Errorf("there are %d sessions and %d absences; a fit needs %d of each", up.count, down.count, leastSpells)
	}
	return Trace{
		Nodes: len(nodes), Sessions: up.count, Absences: down.count,
		Session: int64(math.Round(up.mean)), Absence: int64(math.Round(down.mean)), Shape: weibullShape(up),
	}, nil
}

func traceLine(line string) (node, kind string, seconds float64, err error) {
	divided := strings.Split(line, "\t")
	if len(divided) < 8 {
		divided = strings.Fields(line)
	}
	if len(divided) < 8 {
		return "", "", 0, fmt.Errorf("%s has %d columns; an event_trace has 8 or 9", show(line), len(divided))
	}
	start, err := traceTime(divided[6])
	if err != nil {
		return "", "", 0, err
	}
	stop, err := traceTime(divided[7])
	if err != nil {
		return "", "", 0, err
	}
	if stop < start {
		return "", "", 0, fmt.Errorf("the event stops at %v, before it starts at %v", stop, start)
	}
	return strings.TrimSpace(divided[2]), strings.TrimSpace(divided[5]), stop - start, nil
}

// latestTime bounds times, in seconds since 1970: exact as a float.
const latestTime = 1 << 40

func traceTime(text string) (float64, error) {
	t, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(t) || t < 0 || t > latestTime {
		return 0, fmt.Errorf("%s is no time in seconds since 1970", show(text))
	}
	return t, nil
}

// spells keeps mean and variance of lengths of time as they come (Welford).
type spells struct {
	count int
	mean  float64
	m2    float64
}

func (s *spells) add(x float64) {
	s.count++
	delta := x - s.mean
	s.mean += delta / float64(s.count)
	s.m2 += delta * (x - s.mean)
}

// weibullShape finds the shape whose coefficient of variation is that of the
// spells, by halving: it falls with the shape.
func weibullShape(s spells) float64 {
	want := s.m2 / float64(s.count-1) / (s.mean * s.mean)
	low, high := 0.1, 10.0
	for range 60 {
		k := (low + high) / 2
		one, _ := math.Lgamma(1 + 1/k)
		two, _ := math.Lgamma(1 + 2/k)
		if math.Exp(two-2*one)-1 > want {
			low = k
		} else {
			high = k
		}
	}
	return math.Round((low+high)/2*1000) / 1000
}
