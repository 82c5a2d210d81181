package credit

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// FieldError says which field of a file is wrong, and how.
type FieldError struct {
	Path   string // such as "peers[1].held"; "" is the file as a whole
	Reason string
}

func (e *FieldError) Error() string {
	if e.Path == "" {
		return "the file " + e.Reason
	}
	return e.Path + " " + e.Reason
}

// step of a path: a name with index -1, or an index.
type step struct {
	name  string
	index int
}

// reader reads strict JSON: no key that isn't known, none twice, integers
// written as digits alone. The first mistake ends it.
type reader struct {
	text []byte
	at   int
	path []step
	err  *FieldError
}

// fail notes the first mistake, at the path where the reader is.
func (r *reader) fail(format string, args ...any) {
	r.failAt("", format, args...)
}

func (r *reader) failAt(name, format string, args ...any) {
	if r.err != nil {
		return
	}
	var path []byte
	steps := r.path
	if name != "" {
		steps = append(steps[:len(steps):len(steps)], step{name: name, index: -1})
	}
	for _, s := range steps {
		s.name = clip(s.name)
		switch {
		case s.index >= 0:
			path = append(strconv.AppendInt(append(path, '['), int64(s.index), 10), ']')
		case len(path) > 0:
			path = append(append(path, '.'), s.name...)
		default:
			path = append(path, s.name...)
		}
	}
	r.err = &FieldError{Path: string(path), Reason: fmt.Sprintf(format, args...)}
}

// clip shortens what a file says, so that an error stays readable.
func clip(text string) string {
	const enough = 64
	if len(text) <= enough {
		return text
	}
	return strings.ToValidUTF8(text[:enough], "") + "…"
}

// peek skips white space and gives the next byte; 0 at the end.
func (r *reader) peek() byte {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return c
		}
	}
	return 0
}

// take takes the next byte if it is c.
func (r *reader) take(c byte) bool {
	if r.err != nil || r.peek() != c {
		return false
	}
	r.at++
	return true
}

// want takes the next byte, which must be c.
func (r *reader) want(c byte) bool {
	if !r.take(c) {
		r.fail("is not right JSON at byte %d: %q is expected", r.at, c)
		return false
	}
	return true
}

// object reads an object; field reads the value of a key, or says that it isn't
// known. It gives the keys that were there, by bits of their place in keys.
func (r *reader) object(keys []string, field func(key string)) (given uint) {
	if r.peek() != '{' {
		r.fail("must be an object")
		return 0
	}
	r.at++
	for more := !r.take('}'); more && r.err == nil; {
		if r.peek() != '"' {
			r.fail("is not right JSON at byte %d: a key is expected", r.at)
			return
		}
		key := r.str()
		bit := place(keys, key)
		r.path = append(r.path, step{name: key, index: -1})
		switch {
		case r.err != nil:
		case bit < 0:
			r.fail("is not a field that is known")
		case given&(1<<bit) != 0:
			r.fail("is given twice")
		case r.want(':'):
			given |= 1 << bit
			field(keys[bit])
		}
		r.path = r.path[:len(r.path)-1]
		if more = r.take(','); !more {
			r.want('}')
		}
	}
	return given
}

func place(keys []string, key string) int {
	for i, k := range keys {
		if k == key {
			return i
		}
	}
	return -1
}

// require refuses when the first n keys weren't all given.
func (r *reader) require(keys []string, n int, given uint) {
	for i, k := range keys[:n] {
		if given&(1<<i) == 0 {
			r.failAt(k, "is missing")
		}
	}
}

// array reads an array of at most limit elements.
func (r *reader) array(limit int, element func(i int)) {
	if r.peek() != '[' {
		r.fail("must be an array")
		return
	}
	r.at++
	i := 0
	for more := !r.take(']'); more && r.err == nil; i++ {
		if i == limit {
			r.fail("has more than %d elements", limit)
			return
		}
		r.path = append(r.path, step{index: i})
		element(i)
		r.path = r.path[:len(r.path)-1]
		if more = r.take(','); !more {
			r.want(']')
		}
	}
}

func (r *reader) boolean() bool {
	r.peek()
	switch rest := r.text[r.at:]; {
	case bytes.HasPrefix(rest, []byte("true")):
		r.at += len("true")
		return true
	case bytes.HasPrefix(rest, []byte("false")):
		r.at += len("false")
	default:
		r.fail("must be true or false")
	}
	return false
}

// integer reads an integer from 0 to limit, written in digits alone.
func (r *reader) integer(limit int64) int64 {
	r.peek()
	start := r.at
	for r.at < len(r.text) && bytes.IndexByte([]byte("+-.eE0123456789"), r.text[r.at]) >= 0 {
		r.at++
	}
	digits := r.text[start:r.at]
	switch {
	case len(digits) == 0:
		r.fail("must be an integer from 0 to %d", limit)
		return 0
	case digits[0] == '-':
		r.fail("is negative; it must be an integer from 0 to %d", limit)
		return 0
	case bytes.ContainsAny(digits, "+-.eE"):
		r.fail("must be an integer in digits alone, from 0 to %d", limit)
		return 0
	case len(digits) > 1 && digits[0] == '0':
		r.fail("is not right JSON at byte %d: a number that begins with 0", start)
		return 0
	}
	var n int64
	for _, c := range digits {
		if n > (math.MaxInt64-9)/10 {
			n = math.MaxInt64
			break
		}
		n = 10*n + int64(c-'0')
	}
	if n > limit {
		r.fail("is more than %d", limit)
		return 0
	}
	return n
}
