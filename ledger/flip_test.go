package ledger

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"github.com/zeebo/blake3"
)

// flipEnv makes the test's program open damaged books, in a process of its own:
// Badger might end it.
const flipEnv = "POTLUCK_LEDGER_FLIP"

// flips is how many places are tried.
func flips() int {
	if os.Getenv("POTLUCK_LONG") != "" {
		return 500
	}
	return 90
}

// place is one bit of one file.
type place struct {
	path string // in the books' directory
	at   int64
	bit  int
}

// whatBecame of books with a flipped bit.
const (
	becameRefused = "refused" // Open told of it
	becameSame    = "same"    // the bit carried nothing: every row is as it was
	becameNamed   = "named"   // opened, and Check names the damage
	becameSilent  = "SILENT"  // opened with other rows, and nothing tells
	becameDead    = "DEAD"    // the process died
	becameRaw     = "RAW"     // refused, with an error that isn't of the books' own kinds
)

// runFlipChild opens the books in every directory that its input names, and
// answers what became of each.
func runFlipChild() bool {
	want, isChild := os.LookupEnv(flipEnv)
	if !isChild {
		return false
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		became, err := openFlipped(context.Background(), in.Text(), want)
		fmt.Printf("%s %v\n", became, strings.ReplaceAll(fmt.Sprint(err), "\n", "; "))
	}
	return true
}

func openFlipped(ctx context.Context, dir, want string) (string, error) {
	b, err := Open(ctx, config(dir, newClock()))
	switch {
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrCut), errors.Is(err, ErrNewer):
		return becameRefused, err
	case err != nil:
		return becameRaw, err
	}
	defer b.Close()
	sum, err := rowsOf(b)
	if err == nil && sum == want {
		return becameSame, nil
	}
	r, checkErr := b.Check(ctx)
	if err := errors.Join(err, checkErr); err != nil {
		return becameNamed, err
	}
	if len(r.Problems) > 0 {
		return becameNamed, errors.New(r.Problems[0])
	}
	return becameSilent, nil
}

// rowsOf is a digest of all rows.
func rowsOf(b *Book) (string, error) {
	h, n := blake3.New(), 0
	err := b.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.DefaultIteratorOptions)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			fmt.Fprintf(h, "%x ", it.Item().Key())
			if err := it.Item().Value(func(row []byte) error { h.Write(row); return nil }); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return fmt.Sprintf("%d rows %x", n, h.Sum(nil)[:8]), err
}

// flippable makes books with several tables and logs, as a kill leaves them: it
// gives their directory and the digest of their rows.
func flippable(t *testing.T) (dir, want string) {
	t.Helper()
	c := newClock()
	from := t.TempDir()
	b := openBook(t, from, c)
	befriend(t, b, alice, bob)
	evidence := make([]byte, 16<<10)
	for i := range 600 {
		id := shareID(i, 0)
		hold(t, b, c, alice, id, 10)
		p := Placement{Share: id, Host: bob, Layout: layout, Charge: 10, Placed: c.now().Unix(), State: PlacedStable}
		if err := b.Place(t.Context(), []Placement{p}); err != nil {
			t.Fatal(err)
		}
		if i == 300 { // a later life: what came before is in tables
			mustClose(t, b)
			b = openBook(t, from, c)
		}
		if err := b.Note(t.Context(), Event{Kind: "big", Evidence: evidence}); err != nil {
			t.Fatal(err)
		}
	}
	want, err := rowsOf(b)
	if err != nil {
		t.Fatal(err)
	}
	return copyBooks(t, from), want
}

// A bit is flipped at hundreds of places of the logs, the tables and all else that
// the books consist of. It is noticed, as damage, with the table's name if it is in
// one, or every row is as it was: books are never shorter, and silent.
func TestFlippedBits(t *testing.T) {
	dir, want := flippable(t)
	seed := rand.Uint64()
	t.Logf("seed %d, books of %s", seed, want)
	random := rand.New(rand.NewPCG(seed, 1))
	child := &flipChild{t: t, want: want}
	defer child.end()
	count := make(map[string]map[string]int) // by kind of file and outcome
	for range flips() {
		p := drawPlace(t, random, dir)
		damaged := flipped(t, dir, p)
		became, why := child.open(damaged)
		kind := fileKind(p.path)
		if count[kind] == nil {
			count[kind] = make(map[string]int)
		}
		count[kind][became]++
		switch {
		case became == becameSilent, became == becameDead, became == becameRaw, becameSame == became && (kind == "log" || kind == "table"):
			t.Errorf("bit %d of byte %d of %s: %s: %s", p.bit, p.at, p.path, became, why)
		case kind == "table" && !strings.Contains(why, filepath.Base(p.path)), became == becameRefused && kind != "format" && strings.Contains(why, ErrNewer.Error()):
			t.Errorf("bit %d of byte %d of %s is told as %s", p.bit, p.at, p.path, why)
		case became == becameNamed:
			t.Errorf("bit %d of byte %d of %s is found only by a check: %s", p.bit, p.at, p.path, why)
		}
		if err := os.RemoveAll(damaged); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d places: %v", flips(), count)
}

// fileKind tells what a file of the books is.
func fileKind(path string) string {
	switch filepath.Ext(path) {
	case ".mem":
		return "log"
	case ".sst":
		return "table"
	}
	return filepath.Base(path)
}

// drawPlace draws a file, and a bit of what is written in it: logs and tables in
// four of five draws.
func drawPlace(t *testing.T, random *rand.Rand, dir string) place {
	t.Helper()
	var big, small []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "lock" || d.Name() == "LOCK" || d.Name() == "ballast" {
			return err
		}
		if kind := fileKind(path); written(t, path) > 0 && (kind == "log" || kind == "table") {
			big = append(big, path)
		} else if written(t, path) > 0 {
			small = append(small, path)
		}
		return nil
	})
	if err != nil || len(big) < 4 || len(small) < 2 {
		t.Fatalf("books of %v and %v, %v: nothing to damage", big, small, err)
	}
	from := big
	if random.IntN(5) == 0 {
		from = small
	}
	path := from[random.IntN(len(from))]
	name, err := filepath.Rel(dir, path)
	if err != nil {
		t.Fatal(err)
	}
	return place{name, random.Int64N(written(t, path)), random.IntN(8)}
}

// written is the length of a file without the zeros at its end.
func written(t *testing.T, path string) int64 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return int64(len(bytes.TrimRight(b, "\x00")))
}

// flipped gives a copy of books with one bit flipped. Tables, which nobody
// changes, are links.
func flipped(t *testing.T, dir string, p place) string {
	t.Helper()
	to, err := os.MkdirTemp(t.TempDir(), "flip")
	if err == nil {
		err = os.Mkdir(filepath.Join(to, badgerDir), 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if name != p.path && fileKind(name) == "table" {
			return os.Link(path, filepath.Join(to, name))
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if name == p.path {
			b[p.at] ^= 1 << p.bit
		}
		return os.WriteFile(filepath.Join(to, name), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// flipChild is the process that opens damaged books. It is started again when
// one of them was its end.
type flipChild struct {
	t    *testing.T
	want string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	died bytes.Buffer // what it said of its end
}

func (c *flipChild) start() {
	c.t.Helper()
	c.cmd = exec.CommandContext(c.t.Context(), os.Args[0])
	c.cmd.Env = append(os.Environ(), flipEnv+"="+c.want)
	in, err := c.cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	c.cmd.Stderr = &c.died
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.in, c.out = in, bufio.NewScanner(out)
}

// open lets the child open books, and tells what became of them.
func (c *flipChild) open(dir string) (became, why string) {
	c.t.Helper()
	if c.cmd == nil {
		c.start()
	}
	fmt.Fprintln(c.in, dir)
	if !c.out.Scan() {
		c.end()
		return becameDead, c.died.String()
	}
	became, why, _ = strings.Cut(c.out.Text(), " ")
	return became, why
}

func (c *flipChild) end() {
	if c.cmd != nil {
		c.in.Close()
		_ = c.cmd.Wait() // it may have died of a panic
		c.cmd = nil
	}
}
