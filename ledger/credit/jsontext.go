package credit

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string. The file is known to be UTF-8.
func (r *reader) str() string {
	if r.peek() != '"' {
		r.fail("must be a string")
		return ""
	}
	start := r.at + 1
	for i := start; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '"':
			r.at = i + 1
			return string(r.text[start:i])
		case c == '\\':
			r.at = i
			return r.escaped(append([]byte{}, r.text[start:i]...))
		case c < ' ':
			r.fail("has a control character in a string at byte %d", i)
			return ""
		}
	}
	r.fail("has a string without end")
	return ""
}

// escaped reads on in a string from its first backslash.
func (r *reader) escaped(out []byte) string {
	const plain, means = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	for r.at < len(r.text) {
		c := r.text[r.at]
		r.at++
		switch {
		case c == '"':
			return string(out)
		case c < ' ':
			r.fail("has a control character in a string at byte %d", r.at-1)
			return ""
		case c != '\\':
			out = append(out, c)
			continue
		}
		if r.at == len(r.text) {
			break
		}
		c = r.text[r.at]
		r.at++
		if i := bytes.IndexByte([]byte(plain), c); i >= 0 {
			out = append(out, means[i])
			continue
		}
		u, ok := r.hex()
		if utf16.IsSurrogate(u) {
			low := rune(-1)
			if bytes.HasPrefix(r.text[r.at:], []byte(`\u`)) {
				r.at += 2
				low, _ = r.hex()
			}
			u = utf16.DecodeRune(u, low)
			ok = ok && u != utf8.RuneError
		}
		if c != 'u' || !ok {
			r.fail("has a wrong escape in a string before byte %d", r.at)
			return ""
		}
		out = utf8.AppendRune(out, u)
	}
	r.fail("has a string without end")
	return ""
}

// hex reads the four digits of an escape.
func (r *reader) hex() (rune, bool) {
	if r.at+4 > len(r.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(r.text[r.at:r.at+4]), 16, 16)
	r.at += 4
	return rune(n), err == nil
}
