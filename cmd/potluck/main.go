// Command potluck runs a friendnet node, and speaks to one that runs.
//
// Rules for what is printed where:
//   - stdout has the answer, and nothing else: text for people, JSON with --json.
//   - stderr has errors, one sentence each with its numbers and a cure, and
//     progress, which is drawn only when stderr is a terminal.
//   - Text from peers reaches a terminal through cli.printf or a table only:
//     both escape control characters, ESC and bidirectional marks.
//   - The exit code tells the kind of failure (exit.go).
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], processStreams())
	stop()
	os.Exit(code)
}
