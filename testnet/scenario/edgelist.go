package scenario

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxEdgeLine is the greatest length of a line of an edge list, in bytes.
const maxEdgeLine = 4096

// ReadEdgeList reads a graph as lines of two names, divided by blanks, a comma
// or a semicolon, as SNAP, Pajek's pairs and CSV exports have it. Lines that
// begin with #, % or // are remarks; what follows the two names is ignored.
// Errors name the line.
func ReadEdgeList(r io.Reader) (Graph, error) {
	in := &io.LimitedReader{R: r, N: maxGraphFile + 1}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, maxEdgeLine), maxEdgeLine)
	g := newGraphBuilder()
	number := 0
	for lines.Scan() {
		number++
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "%") || strings.HasPrefix(line, "//") {
			continue
		}
		names := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == ';' })
		if len(names) < 2 {
			return Graph{}, fmt.Errorf("line %d: %s isn't two names", number, show(line))
		}
		if err := g.edge(names[0], names[1]); err != nil {
			return Graph{}, fmt.Errorf("line %d: %w", number, err)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return Graph{}, fmt.Errorf("line %d: longer than %d bytes", number+1, maxEdgeLine)
	case err != nil:
		return Graph{}, fmt.Errorf("line %d: %w", number+1, err)
	case in.N == 0:
		return Graph{}, fmt.Errorf("the graph is larger than %d bytes", maxGraphFile)
	}
	return g.graph()
}
