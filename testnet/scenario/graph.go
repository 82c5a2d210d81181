package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// Bounds of an imported graph.
const (
	maxGraphFile  = 256 << 20 // bytes
	maxGraphNodes = 1 << 20
	maxGraphEdges = 16 << 20
	maxGraphName  = 256 // bytes of a node's name
)

// Graph is who is whose friend, from a file.
type Graph struct {
	Names   []string // of the nodes; a node's number is its place
	Edges   [][2]int // lower number first, ascending, none twice
	Loops   int      // edges from a node to itself, which were left out
	Repeats int      // edges that were there already, in either direction
}

// graphBuilder numbers nodes as they come.
type graphBuilder struct {
	numbers map[string]int
	names   []string
	edges   [][2]int
	loops   int
}

func newGraphBuilder() *graphBuilder { return &graphBuilder{numbers: map[string]int{}} }

func (g *graphBuilder) node(name string) (int, error) {
	if n, known := g.numbers[name]; known {
		return n, nil
	}
	switch {
	case name == "" || len(name) > maxGraphName:
		return 0, fmt.Errorf("a node's name has %d bytes; 1 to %d are allowed", len(name), maxGraphName)
	case len(g.names) == maxGraphNodes:
		return 0, fmt.Errorf("there are more than %d nodes", maxGraphNodes)
	}
	n := len(g.names)
	g.numbers[name] = n
	g.names = append(g.names, name)
	return n, nil
}

func (g *graphBuilder) edge(from, to string) error {
	a, err := g.node(from)
	if err != nil {
		return err
	}
	b, err := g.node(to)
	switch {
	case err != nil:
		return err
	case a == b:
		g.loops++
		return nil
	case len(g.edges) == maxGraphEdges:
		return fmt.Errorf("there are more than %d edges", maxGraphEdges)
	}
	g.edges = append(g.edges, [2]int{a, b})
	return nil
}

// graph ends the building. Nodes whose names are all whole numbers are put in
// the order of these; others stay in the order in which they came.
func (g *graphBuilder) graph() (Graph, error) {
	if len(g.names) == 0 {
		return Graph{}, fmt.Errorf("there are no nodes")
	}
	place := g.sortNumbers()
	for i, e := range g.edges {
		a, b := place[e[0]], place[e[1]]
		g.edges[i] = [2]int{min(a, b), max(a, b)}
	}
	slices.SortFunc(g.edges, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
	all := len(g.edges)
	edges := slices.Compact(g.edges)
	return Graph{Names: g.names, Edges: edges, Loops: g.loops, Repeats: all - len(edges)}, nil
}

// sortNumbers puts the names in order and gives each old number's new place.
func (g *graphBuilder) sortNumbers() []int {
	place, order := make([]int, len(g.names)), make([]int, len(g.names))
	values := make([]int64, len(g.names))
	for i, name := range g.names {
		place[i], order[i] = i, i
		v, err := strconv.ParseInt(name, 10, 64)
		if err != nil {
			values = nil
		}
		if values != nil {
			values[i] = v
		}
	}
	if values == nil {
		return place
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	names := make([]string, len(order))
	for at, was := range order {
		place[was], names[at] = at, g.names[was]
	}
	g.names = names
	return place
}
