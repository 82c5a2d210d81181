package scenario

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every key that is read stands in the specification, and its example can be run.
func TestSpecification(t *testing.T) {
	text, err := os.ReadFile("../../docs/spec/scenario.md")
	if err != nil {
		t.Fatal(err)
	}
	spec := string(text)
	known := regexp.MustCompile(`the keys here are ([a-z_, ]+)`)
	for _, place := range []string{"[scenario]", "[[group]]", "[group.uptime]", "[topology]", "[policy]", "ladder = {", "[workload]", "[[event]]", "[output]"} {
		wrong := strings.Replace(whole, place+"\n", place+"\nzzz = 1\n", 1)
		if strings.HasSuffix(place, "{") {
			wrong = strings.Replace(whole, place, place+" zzz = 1,", 1)
		}
		_, err := Parse(wrong, "")
		if err == nil || !known.MatchString(err.Error()) {
			t.Fatalf("an unknown key in %s: %v", place, err)
		}
		for key := range strings.SplitSeq(known.FindStringSubmatch(err.Error())[1], ", ") {
			if !regexp.MustCompile("`([a-z]+)?\\.?" + key + "[` .]").MatchString(spec) {
				t.Errorf("key %q of %s isn't in the specification", key, place)
			}
		}
	}
	for _, s := range strategies {
		if !strings.Contains(spec, "`"+s+"`") {
			t.Errorf("strategy %q isn't in the specification", s)
		}
	}
	start := strings.Index(spec, "    [scenario]\n")
	end := strings.Index(spec[start:], "\n## ")
	p, err := Parse(strings.ReplaceAll(spec[start:start+end], "\n    ", "\n")[4:], "")
	if err != nil || len(p.Points) != 3 {
		t.Errorf("the example has %d points, %v", len(p.Points), err)
	}
}
