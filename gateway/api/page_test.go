package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"potluck"
)

func openTestDoor(t *testing.T, dir string, renew bool) *door {
	t.Helper()
	d, err := openDoor(dir, "127.0.0.1:8484", renew)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A pass is good for what it was made for, by whom it was made, and until it ends.
func TestPasses(t *testing.T) {
	dir := t.TempDir()
	d := openTestDoor(t, dir, false)
	now := time.Unix(1_800_000_000, 0)
	link, token := d.pass(passLink, now.Add(time.Minute)), d.pass(passSession, now.Add(time.Minute))
	again := openTestDoor(t, dir, false)  // the next start
	renewed := openTestDoor(t, dir, true) // the key is thrown away
	for _, c := range []struct {
		name, purpose, text string
		d                   *door
		at                  time.Time
		want                bool
	}{
		{"a link", passLink, link, d, now, true},
		{"a token", passSession, token, d, now, true},
		{"a link as token", passSession, link, d, now, false},
		{"a token as link", passLink, token, d, now, false},
		{"a link that has ended", passLink, link, d, now.Add(time.Minute), false},
		{"a token that has ended", passSession, token, d, now.Add(time.Minute), false},
		{"a link after the next start", passLink, link, again, now, false},
		{"a token after the next start", passSession, token, again, now, true},
		{"a token after the key was thrown away", passSession, token, renewed, now, false},
		{"nothing", passSession, "", d, now, false},
		{"a token with something after it", passSession, token + "A", d, now, false},
		{"a token in other letters", passSession, strings.ToUpper(token), d, now, false},
	} {
		if _, _, ok := c.d.check(c.purpose, c.text, c.at); ok != c.want {
			t.Errorf("%s: %v, want %v", c.name, ok, c.want)
		}
	}
	if st, err := os.Stat(filepath.Join(dir, doorFile)); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v", doorFile, st, err)
	}
}

// No text but those that were made is a pass.
func FuzzPass(f *testing.F) {
	d := &door{Key: strings.Repeat("ab", keyLen), Boot: strings.Repeat("cd", bootLen)}
	now := time.Unix(1_800_000_000, 0)
	head := append(binary.BigEndian.AppendUint64(nil, uint64(now.Add(time.Hour).Unix())), "sixteen of chance"[:16]...)
	made := base64.RawURLEncoding.EncodeToString(append(head, d.mac(passSession, head)...)) // the same in every process that fuzzes
	f.Add(made)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if _, _, ok := d.check(passSession, text, now); ok && text != made {
			t.Errorf("%q is good, and nobody made it", text)
		}
	})
}

// What the file says must be whole.
func TestDamagedDoor(t *testing.T) {
	for _, text := range []string{"", "{", `{"key":"ab"}`, `{"key":"` + strings.Repeat("zz", keyLen) + `"}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, doorFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := PageLink(dir, time.Now()); err == nil || !strings.Contains(err.Error(), "cure") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := readDoor(t.TempDir()); !os.IsNotExist(err) {
		t.Errorf("no file: %v, want %v", err, fs.ErrNotExist)
	}
}

// A link is used once, whoever comes first; what was used is forgotten when it
// has ended anyway.
func TestLinkIsUsedOnce(t *testing.T) {
	g := &porter{}
	now := time.Unix(1_800_000_000, 0)
	if !g.first([16]byte{1}, now.Add(time.Minute), now) || g.first([16]byte{1}, now.Add(time.Minute), now) {
		t.Error("a link isn't used exactly once")
	}
	g.first([16]byte{2}, now.Add(time.Hour), now.Add(2*time.Minute))
	if len(g.used) != 1 {
		t.Errorf("%d used links are remembered, want 1", len(g.used))
	}
}

// Only loopback is listened on.
func TestPageListensOnLoopback(t *testing.T) {
	for address, good := range map[string]bool{"127.0.0.1:0": true, "localhost:0": true, "[::1]:0": true, "0.0.0.0:0": false, ":0": false,
		"192.168.1.2:0": false, "example.org:0": false, "127.0.0.1": false, "": false} {
		l, err := Page{Listen: address}.listen(t.TempDir())
		if err == nil {
			l.Close()
		}
		if (err == nil) != good && !(good && strings.Contains(address, "::1")) { // not every machine has IPv6
			t.Errorf("%q: %v", address, err)
		}
	}
}

// Tickets end, are used once, and don't pile up.
func TestFetchTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fetches{clock: time.Now}
		take := func() (string, error) {
			body, _ := json.Marshal(fetchRequest{Cap: "potluck:l1", Name: "a\r\nb"})
			r, _ := http.NewRequest("POST", "/", bytes.NewReader(body))
			v, err := f.ticket(r)
			if err != nil {
				return "", err
			}
			return strings.TrimPrefix(v.(fetchTicket).URL, fetchPath), nil
		}
		if _, err := take(); err == nil {
			t.Error("what is no cap gets a ticket")
		}
		f.open = map[string]fetch{"x": {end: time.Now().Add(fetchTime)}, "y": {end: time.Now().Add(fetchTime)}}
		if _, ok := f.take("x"); !ok {
			t.Error("a ticket isn't good")
		}
		if _, ok := f.take("x"); ok {
			t.Error("a ticket is good twice")
		}
		time.Sleep(fetchTime)
		if _, ok := f.take("y"); ok {
			t.Error("a ticket is good after its time")
		}
	})
}

// openPage serves a node's page, and gives its address and a token.
func openPage(t *testing.T, f friend) (address, token string) {
	t.Helper()
	static := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") })
	p, err := Page{Listen: "127.0.0.1:0", Static: static}.Open(f.node, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx) }() // ends with cancel
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	addr, token, err := PageToken(f.node.Data(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + addr, token
}

func fetchText(t *testing.T, url, token string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Close = true
	a, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a, string(b)
}

// Metrics are the figures of who, by the names that the documentation promises.
func TestMetrics(t *testing.T) {
	all := friends(t, "alice", "bob")
	if _, err := all[0].Put(t.Context(), PutRequest{Name: "film", K: 1, N: 1, Random: true}, bytes.NewReader(random(t, 1<<16)), nil); err != nil {
		t.Fatal(err)
	}
	url, token := openPage(t, all[0])
	a, text := fetchText(t, url+"/metrics", token)
	who, err := all[0].Who(t.Context())
	if err != nil || a.StatusCode != 200 {
		t.Fatalf("%d, %v", a.StatusCode, err)
	}
	stored := `potluck_peer_stored_bytes{name="bob",peer="` + who.Rows[0].Peer.String() + `"} ` + jsonNumber(who.Rows[0].HoldsForMe.Bytes)
	for _, want := range []string{stored, "potluck_offered_bytes 1.073741824e+09", `step="good"} 1`, "go_goroutines", "potluck_friends 1",
		`potluck_operation_seconds_count{operation="store_open"} 0`, `result="failed"} 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
}

func jsonNumber(v any) string { b, _ := json.Marshal(v); return string(b) }

// Events are pushed as they come, with their numbers.
func TestPushedEvents(t *testing.T) {
	alice := friends(t, "alice", "bob")[0]
	url, token := openPage(t, alice)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", url+"/v1/events", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Close = true
	a, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if kind := a.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("the answer is %s", kind)
	}
	if _, err := alice.Deny(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	buf, got := make([]byte, 4096), ""
	for !strings.Contains(got, `"kind":"account"`) {
		n, err := a.Body.Read(buf)
		if got += string(buf[:n]); err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
	}
	if !strings.Contains(got, "\nid: ") || !strings.Contains(got, "\ndata: {") {
		t.Errorf("events have another form: %q", got)
	}
}

// A preview says what a change of terms would change, and changes nothing.
func TestPreviewTerms(t *testing.T) {
	alice := friends(t, "alice", "bob")[0]
	before, err := alice.Terms(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	gift := before.Terms.Gift + 1<<20
	v, err := alice.PreviewTerms(t.Context(), "bob", TermsChange{Gift: &gift})
	if err != nil || v.After-v.Before != 1<<20 || v.Terms.Gift != gift || v.Left != v.Room-v.After && v.Left != 0 ||
		!strings.Contains(v.Sentence, "1 MiB more than now") {
		t.Errorf("%+v, %v", v, err)
	}
	if after, err := alice.Terms(t.Context(), "bob"); err != nil || after.Terms != before.Terms {
		t.Errorf("the preview changed the terms: %+v, %v", after.Terms, err)
	}
	minus := potluck.Size(-1)
	if _, err := alice.PreviewTerms(t.Context(), "bob", TermsChange{Gift: &minus}); err == nil {
		t.Error("a gift below zero has a preview")
	}
}

// Every metric of the board in examples/ is one that a node gives.
func TestGrafanaBoard(t *testing.T) {
	text, err := os.ReadFile("../../examples/grafana/potluck.json")
	if err != nil {
		t.Fatal(err)
	}
	known := ofStanding.String() + ofRefusals.String() + ofTimings.String() + ofAudits.String()
	for _, m := range ofStatus {
		known += m.desc.String()
	}
	for _, m := range ofPeer {
		known += m.desc.String()
	}
	names := regexp.MustCompile(`potluck_[a-z_]+`).FindAllString(string(text), -1)
	for _, name := range names {
		name = strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count")
		if !strings.Contains(known, `"`+name+`"`) {
			t.Errorf("the board shows %s, which no node gives", name)
		}
	}
	if len(names) < 8 {
		t.Errorf("the board shows %d metrics", len(names))
	}
}
