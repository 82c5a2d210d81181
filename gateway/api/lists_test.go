package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/node"
)

// Of long books one page more than an answer has.
const (
	longShares = node.SharesMost + 50
	longFiles  = 2*filePage + 203
)

var listLayout = potluck.Layout{Suite: 1, K: 3, N: 10, Block: 1024, Size: 3000}

// long starts a node that holds many shares for one friend, and has many files at it.
func long(t *testing.T) (friend, peer.ID) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	first := start(t, "alice", data)
	first.stop()
	bob := start(t, "bob", filepath.Join(t.TempDir(), "data")).node.Self()
	book, err := ledger.Open(t.Context(), ledger.Config{Self: first.node.Self(), Dir: filepath.Join(data, "ledger"), Clock: time.Now, Log: slog.New(slog.DiscardHandler), Small: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := book.Befriend(t.Context(), ledger.Account{Peer: bob, Name: "bob", Terms: ledger.DefaultTerms()}); err != nil {
		t.Fatal(err)
	}
	var found []ledger.Found
	for n := range longShares {
		found = append(found, ledger.Found{Share: potluck.ShareID{Index: indexOf(n)}, Owner: bob, Layout: listLayout, Charge: 4096, Root: potluck.Digest{1}, Manifest: potluck.Digest{1}})
	}
	if _, err := book.Adopt(t.Context(), found, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for n := range longFiles {
		f := ledger.File{Index: indexOf(n), Manifest: potluck.Digest{1}, Layout: listLayout, Name: fmt.Sprint("file ", n), Put: 1, Wanted: 2}
		p := ledger.Placement{Share: potluck.ShareID{Index: f.Index}, Host: bob, Layout: listLayout, Charge: 4096, Root: potluck.Digest{1}, Manifest: potluck.Digest{1}, Receipt: []byte("r"), Placed: 1, State: ledger.PlacedStable}
		if err := book.PlaceFile(t.Context(), []ledger.Placement{p}, f); err != nil {
			t.Fatal(err)
		}
	}
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	return start(t, "alice", data), bob
}

func indexOf(n int) (index potluck.StorageIndex) {
	copy(index[:], strconv.Itoa(n*7919%100_000+1))
	return index
}

// Lists that are longer than a page are whole, have each row once, and sum to the
// figures that the node counts.
func TestLongLists(t *testing.T) {
	alice, bob := long(t)
	all, err := alice.Files(t.Context())
	if err != nil || len(all) != longFiles {
		t.Fatalf("%d files, %v; want %d", len(all), err, longFiles)
	}
	for _, f := range all {
		if f.Placed != 1 {
			t.Fatalf("%s has %d placements, want 1", f.Name, f.Placed)
		}
	}
	var whole []FileRow
	if err := json.Unmarshal(asked(t, alice, "/v1/files"), &whole); err != nil || !slices.Equal(whole, all) {
		t.Errorf("without a limit %d files come, %v", len(whole), err)
	}
	var some []FileRow
	for _, limit := range []int{1, filePage, filePage + 1, 2 * filePage, longFiles, longFiles + 1} {
		if err := json.Unmarshal(asked(t, alice, fmt.Sprintf("/v1/files?limit=%d&after=%v", limit, all[4].Index)), &some); err != nil || !slices.Equal(some, all[5:min(5+limit, longFiles)]) {
			t.Errorf("%d files after the fifth: %d come, %v", limit, len(some), err)
		}
	}
	if end := asked(t, alice, "/v1/files?after="+all[longFiles-1].Index.String()); string(end) != "[]\n" {
		t.Errorf("after the last one comes %s", end)
	}
	want := FilesSummary{Files: longFiles, Lost: longFiles, Thin: longFiles, Survives: -2}
	sum, err := alice.FilesSummary(t.Context())
	if want.AsOf = sum.AsOf; err != nil || sum.AsOf == 0 || sum != want {
		t.Errorf("summary %+v, %v; want %+v", sum, err, want)
	}
	s, err := alice.Shares(t.Context(), "bob")
	if err != nil || len(s.IHold) != longShares || len(s.HoldsForMe) != longFiles || s.More {
		t.Fatalf("%d and %d rows, more %v, %v", len(s.IHold), len(s.HoldsForMe), s.More, err)
	}
	seen := make(map[potluck.ShareID]bool)
	for _, r := range s.IHold {
		seen[r.Share] = true
	}
	who, err := alice.Who(t.Context())
	if err != nil || len(seen) != longShares || s.Sums.IHold.Shares != longShares || s.Sums != (node.WhoSums{HoldForMe: who.Rows[0].HoldsForMe, IHold: who.Rows[0].IHold}) {
		t.Errorf("%d shares, sums %+v, line %+v, %v", len(seen), s.Sums, who.Rows[0], err)
	}
	for _, bad := range []string{"/v1/files?limit=0", "/v1/files?limit=-1", "/v1/files?limit=x", "/v1/files?after=x", "/v1/matrix?after=x", "/v1/matrix?limit=-1", "/v1/credit?ask=maybe"} {
		_, err := alice.ask(t.Context(), "GET", bad, nil)
		wantKind(t, bad, err, KindUsage)
	}
	metricsAreSums(t, alice, who, bob)
}

// asked gives the body of an answer.
func asked(t *testing.T, f friend, path string) []byte {
	t.Helper()
	a, err := f.ask(t.Context(), http.MethodGet, path, nil)
	if err != nil {
		t.Fatal(path, err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(path, err)
	}
	return b
}

// metricsAreSums compares what /metrics says with what the books sum to.
func metricsAreSums(t *testing.T, alice friend, who Who, bob peer.ID) {
	t.Helper()
	text := string(asked(t, alice, "/metrics"))
	row := who.Rows[0]
	label := fmt.Sprintf(`{name="bob",peer="%v"}`, bob)
	for name, want := range map[string]potluck.Size{
		"held_bytes": who.Totals.IHold.Bytes, "reserved_bytes": who.Totals.IHold.Reserved, "held_for_me_bytes": who.Totals.HoldForMe.Bytes,
		"peer_held_bytes" + label: 4096 * longShares, "peer_stored_bytes" + label: 4096 * longFiles, "peer_reserved_bytes" + label: 0,
		"peer_granted_bytes" + label: row.Supply, "peer_free_bytes" + label: row.Free, "peer_short_bytes" + label: row.Short,
		"peer_balance_bytes" + label: 4096 * (longFiles - longShares),
	} {
		m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta("potluck_"+name) + ` (\S+)$`).FindStringSubmatch(text)
		if m == nil {
			t.Errorf("there is no potluck_%s", name)
			continue
		}
		if got, err := strconv.ParseFloat(m[1], 64); err != nil || got != float64(want) {
			t.Errorf("potluck_%s is %s, want %d", name, m[1], int64(want))
		}
	}
	for _, family := range []string{"peer_audits_today", "peer_standing", "operation_seconds_sum", "operation_seconds_count"} {
		if !strings.Contains(text, "\npotluck_"+family+"{") {
			t.Errorf("there is no potluck_%s", family)
		}
	}
}

// Files that are put and removed while pages are read are on none or one of them;
// those that stay are on one.
func TestFilesWhileTheyChange(t *testing.T) {
	alice := friends(t, "alice", "bob")[0]
	put := func(name string) string {
		r, err := alice.Put(t.Context(), PutRequest{Name: name, K: 1, N: 1}, bytes.NewReader(random(t, 300)), nil)
		if err != nil {
			t.Error(err)
		}
		return r.Cap
	}
	for n := range 12 {
		put(fmt.Sprint("stays ", n))
	}
	done := make(chan struct{})
	go func() { // ends by itself
		defer close(done)
		for n := range 12 {
			c := put(fmt.Sprint("goes ", n))
			if _, err := alice.Remove(t.Context(), c); err != nil {
				t.Error(err)
			}
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		seen := make(map[potluck.StorageIndex]bool)
		stays := 0
		for after, more := (potluck.StorageIndex{}), true; more; {
			page, err := alice.FilesPage(t.Context(), after, 5)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page {
				if seen[f.Index] {
					t.Errorf("%s comes twice", f.Name)
				}
				if seen[f.Index] = true; strings.HasPrefix(f.Name, "stays") {
					stays++
				}
				after = f.Index
			}
			more = len(page) == 5
		}
		if stays != 12 {
			t.Errorf("%d files that stay, want 12", stays)
		}
	}
}
