package report

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"potluck/testnet/scenario"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small has three points with two replicates each.
const small = `
[scenario]
name = "small"
days = 40
replicates = 2
[[group]]
name = "homes"
count = 8
capacity = "10 GB"
demand = "2 GB"
demand_sigma = 0.5
disk_death = 2
[[group]]
name = "riders"
count = 2
demand = "2 GB"
strategy = "free-rider"
[policy]
k = 1
n = 2
[sweep]
policy.opening = [0, "1 GB", "4 GB"]
[output]
events = 3
`

func plan(t *testing.T, text string) scenario.Plan {
	t.Helper()
	p, err := scenario.Parse(text, "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// folder reads all files of a folder, by name.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if a, b := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(a, b) {
		t.Errorf("%s: files %q, want %q", what, a, b)
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s: %s has other bytes (%d, want %d)", what, name, len(got[name]), len(text))
		}
	}
}

// reference runs small once.
func reference(t *testing.T) (string, map[string]string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "reference")
	if err := Run(t.Context(), Config{Dir: dir, Plan: plan(t, small), Workers: 1}); err != nil {
		t.Fatal(err)
	}
	return dir, folder(t, dir)
}

func TestRunWritesFiveFiles(t *testing.T) {
	dir, files := reference(t)
	want := []string{eventsName, manifestName, htmlName, summaryName, seriesName}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	rows := strings.Split(strings.TrimSpace(files[summaryName]), "\n")
	if len(rows) != 7 || !strings.HasPrefix(rows[0], "point,policy.opening,replicate,seed,") || !strings.HasPrefix(rows[4], "1,1 GB,1,1,") {
		t.Errorf("the summary has %d rows: %.60q, %.60q", len(rows), rows[0], rows[min(4, len(rows)-1)])
	}
	if !strings.HasPrefix(files[seriesName], seriesHead+"0,0,0,") {
		t.Errorf("the time series begins with %.80q", files[seriesName])
	}
	if n := strings.Count(files[eventsName], "\n"); n == 0 || n > 6*3 {
		t.Errorf("there are %d events; at most 3 of each run are kept", n)
	}
	m, err := Check(dir)
	if err != nil || m.LeftOut == 0 || m.Points != 3 || m.Replicates != 2 {
		t.Errorf("manifest %+v, %v", m, err)
	}
	if strings.Contains(files[htmlName], "NaN") {
		t.Error("the page says NaN")
	}
}

// However many workers, and whatever was there before, the bytes are the same.
func TestSameBytes(t *testing.T) {
	_, want := reference(t)
	t.Run("four workers", func(t *testing.T) {
		dir := t.TempDir()
		if err := Run(t.Context(), Config{Dir: dir, Plan: plan(t, small), Workers: 4}); err != nil {
			t.Fatal(err)
		}
		same(t, "four workers", folder(t, dir), want)
		if err := Run(t.Context(), Config{Dir: dir, Plan: plan(t, small)}); err != nil {
			t.Errorf("a run that is done: %v", err)
		}
		same(t, "run again", folder(t, dir), want)
		must(t, os.Remove(filepath.Join(dir, htmlName)))
		if err := Run(t.Context(), Config{Dir: dir, Plan: plan(t, small)}); err != nil {
			t.Errorf("a run without its page: %v", err)
		}
		same(t, "the page again", folder(t, dir), want)
	})
	for after := range 6 {
		dir := t.TempDir()
		interruptAfter(t, dir, nil, after)
		if after == 3 { // what a crash may leave
			must(t, os.Truncate(partPath(dir, 0, "series"), 10))
			must(t, os.WriteFile(partPath(dir, 1, "json"), []byte(`{"job": 1, "ev`), 0o600))
			must(t, os.WriteFile(partPath(dir, 5, "events.x")+unfinished, []byte("half"), 0o600))
		}
		var first Progress
		progress := func(p Progress) {
			if first.Jobs == 0 {
				first = p
			}
		}
		if err := Run(t.Context(), Config{Dir: dir, Plan: plan(t, small), Workers: 2, Progress: progress}); err != nil {
			t.Fatal(err)
		}
		same(t, "resumed", folder(t, dir), want)
		if found := after; after != 3 && (first.Done < found || first.Resumed != first.Part || found > 0 && first.Part == 0) {
			t.Errorf("interrupted after %d, the first progress is %+v", after, first)
		}
	}
}

// interruptAfter runs small until so many jobs are done.
func interruptAfter(t *testing.T, dir string, shard *Shard, jobs int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := Run(ctx, Config{Dir: dir, Plan: plan(t, small), Shard: shard, Workers: 1, Progress: func(p Progress) {
		if p.Done >= jobs {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("an interrupted run gives %v", err)
	}
	if _, err := Check(dir); err == nil || !strings.Contains(err.Error(), "isn't done") {
		t.Errorf("after %d jobs the folder says %v", jobs, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shards runs small as n shards.
func shards(t *testing.T, text string, n int) (dirs []string) {
	t.Helper()
	for i := range n {
		dir := filepath.Join(t.TempDir(), "shard")
		must(t, Run(t.Context(), Config{Dir: dir, Plan: plan(t, text), Shard: &Shard{Index: i, Of: n}, Workers: 1}))
		dirs = append(dirs, dir)
	}
	return dirs
}

func TestMerge(t *testing.T) {
	_, want := reference(t)
	for _, n := range []int{1, 4, 8} { // two of eight have nothing to do
		dirs := shards(t, small, n)
		slices.Reverse(dirs)
		dir := t.TempDir()
		if err := Merge(t.Context(), dir, dirs); err != nil {
			t.Fatal(err)
		}
		same(t, "merged", folder(t, dir), want)
		if err := Merge(t.Context(), dir, dirs); err != nil {
			t.Errorf("merged again: %v", err)
		}
	}
}

// Each case spoils one thing, and is told what.
func TestMergeRefuses(t *testing.T) {
	other := strings.Replace(small, "days = 40", "days = 41", 1)
	whole := shards(t, small, 3)
	for _, c := range []struct {
		name, want string
		damaged    bool
		spoil      func(t *testing.T, dirs []string) []string
	}{
		{"one is missing", "1 of 3 shards are missing: 1", false, func(t *testing.T, d []string) []string { return []string{d[0], d[2]} }},
		{"one twice", "are both shard 0 of 3", false, func(t *testing.T, d []string) []string { return []string{d[0], d[1], d[0]} }},
		{"none", "there are no shards", false, func(t *testing.T, d []string) []string { return nil }},
		{"no shard", "there is no manifest.json", false, func(t *testing.T, d []string) []string { return []string{t.TempDir()} }},
		{"other scenario", "is of another run than", false, func(t *testing.T, d []string) []string { d[1] = shards(t, other, 3)[1]; return d }},
		{"other count", "is shard 0 of 2", false, func(t *testing.T, d []string) []string { d[1] = shards(t, small, 2)[0]; return d }},
		{"other version", "version 9-0.1.0, not 0.1.0", false, edit(manifestName, `"version": "`, `"version": "9-`)},
		{"not done", "isn't done", false, edit(manifestName, `"done": true`, `"done": false`)},
		{"format", "its format is 2", true, edit(manifestName, `"format": 1`, `"format": 2`)},
		{"manifest cut", "perhaps cut short", true, cut(manifestName)},
		{"part cut", "is cut short", true, cut("parts/00000001.json")},
		{"part changed", "aren't those that were written", true, edit("parts/00000001.json", `"job": 1`, `"job": 4`)},
		{"series cut", "is cut short", true, cut("parts/00000004.series")},
		{"series changed", "aren't those that were written", true, edit("parts/00000001.series", "\n0,1,0,", "\n0,1,7,")},
		{"events missing", "it isn't there", true, func(t *testing.T, d []string) []string {
			must(t, os.Remove(filepath.Join(d[1], "parts/00000001.events")))
			return d
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			err := Merge(t.Context(), dir, c.spoil(t, copies(t, whole)))
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrDamaged) != c.damaged {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if _, err := Check(dir); err == nil {
				t.Error("the folder says that it is done")
			}
		})
	}
}

func copies(t *testing.T, dirs []string) (all []string) {
	t.Helper()
	for _, dir := range dirs {
		to := filepath.Join(t.TempDir(), "copy")
		must(t, os.CopyFS(to, os.DirFS(dir)))
		all = append(all, to)
	}
	return all
}

// edit changes a file of the second shard.
func edit(name, was, is string) func(*testing.T, []string) []string {
	return func(t *testing.T, dirs []string) []string {
		path := filepath.Join(dirs[1], name)
		text, err := os.ReadFile(path)
		must(t, err)
		changed := bytes.Replace(text, []byte(was), []byte(is), 1)
		if bytes.Equal(text, changed) {
			t.Fatalf("%q isn't in %s", was, name)
		}
		must(t, os.WriteFile(path, changed, 0o600))
		return dirs
	}
}

func cut(name string) func(*testing.T, []string) []string {
	return func(t *testing.T, dirs []string) []string {
		path := filepath.Join(dirs[1], name)
		st, err := os.Stat(path)
		must(t, err)
		must(t, os.Truncate(path, st.Size()/2))
		return dirs
	}
}

func TestRunRefusesOtherFolders(t *testing.T) {
	dir, _ := reference(t)
	err := Run(t.Context(), Config{Dir: dir, Plan: plan(t, strings.Replace(small, "days = 40", "days = 41", 1))})
	if err == nil || !strings.Contains(err.Error(), "has another run: SHA-256 of the scenario") {
		t.Errorf("another scenario: %v", err)
	}
	err = Run(t.Context(), Config{Dir: dir, Plan: plan(t, small), Shard: &Shard{0, 2}})
	if err == nil || !strings.Contains(err.Error(), "has a whole run, not shard 0 of 2") {
		t.Errorf("a shard: %v", err)
	}
	mine := t.TempDir()
	must(t, os.WriteFile(filepath.Join(mine, "letter.txt"), nil, 0o600))
	err = Run(t.Context(), Config{Dir: mine, Plan: plan(t, small)})
	if err == nil || !strings.Contains(err.Error(), "has files and no manifest.json (letter.txt is one of 1)") {
		t.Errorf("somebody's folder: %v", err)
	}
}

func TestCutOutputsAreFoundOut(t *testing.T) {
	for _, name := range []string{eventsName, seriesName, summaryName, manifestName} {
		dir, _ := reference(t)
		cut(name)(t, []string{"", dir})
		if err := Rebuild(dir); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s was cut: %v", name, err)
		}
		if err := Run(t.Context(), Config{Dir: dir, Plan: plan(t, small)}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s was cut, and a run goes on: %v", name, err)
		}
	}
}

// A file of the right length with other bytes is told as that.
func TestChangedOutputIsFoundOut(t *testing.T) {
	dir, _ := reference(t)
	path := filepath.Join(dir, summaryName)
	data, err := os.ReadFile(path)
	must(t, err)
	data[len(data)/2] ^= 1
	must(t, os.WriteFile(path, data, 0o600))
	if err := Rebuild(dir); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "aren't those that were written") {
		t.Errorf("one byte was changed: %v", err)
	}
}
