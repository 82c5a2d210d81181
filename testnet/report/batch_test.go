package report

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"potluck"
)

// Whatever the file is called, the script runs the shard and nothing else.
func TestSlurmQuotes(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "potluck"), []byte("#!/bin/sh\nprintf '%s\\n' \"$@\"\n"), 0o700))
	for _, file := range []string{"/home/a/s.toml", "it's $(touch x) `touch y`; \"z\" *.toml", "-rf.toml"} {
		b := Batch{Name: "n", File: file, Shards: 7, Time: 90 * time.Minute, Memory: potluck.GiB, Out: "my shards"}
		script := filepath.Join(dir, "slurm.sh")
		must(t, os.WriteFile(script, []byte(b.Slurm()), 0o600))
		cmd := exec.CommandContext(t.Context(), "sh", script)
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "SLURM_ARRAY_TASK_ID=5"}
		out, err := cmd.CombinedOutput()
		want := "testnet\nrun\n" + file + "\n--shard\n5/7\n--out\nmy shards/5\n--jobs\n1\n"
		if err != nil || string(out) != want {
			t.Errorf("the script of %q ran %q, %v; want %q", file, out, err, want)
		}
		for _, line := range []string{"#SBATCH --array=0-6\n", "#SBATCH --mem=2304M\n", "#SBATCH --time=280\n"} {
			if !strings.Contains(b.Slurm(), line) {
				t.Errorf("%q isn't in the script", line)
			}
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("the scripts left %v, %v", left, err)
	}
}

func TestKubernetesQuotes(t *testing.T) {
	b := Batch{Name: strings.Repeat("a-", 30), File: "x\n$(SHARD): \"y\".toml", Shards: 2, Image: "i\", evil: \"", Claim: "c\nd"}
	text := b.Kubernetes()
	for _, want := range []string{`"run", "x\n$$(SHARD): \"y\".toml", "--shard", "$(SHARD)/2"`, `image: "i\", evil: \""`, `claimName: "c\nd" }`, "memory: 256Mi", "parallelism: 2\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q isn't in\n%s", want, text)
		}
	}
	name := regexp.MustCompile(`name: (potluck-.*)`).FindStringSubmatch(text)
	if name == nil || len(name[1]) > 48 || strings.HasSuffix(name[1], "-") {
		t.Errorf("the job is called %q", name)
	}
	if strings.Count(text, "\n") != strings.Count(Batch{Name: "n", File: "f", Image: "i", Claim: "c", Shards: 2}.Kubernetes(), "\n") {
		t.Error("a line end in a name makes a line of the file")
	}
}
