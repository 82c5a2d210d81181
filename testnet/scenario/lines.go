package scenario

import (
	"strconv"
	"strings"
)

// lineIndex tells on which line of a TOML text a key is named: the decoder
// doesn't. Keys are paths with positions: "group.0.capacity". It only serves
// messages, so what it doesn't understand it leaves out.
type lineIndex map[string]int

// indexLines reads a text that the decoder has accepted.
func indexLines(text string) lineIndex {
	x := lineIndex{}
	tables := map[string]int{} // how many [[...]] of a path there were
	here, quote := "", ""
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if quote != "" {
			if strings.Contains(line, quote) {
				quote = ""
			}
			continue
		}
		switch {
		case strings.HasPrefix(line, "[["):
			if path, _, ok := cutKey(line[2:]); ok {
				here = position(path[:len(path)-1], tables)
				whole := join(here, path[len(path)-1])
				here = join(whole, strconv.Itoa(tables[whole]))
				tables[whole]++
				x.note(here, i+1)
			}
		case strings.HasPrefix(line, "["):
			if path, _, ok := cutKey(line[1:]); ok {
				here = position(path, tables)
				x.note(here, i+1)
			}
		default:
			if path, rest, ok := cutKey(line); ok && strings.HasPrefix(rest, "=") {
				x.note(join(here, strings.Join(path, ".")), i+1)
				quote = openQuote(rest)
			}
		}
	}
	return x
}

func (x lineIndex) note(path string, line int) {
	if _, known := x[path]; !known {
		x[path] = line
	}
}

// of gives the line of a path, or of what it is in; 0: not known.
func (x lineIndex) of(path string) int {
	for path != "" {
		if line := x[path]; line > 0 {
			return line
		}
		path = path[:max(strings.LastIndexByte(path, '.'), 0)]
	}
	return 0
}

// position puts the number of the last [[table]] behind each name that is one.
func position(path []string, tables map[string]int) string {
	here := ""
	for _, name := range path {
		here = join(here, name)
		if n := tables[here]; n > 0 {
			here = join(here, strconv.Itoa(n-1))
		}
	}
	return here
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// openQuote gives the quotes of a text of several lines that begins here and
// doesn't end here.
func openQuote(rest string) string {
	for _, quote := range []string{`"""`, "'''"} {
		if strings.Count(rest, quote) == 1 {
			return quote
		}
	}
	return ""
}

// cutKey reads a key, which may have dots and quotes, from the start of a line.
// A quoted name with dots counts as several names, as it does in a sweep.
func cutKey(line string) (path []string, rest string, ok bool) {
	for {
		line = strings.TrimLeft(line, " \t")
		name := ""
		if line != "" && (line[0] == '"' || line[0] == '\'') {
			end := strings.IndexByte(line[1:], line[0])
			if end < 0 {
				return nil, "", false
			}
			name, line = line[1:end+1], line[end+2:]
		} else {
			end := strings.IndexFunc(line, func(r rune) bool { return !isBare(r) })
			if end < 0 {
				end = len(line)
			}
			name, line = line[:end], line[end:]
		}
		if name == "" {
			return nil, "", false
		}
		path = append(path, strings.Split(name, ".")...)
		line = strings.TrimLeft(line, " \t")
		if !strings.HasPrefix(line, ".") {
			return path, line, true
		}
		line = line[1:]
	}
}

func isBare(r rune) bool {
	return r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
