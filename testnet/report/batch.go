package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"potluck"
)

// Batch is a run that is cut into shards for a batch system.
type Batch struct {
	Name   string // of the scenario
	File   string // the scenario's file: below the claim's mount for Kubernetes, a path that every node of a cluster knows for Slurm
	Shards int
	Memory potluck.Size  // of one shard, estimated
	Time   time.Duration // of one shard, estimated
	Image  string        // Kubernetes: the image that has the program
	Claim  string        // Kubernetes: the volume claim that has the file and takes the shards
	Out    string        // Slurm: the folder that takes the shards
}

// memory asks for twice the estimate, and 256 MiB for the program.
func (b Batch) memory() int64 { return int64(2*b.Memory/potluck.MiB) + 256 }

// longJob is how much of a name a Job's has: its pods' names add to it, and end
// at 63 characters.
const longJob = 40

// Kubernetes gives an indexed Job: completion i runs shard i. A pod that is
// lost is started again, and goes on from the runs that are done.
func (b Batch) Kubernetes() string {
	return fmt.Sprintf(`# kubectl apply -f kubernetes.yaml
# The volume claim %[3]s holds %[2]s, with the files that it names beside it, and takes the shards.
# When the job is complete: potluck testnet merge --out %[1]s.run shards/*
apiVersion: batch/v1
kind: Job
metadata:
  name: potluck-%[10]s
spec:
  completionMode: Indexed
  completions: %[4]d
  parallelism: %[5]d
  backoffLimitPerIndex: 3
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: shard
          image: %[6]s
          workingDir: /work
          env:
            - name: SHARD
              valueFrom:
                fieldRef:
                  fieldPath: metadata.annotations['batch.kubernetes.io/job-completion-index']
          command: ["potluck", "testnet", "run", %[7]s, "--shard", "$(SHARD)/%[4]d", "--out", "shards/$(SHARD)", "--jobs", "1"]
          resources:
            requests: { cpu: "1", memory: %[8]dMi }
            limits: { memory: %[8]dMi }
          volumeMounts:
            - { name: work, mountPath: /work }
      volumes:
        - name: work
          persistentVolumeClaim: { claimName: %[9]s }
`, b.Name, remark(b.File), remark(b.Claim), b.Shards, min(b.Shards, 50), quote(b.Image), quote(strings.ReplaceAll(b.File, "$", "$$")), b.memory(), quote(b.Claim), strings.TrimRight(b.Name[:min(len(b.Name), longJob)], "-"))
}

// Slurm gives an array script: task i runs shard i. A task that is queued again
// goes on from the runs that are done.
func (b Batch) Slurm() string {
	minutes := int64(3*b.Time/time.Minute) + 10
	return fmt.Sprintf(`#!/bin/sh
#SBATCH --job-name=potluck-%[1]s
#SBATCH --array=0-%[2]d
#SBATCH --cpus-per-task=1
#SBATCH --mem=%[3]dM
#SBATCH --time=%[4]d
#SBATCH --requeue
# sbatch slurm.sh
# When all tasks are done: potluck testnet merge --out %[1]s.run %[5]s/*
set -eu
exec potluck testnet run %[6]s --shard "$SLURM_ARRAY_TASK_ID/%[7]d" --out %[5]s/"$SLURM_ARRAY_TASK_ID" --jobs 1
`, b.Name, b.Shards-1, b.memory(), minutes, shell(b.Out), shell(b.File), b.Shards)
}

// quote gives a text as YAML: JSON's strings are YAML's.
func quote(text string) string {
	b, _ := json.Marshal(text) // a string always has a JSON form
	return string(b)
}

// remark keeps a text within its line of remarks.
func remark(text string) string { return strings.Trim(quote(text), `"`) }

// shell gives a text as one word of a POSIX shell. No line ends are in it:
// a remark has it too.
func shell(text string) string {
	plain := strings.IndexFunc(text, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./", r)
	}) < 0
	if plain && text != "" && text[0] != '-' {
		return text
	}
	text = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return '?'
		}
		return r
	}, text)
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
