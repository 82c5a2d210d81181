package scenario

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// maxXMLDepth is how deep elements may lie in each other. GraphML without
// nested graphs needs 5.
const maxXMLDepth = 32

// ReadGraphML reads the nodes and edges of the first graph of a GraphML file
// (http://graphml.graphdrawing.org). Directions and data are ignored;
// hyperedges and graphs in graphs are refused. Errors name the line.
func ReadGraphML(r io.Reader) (Graph, error) {
	in := &io.LimitedReader{R: r, N: maxGraphFile + 1}
	d := xml.NewDecoder(in)
	g := graphML{graphBuilder: newGraphBuilder(), declared: map[string]bool{}}
	for {
		token, err := d.RawToken()
		line, _ := d.InputPos()
		if errors.Is(err, io.EOF) {
			break
		}
		if g.line = line; err == nil {
			err = g.take(token)
		}
		if in.N == 0 {
			return Graph{}, fmt.Errorf("the graph is larger than %d bytes", maxGraphFile)
		}
		if err != nil {
			return Graph{}, fmt.Errorf("line %d: %w", line, plainXML(err))
		}
	}
	if len(g.open) > 0 {
		return Graph{}, fmt.Errorf("the file ends within <%s>: it is cut short", g.open[len(g.open)-1])
	}
	if g.graphs == 0 {
		return Graph{}, fmt.Errorf("there is no <graph> in the file")
	}
	for _, e := range g.ends {
		if !g.declared[e.name] {
			return Graph{}, fmt.Errorf("line %d: the edge names %s, which is no <node> of the graph", e.line, show(e.name))
		}
	}
	return g.graph()
}

// graphML follows the elements of a file.
type graphML struct {
	*graphBuilder
	line     int
	open     []string // local names of the elements that are open
	graphs   int
	declared map[string]bool // nodes
	ends     []end           // of edges, each name once; a node may come after its edges
}

// end is what an edge calls a node, and where it does so first.
type end struct {
	name string
	line int
}

func (g *graphML) take(token xml.Token) error {
	switch e := token.(type) {
	case xml.StartElement:
		if len(g.open) == maxXMLDepth {
			return fmt.Errorf("more than %d elements lie in each other", maxXMLDepth)
		}
		g.open = append(g.open, e.Name.Local)
		return g.start(e)
	case xml.EndElement:
		if len(g.open) == 0 || g.open[len(g.open)-1] != e.Name.Local {
			return fmt.Errorf("</%s> ends what isn't open", e.Name.Local)
		}
		g.open = g.open[:len(g.open)-1]
	}
	return nil
}

func (g *graphML) start(e xml.StartElement) error {
	if len(g.open) == 1 && e.Name.Local != "graphml" {
		return fmt.Errorf("the file begins with <%s>, GraphML with <graphml>", e.Name.Local)
	}
	switch e.Name.Local {
	case "graph":
		if g.graphs++; g.graphs > 1 {
			return fmt.Errorf("there is a second graph in the file; one is read")
		}
	case "hyperedge":
		return fmt.Errorf("hyperedges are not friendships of two")
	case "node":
		id := attribute(e, "id")
		if _, err := g.node(id); err != nil {
			return err
		}
		g.declared[id] = true
	case "edge":
		return g.join(attribute(e, "source"), attribute(e, "target"))
	}
	return nil
}

func (g *graphML) join(source, target string) error {
	for _, name := range [2]string{source, target} {
		if _, known := g.numbers[name]; !known && len(name) <= maxGraphName {
			g.ends = append(g.ends, end{name, g.line})
		}
	}
	return g.edge(source, target)
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// plainXML is the error without the decoder's own line.
func plainXML(err error) error {
	var at *xml.SyntaxError
	if errors.As(err, &at) {
		return errors.New(at.Msg)
	}
	return err
}
