package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// hostile is text that would take the page over, were it not escaped.
const hostile = `</script><img src=x onerror=alert(1)><!--"'&`

// handMade writes the files of a run whose every text is hostile.
func handMade(t *testing.T) (string, Manifest) {
	t.Helper()
	dir := t.TempDir()
	quoted := `"` + strings.ReplaceAll(hostile, `"`, `""`) + `"`
	event, err := json.Marshal(map[string]any{"point": 0, "replicate": 0, "time": 1, "kind": "lost", "node": 1, "peer": -1, "bytes": 5, "reason": hostile})
	must(t, err)
	for name, text := range map[string]string{
		eventsName:  string(event) + "\n",
		seriesName:  seriesHead + "0,0,0," + quoted + "," + quoted + ",1\n0,1,0," + quoted + "," + quoted + ",2\n0,0,86400,standing-" + hostile[:5] + ",,\n",
		summaryName: "point,k,replicate,seed," + quoted + ",served:x\n0,v,0,1,3,0.5\n0,v,1,1,,0.7\n",
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir, Manifest{Identity: Identity{Name: hostile, Version: hostile, Hash: hostile, Points: 1, Replicates: 2, Axes: []Axis{{Key: hostile, Values: []string{hostile}}}}}
}

func TestPageEscapesAllText(t *testing.T) {
	dir, m := handMade(t)
	must(t, writeHTML(dir, m))
	text, err := os.ReadFile(filepath.Join(dir, htmlName))
	must(t, err)
	page := string(text)
	for _, bad := range []string{"<img", "<!--", hostile} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q in it", bad)
		}
	}
	if n := strings.Count(page, "</script>"); n != 3 {
		t.Errorf("%d scripts end, want 3", n)
	}
	for _, want := range []string{"60.0 %", "50.0 % to 70.0 %", "&lt;img src=x onerror=alert(1)&gt;", `\u003cimg`} {
		if !strings.Contains(page, want) {
			t.Errorf("%q isn't on the page", want)
		}
	}
	data := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(page)
	var c charts
	if err := json.Unmarshal([]byte(data[1]), &c); err != nil || c.Points[0] != hostile+"="+hostile || c.Charts[0].Title != hostile {
		t.Errorf("the data is %.300s: %v", data[1], err)
	}
}

// The page may run its own scripts and nothing else, and speaks to nobody.
func TestPagePolicy(t *testing.T) {
	dir, m := handMade(t)
	must(t, writeHTML(dir, m))
	text, err := os.ReadFile(filepath.Join(dir, htmlName))
	must(t, err)
	page := string(text)
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)[1]
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %s", policy)
	}
	inline := regexp.MustCompile(`(?s)<(script|style)>(.*?)</(?:script|style)>`).FindAllStringSubmatch(page, -1)
	if len(inline) != 4 {
		t.Fatalf("%d scripts and styles, want 4", len(inline))
	}
	for _, one := range inline {
		if !strings.Contains(policy, sourceHash(one[2])) {
			t.Errorf("a %s of %d bytes isn't in the policy", one[1], len(one[2]))
		}
	}
	for _, bad := range []string{` src="`, "<link", "@import", "url(", " style=", " onclick"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q in it", bad)
		}
	}
}

func TestPick(t *testing.T) {
	for n := range 50 {
		for limit := 1; limit < 20; limit++ {
			all := pick(n, limit)
			if len(all) != min(n, limit) || n > 0 && all[0] != 0 || limit > 1 && n > 1 && all[len(all)-1] != n-1 {
				t.Fatalf("of %d at most %d: %v", n, limit, all)
			}
		}
	}
}

func FuzzManifest(f *testing.F) {
	f.Add(`{"format":1,"version":"0.1.0","go":"go1","arch":"amd64","name":"x","scenario_sha256":"","seed":1,"points":1,"replicates":1,"axes":[],"done":true,"events_left_out":0,"files":[{"name":"../x","bytes":1,"sha256":""}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var m, again Manifest
		if decode([]byte(text), &m) != nil || m.check() != nil {
			return
		}
		m.title(m.Points - 1)
		out, err := json.Marshal(m)
		must(t, err)
		must(t, decode(out, &again))
		if again.check() != nil || again.differs(m.Identity) != "" || len(again.Files) != len(m.Files) {
			t.Fatalf("written and read again: %+v", again)
		}
	})
}

func FuzzPart(f *testing.F) {
	f.Add(`{"job":1,"events":{"name":"x","bytes":1,"sha256":""},"series":{"name":"y","bytes":1,"sha256":""},"events_left_out":0,"figures":[{"name":"a","value":""}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var p, again part
		if decode([]byte(text), &p) != nil {
			return
		}
		out, err := json.Marshal(p)
		must(t, err)
		must(t, decode(out, &again))
		if again.Job != p.Job || again.Events != p.Events || !slices.Equal(again.Figures, p.Figures) {
			t.Fatalf("written and read again: %+v", again)
		}
	})
}
