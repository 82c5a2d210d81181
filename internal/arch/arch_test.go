// Package arch holds the law of the house: which package may import which. It
// has tests only.
package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "potluck"

// floors gives each package its floor; a directory's floor is its children's
// too, unless they have their own. Arrows only point down.
var floors = map[string]int{
	"":         0, // the nouns
	"internal": 0, // helpers without nouns
	"caps":     1,
	"shares":   1,
	"p2p":      1,
	"ledger":   1,
	"files":    2,
	"node":     3,
	"gateway":  4,
	"testnet":  4,
	"cmd":      5,
}

// pillars stand beside each other on floor 1.
var pillars = []string{"caps", "shares", "p2p", "ledger"}

// across lists the imports within one floor that are allowed, and why.
var across = map[[2]string]string{
	{"testnet", "gateway"}: "a testnet speaks to its nodes by the same door as the command line",
	{"cmd", "cmd"}:         "commands may share what they print",
}

// rule forbids an import to some packages.
type rule struct {
	from   string   // directory whose packages the rule is for; "" is every package
	except []string // directories that may
	to     string   // import path that is forbidden, with all below it
	reason string
}

var rules = []rule{
	{"", []string{"ledger", "testnet", "cmd/bench"}, "github.com/dgraph-io/badger", "Badger loses data when it is opened otherwise than in ledger/open.go"},
	{"", []string{"p2p", "testnet", "cmd/bench"}, "github.com/libp2p/go-libp2p/p2p", "the network's machinery belongs to p2p; others know peers by core/peer and keys by core/crypto"},
	{"", []string{"p2p", "testnet", "cmd/bench"}, "github.com/libp2p/go-libp2p/core/network", "streams and connections don't leave p2p"},
	{"", []string{"shares", "testnet", "cmd/bench"}, "github.com/klauspost/reedsolomon", "the erasure code is part of the share format"},
	{"", []string{"caps", "cmd/bench", "testnet"}, "golang.org/x/crypto", "the cipher is part of the capability format"},
	{"", []string{"cmd"}, "github.com/alecthomas/kong", "flags are the command line's"},
	{"", []string{"cmd"}, "github.com/schollz/progressbar", "screens are the command line's"},
	{"", []string{"cmd"}, "golang.org/x/term", "screens are the command line's"},
	{"", []string{"node", "cmd", "testnet/scenario"}, "github.com/BurntSushi/toml", "one place reads the configuration, and one the scenarios"},
	{"", []string{"gateway", "testnet", "cmd"}, "net/http", "the doors speak HTTP, nobody behind them"},
	{"", nil, "net/http/pprof", "its init opens a door on the default server"},
	{"", nil, "expvar", "its init opens a door on the default server"},
	{"", nil, "math/rand$", "math/rand/v2 can't be seeded by accident"},
	{"", nil, "log$", "log/slog, which levels and keys"},
	{"", []string{"caps", "p2p"}, "unsafe", "only the cipher and the bulk of sockets need it, for speed"},
	{"ledger", nil, "net", "the books don't speak"},
	{"shares", nil, "net", "the store doesn't speak"},
	{"ledger/credit", nil, "os", "credit is decided from its arguments alone"},
	{"ledger/credit", nil, "io", "credit is decided from its arguments alone"},
	{"ledger/credit", nil, "context", "what is pure doesn't wait"},
	{"ledger/credit", nil, "sync", "what is pure shares nothing"},
	{"ledger/credit", nil, "math/rand", "equal books, equal answers"},
	{"ledger/credit", nil, "github.com", "credit is arithmetic: the standard library is enough"},
	{"caps", nil, "net", "capabilities don't speak"},
	{"caps", nil, "os", "capabilities touch no file"},
	{"files", nil, "net", "files goes through its ports"},
}

// allowed are the modules that may be required directly.
var allowed = []string{
	"github.com/BurntSushi/toml", "github.com/alecthomas/kong", "github.com/dgraph-io/badger/v4",
	"github.com/fxamacker/cbor/v2", "github.com/klauspost/reedsolomon", "github.com/libp2p/go-libp2p",
	"github.com/marcopolo/simnet", "github.com/multiformats/go-multiaddr", "github.com/prometheus/client_golang",
	"github.com/quic-go/quic-go", "github.com/schollz/progressbar/v3",
	"github.com/zeebo/blake3",
	"go.uber.org/goleak", "golang.org/x/crypto", "golang.org/x/sync", "golang.org/x/sys", "golang.org/x/term",
	"lukechampine.com/blake3", "pgregory.net/rapid", "rsc.io/qr",
}

// unlinked are not to be in the program at all.
var unlinked = map[string]string{
	"github.com/libp2p/go-libp2p/p2p/transport/webtransport": "not needed, and open to handshake floods",
	"github.com/libp2p/go-libp2p/p2p/transport/webrtc":       "not needed, and open to handshake floods",
	"github.com/libp2p/go-libp2p-kad-dht":                    "friends need no directory of strangers",
	"testing":                                                "test code doesn't belong into the program",
}

// pkg is what "go list" tells of a package.
type pkg struct {
	ImportPath   string
	Name         string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
	Module       *struct {
		Path     string
		Main     bool
		Indirect bool
	}
}

// dir is the package's directory in the module, "" for the root.
func (p pkg) dir() string { return dirOf(p.ImportPath) }

func dirOf(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// below tells whether an import path or directory is in another one.
func below(path, in string) bool { return path == in || strings.HasPrefix(path, in+"/") }

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v\n%s", args, err, stderr.String())
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatalf("go list %v found no packages", args)
	}
	return all
}

// floorOf gives a package's part of the house and its floor.
func floorOf(dir string) (part string, floor int, ok bool) {
	part, _, _ = strings.Cut(dir, "/")
	floor, ok = floors[part]
	return part, floor, ok
}

// arrow tells what is wrong with one package's import of another of ours; "" if
// nothing is.
func arrow(from, to string) string {
	fromPart, fromFloor, ok := floorOf(from)
	if !ok {
		return fmt.Sprintf("%s is on no floor", from)
	}
	toPart, toFloor, ok := floorOf(to)
	switch {
	case !ok:
		return fmt.Sprintf("%s imports %s, which is on no floor", from, to)
	case fromPart == toPart, across[[2]string{fromPart, toPart}] != "":
		return ""
	case slices.Contains(pillars, fromPart) && slices.Contains(pillars, toPart):
		return fmt.Sprintf("%s imports %s: pillars don't know each other; they meet in files and node", from, to)
	case fromPart == "internal" && toPart == "":
		return fmt.Sprintf("%s imports the nouns: internal packages know no nouns", from)
	case fromFloor == 0 && fromPart == "" && toFloor == 0:
		return fmt.Sprintf("the nouns import %s: they import nothing of ours", to)
	case fromPart != "" && toFloor == 0:
		return ""
	case toFloor >= fromFloor:
		return fmt.Sprintf("%s (floor %d) imports %s (floor %d): arrows only point down", from, fromFloor, to, toFloor)
	}
	return ""
}

// forbidden tells which rule an import breaks; "" if none.
func forbidden(from, imported string) string {
	for _, r := range rules {
		to, exact := strings.CutSuffix(r.to, "$")
		if imported != to && (exact || !below(imported, to)) || r.from != "" && !below(from, r.from) {
			continue
		}
		if !slices.ContainsFunc(r.except, func(dir string) bool { return below(from, dir) }) {
			return fmt.Sprintf("%s imports %s: %s", from, imported, r.reason)
		}
	}
	return ""
}

func TestArrowsPointDown(t *testing.T) {
	for _, p := range list(t, "./...") {
		for _, i := range p.Imports {
			text := ""
			if ours(i) {
				text = arrow(p.dir(), dirOf(i))
			} else {
				text = forbidden(p.dir(), i)
			}
			if text != "" {
				t.Error(text)
			}
		}
	}
}

// TestTestsKeepTheFloors lets tests use what they like, other than floors above.
func TestTestsKeepTheFloors(t *testing.T) {
	for _, p := range list(t, "./...") {
		for _, i := range append(p.TestImports, p.XTestImports...) {
			_, from, _ := floorOf(p.dir())
			if _, to, _ := floorOf(dirOf(i)); ours(i) && to > from {
				t.Errorf("the tests of %s (floor %d) import %s (floor %d)", p.dir(), from, dirOf(i), to)
			}
		}
	}
}

func TestLawRefuses(t *testing.T) {
	for _, c := range [][2]string{{"ledger", "shares"}, {"caps", "files"}, {"files", "node"}, {"node", "gateway/api"},
		{"gateway/api", "testnet"}, {"", "internal/durable"}, {"internal/durable", "ledger"}, {"attic", "caps"}, {"p2p", "ledger"}} {
		if arrow(c[0], c[1]) == "" {
			t.Errorf("%q may import %q", c[0], c[1])
		}
	}
	for _, c := range [][2]string{{"ledger", "internal/durable"}, {"node", "ledger"}, {"cmd/potluck", "testnet"}, {"shares/disk", "shares"}, {"caps", ""}} {
		if text := arrow(c[0], c[1]); text != "" {
			t.Error(text)
		}
	}
	for _, c := range [][2]string{{"node", "github.com/dgraph-io/badger/v4"}, {"files", "net/http"}, {"caps", "os"}, {"node", "log"}, {"ledger/credit", "os"}, {"ledger/credit", "net/http"}, {"ledger/credit", "context"}} {
		if forbidden(c[0], c[1]) == "" {
			t.Errorf("%q may import %q", c[0], c[1])
		}
	}
	for _, c := range [][2]string{{"ledger", "github.com/dgraph-io/badger/v4"}, {"node", "log/slog"}, {"gateway/api", "net/http"}, {"node", "net"}} {
		if text := forbidden(c[0], c[1]); text != "" {
			t.Error(text)
		}
	}
}

// TestCreditIsPure holds the pure core to the nouns, and to the times that it is
// given.
func TestCreditIsPure(t *testing.T) {
	clocks := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	for _, p := range list(t, "./ledger/credit/...") {
		for _, i := range p.Imports {
			if ours(i) && i != module {
				t.Errorf("%s imports %s: the pure core knows the nouns alone", p.dir(), dirOf(i))
			}
		}
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("%s/%s starts a goroutine", p.dir(), name)
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
						t.Errorf("%s/%s uses time.%s: times are arguments", p.dir(), name, n.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

func TestNames(t *testing.T) {
	words := []string{"util", "utils", "manager", "service", "common", "helper", "helpers", "misc", "base"}
	for _, p := range list(t, "./...") {
		if slices.Contains(words, p.Name) {
			t.Errorf("package %s is named %s, which says nothing", p.dir(), p.Name)
		}
		for _, name := range p.GoFiles {
			checkFile(t, p.dir(), filepath.Join(p.Dir, name))
		}
	}
}

// checkFile refuses init functions and types that are named for nothing.
func checkFile(t *testing.T, dir, path string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				t.Errorf("%s/%s has an init function: what happens is said where it's used", dir, filepath.Base(path))
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				s, ok := s.(*ast.TypeSpec)
				if !ok {
					continue
				}
				for _, word := range []string{"Manager", "Util", "Service", "Helper"} {
					if strings.Contains(s.Name.Name, word) {
						t.Errorf("%s has a type %s: name it for what it is", dir, s.Name.Name)
					}
				}
			}
		}
	}
}

func TestDependencies(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	direct := 0
	for _, r := range mod.Require {
		if r.Indirect {
			continue
		}
		direct++
		if !slices.Contains(allowed, r.Path) {
			t.Errorf("%s is required, and is not on the list", r.Path)
		}
	}
	if direct == 0 {
		t.Error("no module is required directly: the list can't be right")
	}
}

func TestProgramLinks(t *testing.T) {
	deps := list(t, "-deps", "./cmd/potluck")
	if len(deps) < 100 {
		t.Fatalf("only %d packages are in the program: the list can't be right", len(deps))
	}
	for _, p := range deps {
		for path, reason := range unlinked {
			if below(p.ImportPath, path) {
				t.Errorf("%s is in the program: %s", p.ImportPath, reason)
			}
		}
	}
}
