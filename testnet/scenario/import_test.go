package scenario

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestReadEdgeList(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Graph
		err        string
	}{
		{"numbers are sorted", "# SNAP\n10\t2\n2 10\n3,10\n3 3\n", Graph{Names: []string{"2", "3", "10"}, Edges: [][2]int{{0, 2}, {1, 2}}, Loops: 1, Repeats: 1}, ""},
		{"names keep their order", "% pairs\n// more\nbob alice 0.5\ncarol;bob\n", Graph{Names: []string{"bob", "alice", "carol"}, Edges: [][2]int{{0, 1}, {0, 2}}}, ""},
		{"one name", "a b\nc\n", Graph{}, "line 2: \"c\" isn't two names"},
		{"nothing", "# empty\n", Graph{}, "there are no nodes"},
		{"a long line", "a b\n" + strings.Repeat("x", maxEdgeLine+1), Graph{}, "line 2: longer than 4096 bytes"},
		{"a long name", "a b\nc " + strings.Repeat("x", 300), Graph{}, "line 2: a node's name has 300 bytes; 1 to 256 are allowed"},
	} {
		g, err := ReadEdgeList(strings.NewReader(c.text))
		checkGraph(t, c.name, g, err, c.want, c.err)
	}
}

func checkGraph(t *testing.T, name string, g Graph, err error, want Graph, wantErr string) {
	t.Helper()
	if wantErr != "" {
		if err == nil || !strings.Contains(err.Error(), wantErr) {
			t.Errorf("%s: error %v, want %q", name, err, wantErr)
		}
		return
	}
	if err != nil || !slices.Equal(g.Names, want.Names) || !slices.Equal(g.Edges, want.Edges) || g.Loops != want.Loops || g.Repeats != want.Repeats {
		t.Errorf("%s: %+v, %v; want %+v", name, g, err, want)
	}
}

func TestReadGraphML(t *testing.T) {
	const head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n<key id=\"d0\" for=\"node\"/>\n<graph edgedefault=\"undirected\">\n"
	const tail = "</graph></graphml>"
	for _, c := range []struct {
		name, text string
		want       Graph
		err        string
	}{
		{"nodes, data and edges", head + "<node id=\"a\"><data key=\"d0\">x</data></node><node id=\"b\"/><node id=\"c\"/><edge source=\"b\" target=\"a\"/>" + tail,
			Graph{Names: []string{"a", "b", "c"}, Edges: [][2]int{{0, 1}}}, ""},
		{"nodes after edges", head + "<edge source=\"b\" target=\"a\"/>\n<node id=\"a\"/><node id=\"b\"/>" + tail,
			Graph{Names: []string{"b", "a"}, Edges: [][2]int{{0, 1}}}, ""},
		{"an edge to nowhere", head + "<node id=\"a\"/>\n<edge source=\"a\" target=\"z\"/>\n<node id=\"b\"/>" + tail, Graph{}, "line 6: the edge names \"z\", which is no <node>"},
		{"cut short", head + "<node id=\"a\"/>", Graph{}, "the file ends within <graph>: it is cut short"},
		{"cut in a tag", head + "<node id=\"a", Graph{}, "line 5: unexpected EOF"},
		{"a hyperedge", head + "<hyperedge/>" + tail, Graph{}, "line 5: hyperedges"},
		{"two graphs", head + "<node id=\"a\"><graph/></node>" + tail, Graph{}, "line 5: there is a second graph"},
		{"something else", "<html></html>", Graph{}, "line 1: the file begins with <html>"},
		{"no graph", "<graphml></graphml>", Graph{}, "there is no <graph>"},
		{"an edge without ends", head + "<edge/>" + tail, Graph{}, "line 5: a node's name has 0 bytes"},
		{"too deep", head + strings.Repeat("<data>", 40), Graph{}, "line 5: more than 32 elements"},
		{"not in pairs", head + "</node>", Graph{}, "line 5: </node> ends what isn't open"},
		{"an entity", "<!DOCTYPE x [<!ENTITY a \"b\">]>" + head + "<node id=\"&a;\"/>" + tail, Graph{}, "invalid character entity"},
	} {
		g, err := ReadGraphML(strings.NewReader(c.text))
		checkGraph(t, c.name, g, err, c.want, c.err)
	}
}

// A trace that is drawn from a Weibull distribution gives its figures back.
func TestReadTraceFindsTheShape(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	weibull := func(scale, shape float64) float64 { return scale * math.Pow(-math.Log(1-random.Float64()), 1/shape) }
	for _, shape := range []float64{0.5, 1, 2} {
		var b strings.Builder
		now := 1e9
		for i := range 20_000 {
			up, down := weibull(50_000, shape), weibull(7_000, shape)
			fmt.Fprintf(&b, "%d\t0\t%d\t0\tx y\t1\t%.3f\t%.3f\t0\n", i, i%7, now, now+up)
			fmt.Fprintf(&b, "%d\t0\t%d\t0\tx y\t0\t%.3f\t%.3f\t0\n", i, i%7, now+up, now+up+down)
			now += up + down
		}
		f, err := ReadTrace(strings.NewReader(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		mean := 50_000 * math.Gamma(1+1/shape)
		if math.Abs(f.Shape/shape-1) > 0.05 || math.Abs(float64(f.Session)/mean-1) > 0.05 || f.Nodes != 7 || f.Sessions < 19_900 || f.Absences < 19_900 {
			t.Errorf("shape %v, mean %v: the fit is %+v", shape, mean, f)
		}
	}
}

func TestWrongTraces(t *testing.T) {
	for _, c := range [][2]string{
		{"1 2 3\n", "line 1: \"1 2 3\" has 3 columns"},
		{"# x\n1 1 1 0 n 1 soon 5\n", "line 2: \"soon\" is no time"},
		{"1 1 1 0 n 1 10 5\n", "line 1: the event stops at 5, before it starts at 10"},
		{"1 1 1 0 n 1 10 15\n", "there are 1 sessions and 0 absences"},
		{"1 1 1 0 n 1 10 NaN\n", "no time in seconds"},
	} {
		if _, err := ReadTrace(strings.NewReader(c[0])); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%q: error %v, want %q", c[0], err, c[1])
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add("[[group]]\nname = \"a\"\ncount = 2\n[sweep]\n\"group.a.uptime.session\" = [\"1h\"]\n\"policy.k\" = [1]\n")
	f.Add("group = [{name = \"a\", count = 2}]\nevent = [{at = \"1d\", kind = \"set-policy\", policy = {k = 1}}]\nsweep.event.0.policy.n = [2]\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "replicates") > 0 || len(text) > 4096 {
			return // sweeps that take long
		}
		p, err := Parse(text, t.TempDir())
		if err != nil {
			return
		}
		again, err := Parse(text, t.TempDir())
		if err != nil || again.Hash != p.Hash {
			t.Fatalf("the second reading gives %s, %v; the first %s", again.Hash, err, p.Hash)
		}
		for _, point := range p.Points {
			if err := point.Scenario.Validate(); err != nil {
				t.Fatalf("a scenario is taken that can't be run: %v", err)
			}
		}
	})
}

func FuzzReadEdgeList(f *testing.F) {
	f.Add("1 2\n2 3\n# x\n3,1\n")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := ReadEdgeList(strings.NewReader(text))
		if err != nil {
			return
		}
		checkEdges(t, g)
		var b strings.Builder // written out and read again it is the same graph, but for nodes without edges
		for _, e := range g.Edges {
			fmt.Fprintf(&b, "%d %d\n", e[0], e[1])
		}
		if again, err := ReadEdgeList(strings.NewReader(b.String())); len(g.Edges) > 0 && (err != nil || len(again.Edges) != len(g.Edges)) {
			t.Fatalf("%d edges, again %d, %v", len(g.Edges), len(again.Edges), err)
		}
	})
}

func checkEdges(t *testing.T, g Graph) {
	t.Helper()
	for i, e := range g.Edges {
		if e[0] < 0 || e[0] >= e[1] || e[1] >= len(g.Names) {
			t.Fatalf("edge %d is %v of %d nodes", i, e, len(g.Names))
		}
		if i > 0 && (e[0] < g.Edges[i-1][0] || e[0] == g.Edges[i-1][0] && e[1] <= g.Edges[i-1][1]) {
			t.Fatalf("edge %d, %v, isn't above %v", i, e, g.Edges[i-1])
		}
	}
}

func FuzzReadGraphML(f *testing.F) {
	f.Add("<graphml><graph><node id=\"a\"/><node id=\"b\"/><edge source=\"a\" target=\"b\"/></graph></graphml>")
	f.Fuzz(func(t *testing.T, text string) {
		if g, err := ReadGraphML(strings.NewReader(text)); err == nil {
			checkEdges(t, g)
		}
	})
}

func FuzzReadTrace(f *testing.F) {
	f.Add("1 1 1 0 n 1 0 3600\n2 1 1 0 n 0 3600 5400\n3 1 1 0 n 1 5400 12600\n4 1 1 0 n 0 12600 14400\n")
	f.Fuzz(func(t *testing.T, text string) {
		if fit, err := ReadTrace(strings.NewReader(text)); err == nil && (fit.Session < 0 || fit.Absence < 0 || !(fit.Shape >= 0.1 && fit.Shape <= 10)) {
			t.Fatalf("the fit is %+v", fit)
		}
	})
}
