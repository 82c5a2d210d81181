package node

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"potluck"
	"potluck/files"
)

func set(t *testing.T, v SettingsView, key string) SettingView {
	t.Helper()
	for _, s := range v.Settings {
		if s.Key == key {
			return s
		}
	}
	t.Fatalf("there is no %q among %d settings", key, len(v.Settings))
	return SettingView{}
}

// What is set works at once where it can, else after the next start, and stands in
// the file beside what was there.
func TestSettings(t *testing.T) {
	c := config(t, "node")
	c.Fixed = []string{"floor"}
	path := filepath.Join(c.Data, configName)
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("# mine\noffer = \"1GiB\" # for friends\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	n, _ := start(t, c)
	v, err := n.SetSettings(t.Context(), map[string]string{"offer": "3 GiB", "max_hops": "2", "name": `ann "the" \ first # one`, "floor": "5 MiB", "crawl_share": "1", "evict": "auto"})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string][2]string{"offer": {"3 GiB", "3 GiB"}, "max_hops": {"3", "2"}, "name": {`ann "the" \ first # one`, `ann "the" \ first # one`}, "crawl_share": {"1", "1"}, "evict": {"auto", "auto"}} {
		if s := set(t, v, key); s.Value != want[0] || s.Saved != want[1] || s.Waiting != (want[0] != want[1]) {
			t.Errorf("%s is %+v", key, s)
		}
	}
	if s := set(t, v, "floor"); !s.Fixed || s.Saved != "5 MiB" || s.Value == "5 MiB" {
		t.Errorf("floor, which a flag said, is %+v", s)
	}
	status, err := n.Status(t.Context())
	if err != nil || status.Offered != 3*potluck.GiB || status.Name != `ann "the" \ first # one` {
		t.Errorf("offers %v as %q, %v", status.Offered, status.Name, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), "# mine\noffer = \"3 GiB\" # for friends\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\n") {
		t.Errorf("the file is %q, %v", text, err)
	}
	for key, value := range map[string]string{"offr": "1", "offer": "many", "evict": "never", "max_hops": "65", "page": "0.0.0.0:80", "name": "a\x1b[2J", "audits": "1\nname = \"x\"", "repair_after": "1s", "scrub_days": "-1"} {
		_, err := n.SetSettings(t.Context(), map[string]string{key: value, "publish": "false"})
		var usage *files.UsageError
		if !errors.As(err, &usage) {
			t.Errorf("%s = %q: %v", key, value, err)
		}
	}
	if again, err := os.ReadFile(path); err != nil || string(again) != string(text) {
		t.Errorf("a change that can't be was written: %q, %v", again, err)
	}
	if v, err = n.SetSettings(t.Context(), map[string]string{"offer": "", "publish": "false"}); err != nil || set(t, v, "offer").Value != "10 GiB" || set(t, v, "offer").Saved != "" || set(t, v, "publish").Value != "false" {
		t.Errorf("back to the default: %+v, %v", set(t, v, "offer"), err)
	}
	if again, err := n.Settings(t.Context()); err != nil || len(again.Settings) != len(v.Settings) {
		t.Errorf("read again: %+v, %v", again, err)
	}
}

// A change that makes the file longer than is read isn't written: the next start
// would refuse it.
func TestNoSettingMakesTheFileTooLong(t *testing.T) {
	dir := t.TempDir()
	text := "#" + strings.Repeat("x", maxConfig-10)
	if err := os.WriteFile(filepath.Join(dir, configName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var usage *files.UsageError
	if err := SaveSettings(dir, map[string]string{"offer": "3 GiB"}); !errors.As(err, &usage) {
		t.Errorf("it is written: %v", err)
	}
	if _, err := ReadFile(dir); err != nil {
		t.Error(err)
	}
}

// Every key of the file but listen is among the settings, each with a default that
// can be set.
func TestSettingsAreWhole(t *testing.T) {
	keys := File{}.said()
	plain, err := Config{Data: t.TempDir()}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	plain.Floor = potluck.GiB
	for _, s := range settings {
		if _, there := keys[s.key]; !there || s.about == "" || s.atOnce != (s.take != nil) {
			t.Errorf("%s is described wrongly", s.key)
		}
		delete(keys, s.key)
		value := s.show(plain)
		dir := t.TempDir()
		file, err := saveSettings(dir, map[string]string{s.key: value})
		if err != nil {
			t.Errorf("%s = %q: %v", s.key, value, err)
			continue
		}
		again, err := file.Config(dir).withDefaults()
		if err != nil || s.show(again) != value || !file.said()[s.key] {
			t.Errorf("%s = %q is read as %q, %v", s.key, value, s.show(again), err)
		}
	}
	if len(keys) > 0 {
		t.Errorf("not among the settings: %v", keys)
	}
}

// Whatever the lines are, an edit changes one key and nothing else.
func TestEditChangesOneKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"# offer = 1", "offer = \"1GiB\" # a \"b\"", "name = 'x # y' # z", " floor=4096", "audits = 7", "", "max_hops = 2"}), rapid.ID).Draw(t, "lines")
		text := strings.Join(lines, "\n")
		key := rapid.SampledFrom([]string{"offer", "floor", "audits"}).Draw(t, "key")
		literal := rapid.SampledFrom([]string{"", "12", "99"}).Draw(t, "literal")
		before, err := parseFile(text)
		if err != nil {
			t.Fatal(err)
		}
		edited, err := edit(text, key, literal)
		if err != nil {
			t.Fatal(err)
		}
		after, err := parseFile(edited)
		if err != nil {
			t.Fatalf("%q became %q: %v", text, edited, err)
		}
		if after.said()[key] != (literal != "") {
			t.Fatalf("%q became %q", text, edited)
		}
		if again, _ := edit(edited, key, literal); again != edited {
			t.Fatalf("%q edited once more is %q", edited, again)
		}
		for _, k := range []string{"offer", "floor", "audits", "name", "max_hops"} {
			if k != key && before.said()[k] != after.said()[k] {
				t.Fatalf("%q became %q: %s changed", text, edited, k)
			}
		}
		if strings.Count(edited, "#") != strings.Count(text, "#") && literal != "" {
			t.Fatalf("%q became %q: a remark is gone", text, edited)
		}
	})
}
