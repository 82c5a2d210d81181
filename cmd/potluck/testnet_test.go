package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"potluck/testnet/report"
)

// fourPoints has four points with two replicates each, and takes a second or so.
const fourPoints = `
[scenario]
name = "hops"
days = 60
replicates = 2
[[group]]
name = "homes"
count = 12
capacity = "50 GB"
demand = "20 GB"
demand_sigma = 0.8
disk_death = 0.5
[topology]
kind = "erdos-renyi"
degree = 4
[policy]
k = 1
n = 2
[sweep]
policy.max_hops = [0, 2]
policy.opening = ["1 GB", "4 GB"]
`

// bench is a folder with scenarios, in which the program is run.
type bench struct {
	t   *testing.T
	dir string
}

func newBench(t *testing.T, scenario string) bench {
	t.Helper()
	buildProgram(t)
	b := bench{t, t.TempDir()}
	b.write("s.toml", scenario)
	return b
}

func (b bench) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// command is the program in the folder, without any node's settings.
func (b bench) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(b.t.Context(), binary, args...)
	cmd.Dir = b.dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "POTLUCK_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

// run runs a testnet verb as a process of its own.
func (b bench) run(args ...string) (code int, out, errout string) {
	b.t.Helper()
	cmd := b.command(append([]string{"testnet"}, args...)...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		b.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

func (b bench) must(args ...string) string {
	b.t.Helper()
	code, out, errout := b.run(args...)
	if code != exitOK {
		b.t.Fatalf("testnet %v: exit code %d, stderr %q", args, code, errout)
	}
	return out
}

func (b bench) refuse(code int, want string, args ...string) {
	b.t.Helper()
	got, _, errout := b.run(args...)
	if got != code || !strings.Contains(errout, want) {
		b.t.Errorf("testnet %v: exit code %d, stderr %q; want %d, %q", args, got, errout, code, want)
	}
}

// sameRuns compares two folders byte by byte.
func (b bench) sameRuns(got, want string) {
	b.t.Helper()
	files, err := os.ReadDir(filepath.Join(b.dir, want))
	if err != nil || len(files) != 5 {
		b.t.Fatalf("%s has %d files, %v", want, len(files), err)
	}
	for _, f := range files {
		a, err := os.ReadFile(filepath.Join(b.dir, got, f.Name()))
		if err != nil {
			b.t.Fatal(err)
		}
		w, err := os.ReadFile(filepath.Join(b.dir, want, f.Name()))
		if err != nil || !bytes.Equal(a, w) {
			b.t.Errorf("%s differs between %s (%d bytes) and %s (%d bytes), %v", f.Name(), got, len(a), want, len(w), err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(b.dir, got)); err != nil || len(left) != len(files) {
		b.t.Errorf("%s has %d files, want %d, %v", got, len(left), len(files), err)
	}
}

// Three shards in three processes at once, merged, are one run to the byte.
func TestTestnetShards(t *testing.T) {
	b := newBench(t, fourPoints)
	out := b.must("sim", "s.toml", "--jobs", "1", "--out", "one")
	if !strings.Contains(out, "policy.max_hops=2, policy.opening=4 GB") || !strings.Contains(out, "4 points; the means of 8 runs; look at one/report.html") {
		t.Errorf("sim says %q", out)
	}
	var shards []*exec.Cmd
	for i := range 3 {
		cmd := b.command("testnet", "run", "s.toml", "--shard", fmt.Sprintf("%d/3", i), "--out", fmt.Sprintf("shards/%d", i))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		shards = append(shards, cmd)
	}
	for i, cmd := range shards {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("shard %d: %v", i, err)
		}
	}
	b.refuse(exitError, "1 of 3 shards are missing: 1", "merge", "--out", "none", "shards/0", "shards/2")
	b.must("merge", "--out", "merged", "shards/2", "shards/0", "shards/1")
	b.sameRuns("merged", "one")
	if err := os.WriteFile(filepath.Join(b.dir, "merged", "report.html"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.must("report", "merged")
	b.sameRuns("merged", "one")
	if err := os.Truncate(filepath.Join(b.dir, "merged", "timeseries.csv"), 1000); err != nil {
		t.Fatal(err)
	}
	b.refuse(exitDamage, "merged/timeseries.csv is damaged: it is cut short, 1000 of", "report", "merged")
	b.refuse(exitError, "has a whole run, not shard 0 of 2", "run", "s.toml", "--shard", "0/2", "--out", "one")
}

// A run that is interrupted says so, goes on, and is the same to the byte; one
// that is killed too.
func TestTestnetInterrupted(t *testing.T) {
	b := newBench(t, strings.Replace(fourPoints, "replicates = 2", "replicates = 20", 1))
	b.must("sim", "s.toml", "--out", "one")
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		dir := "after-" + signal.String()
		cmd := b.command("--json", "testnet", "sim", "s.toml", "--out", dir, "--jobs", "1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var errout safeBuffer
		cmd.Stderr = &errout
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && strings.Contains(lines.Text(), `"done":0`) {
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			if strings.Contains(lines.Text(), `"result"`) {
				t.Errorf("there is a result after the signal: %s", lines.Text())
			}
		}
		cmd.Wait()
		if signal == syscall.SIGINT && (cmd.ProcessState.ExitCode() != exitError || !strings.Contains(errout.String(), "of 80 runs done; the same command goes on")) {
			t.Errorf("exit code %d, stderr %q", cmd.ProcessState.ExitCode(), errout.String())
		}
		b.refuse(exitError, "isn't done", "report", dir)
		b.must("sim", "s.toml", "--out", dir)
		b.sameRuns(dir, "one")
	}
}

func TestTestnetRefuses(t *testing.T) {
	b := newBench(t, fourPoints)
	b.write("bad.toml", strings.Replace(fourPoints, "capacity = \"50 GB\"", "capacity = \"-1 GB\"", 1))
	b.refuse(exitUsage, "bad.toml: line 9: group.homes.capacity: size \"-1 GB\" is below zero", "sim", "bad.toml")
	b.write("many.toml", strings.Replace(fourPoints, "degree = 4", "degree = 40", 1))
	b.refuse(exitUsage, "many.toml: line 15: topology.degree: is 40 friends each among 12 members, want 1 to 11", "sim", "many.toml")
	b.write("long.toml", strings.Replace(strings.Replace(fourPoints, "days = 60", "days = 36500", 1), "replicates = 2", "replicates = 2000", 1))
	b.refuse(exitUsage, "8000 runs, 1 at once: about 3.5e+09 events", "sim", "long.toml", "--jobs", "1")
	b.refuse(exitNotFound, "no such file", "sim", "none.toml")
	b.refuse(exitUsage, "shard \"2/2\" is not like", "run", "s.toml", "--shard", "2/2", "--out", "x")
	b.refuse(exitUsage, "--shards 9 is not between 1 and the scenario's 8 runs", "plan", "s.toml", "--shards", "9")
	b.refuse(exitNotFound, "no run was made there", "report", ".")
	b.refuse(exitUsage, "--small takes its size", "sim", "s.toml", "--small")
}

func TestTestnetExpects(t *testing.T) {
	b := newBench(t, fourPoints)
	b.write("expected.toml", "[small]\n\"scenario.days\" = 10\n\"scenario.replicates\" = 1\n[[expect]]\nfigure = \"served\"\nat = { \"policy.max_hops\" = 0 }\nmin = 0\nmax = 1\n")
	out := b.must("sim", "s.toml", "--expect", "expected.toml", "--small")
	if !strings.Contains(out, "the means of 4 runs; look at hops.run/report.html") {
		t.Errorf("sim says %q", out)
	}
	b.write("expected.toml", "[small]\n\"scenario.days\" = 10\n\"scenario.replicates\" = 1\n[[expect]]\nfigure = \"served\"\nmin = 2\nwhy = \"never\"\n")
	b.refuse(exitDamage, "4 figures aren't as expected:; line 4: served at policy.max_hops=0, policy.opening=1 GB is 0", "sim", "s.toml", "--expect", "expected.toml", "--small")
}

// The scripts run the shards that they promise; the one for Slurm is run here
// as Slurm would, by a shell.
func TestTestnetPlan(t *testing.T) {
	b := newBench(t, fourPoints)
	out := b.must("plan", "s.toml", "--shards", "2", "--out", "it's here", "--image", "registry.example/potluck:1", "--claim", "disk")
	if !strings.Contains(out, "hops: 4 points with 2 replicates, 8 runs") {
		t.Errorf("plan says %q", out)
	}
	text, err := os.ReadFile(filepath.Join(b.dir, "it's here", "kubernetes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"completionMode: Indexed", "completions: 2", `image: "registry.example/potluck:1"`,
		`command: ["potluck", "testnet", "run", "s.toml", "--shard", "$(SHARD)/2", "--out", "shards/$(SHARD)", "--jobs", "1"]`, `claimName: "disk"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q isn't in\n%s", want, text)
		}
	}
	path := filepath.Dir(binary) + string(os.PathListSeparator) + os.Getenv("PATH")
	for i := range 2 {
		cmd := exec.CommandContext(t.Context(), "sh", filepath.Join("it's here", "slurm.sh"))
		cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "PATH="+path, fmt.Sprintf("SLURM_ARRAY_TASK_ID=%d", i))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("slurm.sh: %v\n%s", err, out)
		}
	}
	b.must("merge", "--out", "merged", "shards/0", "shards/1")
	b.must("sim", "s.toml", "--out", "one")
	b.sameRuns("merged", "one")
}

func TestGaugeGuesses(t *testing.T) {
	g := &gauge{start: time.Unix(0, 0)}
	g.last.Part, g.last.Resumed = 0.6, 0.5
	if left := g.left(time.Unix(10, 0)); left.Round(time.Second) != 40*time.Second {
		t.Errorf("10 s for a tenth, four tenths are left: %v", left)
	}
	g.last.Part = 0.5
	if left := g.left(time.Unix(10, 0)); left != -1 {
		t.Errorf("nothing was done yet, and %v are left", left)
	}
	for d, want := range map[time.Duration]string{0: "1 s", 59 * time.Second: "59 s", 90 * time.Second: "2 min", 3 * time.Hour: "3.0 hours", 100 * time.Hour: "4.2 days"} {
		if about(d) != want {
			t.Errorf("about %v is %q, want %q", d, about(d), want)
		}
	}
}

// On a terminal there is one line, which is drawn over.
func TestGaugeDraws(t *testing.T) {
	var out bytes.Buffer
	g := &gauge{c: &cli{streams: streams{err: &out, errTerminal: true}}, start: time.Now().Add(-10 * time.Second)}
	g.show(report.Progress{Jobs: 12, Done: 3, Part: 0.25})
	g.show(report.Progress{Jobs: 12, Done: 4, Part: 0.3}) // too soon
	g.show(report.Progress{Jobs: 12, Done: 12, Part: 1})
	g.end()
	lines := strings.Split(out.String(), "\r")
	if len(lines) != 3 || lines[1] != " 25 %  3 of 12 runs, 30 s left" && lines[1] != " 25 %  3 of 12 runs, 31 s left" || strings.TrimSpace(lines[2]) != "100 %  12 of 12 runs" || len(lines[2]) != len(lines[1])+1 {
		t.Errorf("the terminal has %q", lines)
	}
}
