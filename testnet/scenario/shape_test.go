package scenario

import (
	"strings"
	"testing"
)

// What would keep the decoder busy for minutes is refused at once.
func TestDeepFiles(t *testing.T) {
	const quoted = "# [[[[[[[[[[[[[[[[[[[[[[[[\nx = \"[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"\ny = '''[[[[[[[[[[[[[[[[[[[[[[[[[\n'''\nz = "
	for _, c := range []struct{ text, want string }{
		{"x = " + strings.Repeat("[", 1e5), "line 1: more than 16 brackets"},
		{"x = " + strings.Repeat("{a=", 5e4), "line 1: more than 16 brackets"},
		{"\nx" + strings.Repeat(".a", 1e5) + " = 1", "line 2: a key has more than 16 dots"},
		{quoted + strings.Repeat("[\n", 17), "line 21: more than 16 brackets"},
		{quoted + "1", "x: this key is not known"},
	} {
		if _, err := Parse(c.text, ""); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20q: error %v, want %q", c.text, err, c.want)
		}
	}
}
