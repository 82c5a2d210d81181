package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

const (
	crashEnv      = "POTLUCK_LEDGER_CRASH"
	crashSmallEnv = "POTLUCK_LEDGER_CRASH_SMALL" // not empty: the child's books aren't synced
	crashWriters  = 8
	crashRounds   = 20
)

// runCrashChild is the child's whole life: it writes as fast as it can, and
// tells of each acknowledged operation on its output, until it is killed.
func runCrashChild() bool {
	where, dir, isChild := strings.Cut(os.Getenv(crashEnv), " ")
	if !isChild {
		return false
	}
	from, err := strconv.Atoi(where) // every round has numbers of its own
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	ctx := context.Background()
	small := os.Getenv(crashSmallEnv) != ""
	b, err := Open(ctx, Config{Self: self, Dir: dir, Clock: time.Now, Log: slog.New(slog.DiscardHandler), Small: small})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	say := func(word string, p peer.ID, n int) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(word, string(p), n)
	}
	for w := range crashWriters {
		go crashWriter(ctx, b, peer.ID(fmt.Sprintf("writer%d", w)), w, from, say)
	}
	select {}
}

// crashWriter holds shares and cancels every third, for ever.
func crashWriter(ctx context.Context, b *Book, p peer.ID, w, from int, say func(string, peer.ID, int)) {
	fail := func(err error) {
		fmt.Println("error", err)
		os.Exit(1)
	}
	if err := b.Befriend(ctx, Account{Peer: p, Terms: Terms{Gift: 1 << 40}}); err != nil {
		fail(err)
	}
	for n := from; ; n++ {
		id := shareID(w<<24|n, 0)
		r := Reservation{Share: id, Layout: layout, Charge: 1000, Until: time.Now().Add(time.Hour)}
		g, err := b.Reserve(ctx, p, roomy, []Reservation{r})
		if err != nil {
			fail(err)
		}
		if g[0].State != GrantNew {
			fail(fmt.Errorf("share %d was there", n))
		}
		say("reserved", p, n)
		if err := b.Commit(ctx, p, id, digest(n), digest(-n)); err != nil {
			fail(err)
		}
		say("held", p, n)
		if n%3 == 0 {
			if _, _, err := b.Cancel(ctx, p, []potluck.ShareID{id}); err != nil {
				fail(err)
			}
			say("cancelled", p, n)
		}
	}
}

func TestKillNine(t *testing.T) {
	dir := t.TempDir()
	acked := make(map[string]string) // "writer number" → newest acknowledged state
	for round := range crashRounds {
		for _, line := range crashRound(t, dir, round*100_000, 10+round*20) {
			word, rest, _ := strings.Cut(line, " ")
			if word == "error" {
				t.Fatalf("round %d: %s", round, line)
			}
			acked[rest] = word
		}
		crashVerify(t, dir, round, acked)
	}
	t.Logf("%d shares were acknowledged over %d kills", len(acked), crashRounds)
	if len(acked) < crashRounds {
		t.Errorf("only %d shares in %d rounds: the test tests nothing", len(acked), crashRounds)
	}
}

// crashRound starts a child, kills it after so many lines, and gives all lines
// that it wrote.
func crashRound(t *testing.T, dir string, from, after int) (lines []string) {
	t.Helper()
	return crashRun(t, dir, from, after, false, func() error { return nil })
}

// crashRun is crashRound with something that happens right before the kill, and
// books that may be Small.
func crashRun(t *testing.T, dir string, from, after int, small bool, strike func() error) (lines []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", crashEnv, from, dir))
	if small {
		cmd.Env = append(cmd.Env, crashSmallEnv+"=1")
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(out)
	for s.Scan() {
		lines = append(lines, s.Text())
		if len(lines) == after {
			if err := errors.Join(strike(), cmd.Process.Kill()); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
		}
	}
	if err := s.Err(); err != nil && err != io.ErrClosedPipe {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	return lines
}

func crashVerify(t *testing.T, dir string, round int, acked map[string]string) {
	t.Helper()
	b, err := Open(t.Context(), Config{Self: self, Dir: dir, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	defer b.Close()
	if !b.Unclean() {
		t.Errorf("round %d: a killed book counts as closed", round)
	}
	clean(t, b)
	for key, word := range acked {
		if err := crashLost(t, b, key, word); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

// crashLost tells what the books don't have of an acknowledged share; nil if they
// do. What was under way may have gone one step further than what was told.
func crashLost(t *testing.T, b *Book, key, word string) error {
	t.Helper()
	name, number, _ := strings.Cut(key, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	var w int
	fmt.Sscanf(name, "writer%d", &w)
	row, err := b.Share(t.Context(), shareID(w<<24|n, 0))
	switch {
	case word == "reserved" && err == nil:
	case word == "held" && err == nil && (row.State == ShareStable || n%3 == 0):
	case word == "cancelled" && err == nil && row.State == ShareGoing:
	default:
		return fmt.Errorf("%s of %s is lost: %+v, %w", word, key, row, err)
	}
	return nil
}
