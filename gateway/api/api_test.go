package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"potluck"
	"potluck/files"
	"potluck/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// friend is a running node with its API.
type friend struct {
	*Client
	node *node.Node
	stop func()
}

// start runs a node with its API until stop is called or the test ends.
func start(t *testing.T, name, data string) friend {
	t.Helper()
	n, err := node.New(t.Context(), node.Config{Data: data, Name: name, Offer: potluck.GiB, Floor: -1,
		Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	l, err := listen(n.Data())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- serve(ctx, l, n, slog.New(slog.DiscardHandler)) }()
	go func() { done <- n.Run(context.Background()) }()
	c, err := Dial(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		c.Close()
		cancel()
		err := <-done
		l.forget()
		if err := errors.Join(err, n.Close(), <-done); err != nil {
			t.Errorf("stop %s: %v", name, err)
		}
	})
	t.Cleanup(stop)
	return friend{c, n, stop}
}

// net starts nodes that are all friends of the first.
func friends(t *testing.T, names ...string) []friend {
	t.Helper()
	all := make([]friend, len(names))
	for i, name := range names {
		all[i] = start(t, name, filepath.Join(t.TempDir(), "data"))
		if i == 0 {
			continue
		}
		inv, err := all[0].Invite(t.Context(), InviteRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := all[i].Join(t.Context(), JoinRequest{Link: inv.Link}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func random(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// wantKind fails the test unless err is an *Error of a kind.
func wantKind(t *testing.T, what string, err error, kind Kind) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != kind || e.Message == "" {
		t.Errorf("%s: got %v, want an error of kind %s", what, err, kind)
	}
	return e
}

func TestStatusAndFriends(t *testing.T) {
	all := friends(t, "alice", "bob")
	alice, bob := all[0], all[1]
	s, err := alice.Status(t.Context())
	if err != nil || s.Name != "alice" || s.Peer != alice.node.Self() || s.Offered != potluck.GiB || s.Friends != 1 || s.Connected != 1 || s.Data != alice.node.Data() {
		t.Fatalf("status: %+v, %v", s, err)
	}
	fs, err := alice.Friends(t.Context())
	if err != nil || len(fs) != 1 || fs[0].Name != "bob" || fs[0].Peer != bob.node.Self() {
		t.Fatalf("friends: %+v, %v", fs, err)
	}
	w, err := alice.Who(t.Context())
	if err != nil || len(w.Rows) != 1 || !strings.Contains(w.Rows[0].Reason, "opening") {
		t.Fatalf("who: %+v, %v", w, err)
	}
	gift := 5 * potluck.MiB
	if p, err := alice.SetTerms(t.Context(), "bo", TermsChange{Gift: &gift}); err != nil || p.Terms.Gift != gift {
		t.Fatalf("set terms: %+v, %v", p, err)
	}
	if p, err := alice.Terms(t.Context(), bob.node.Self().String()); err != nil || p.Terms.Gift != gift || p.Name != "bob" {
		t.Fatalf("terms: %+v, %v", p, err)
	}
	if f, err := alice.Deny(t.Context(), "bob"); err != nil || !f.Denied {
		t.Fatalf("deny: %+v, %v", f, err)
	}
	if f, err := alice.Accept(t.Context(), "bob"); err != nil || f.Denied {
		t.Fatalf("accept: %+v, %v", f, err)
	}
	_, err = alice.Terms(t.Context(), "nobody")
	wantKind(t, "terms of nobody", err, KindNotFound)
	minus := potluck.Size(-1)
	_, err = alice.SetTerms(t.Context(), "bob", TermsChange{Gift: &minus})
	wantKind(t, "negative gift", err, KindUsage)
	if err := alice.Unfriend(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	if s, err := alice.Status(t.Context()); err != nil || s.Friends != 0 {
		t.Fatalf("status after unfriending: %+v, %v", s, err)
	}
}

func TestInvites(t *testing.T) {
	alice := start(t, "alice", filepath.Join(t.TempDir(), "data"))
	inv, err := alice.Invite(t.Context(), InviteRequest{ExpiresSeconds: 100})
	if err != nil || inv.Link == "" || len(inv.ID) != 32 {
		t.Fatalf("invite: %+v, %v", inv, err)
	}
	if err := alice.Revoke(t.Context(), inv.ID); err != nil {
		t.Fatal(err)
	}
	all, err := alice.Invites(t.Context())
	if err != nil || len(all) != 1 || all[0].State != "revoked" || all[0].Link != "" {
		t.Fatalf("invites: %+v, %v", all, err)
	}
	wantKind(t, "revoke nothing", alice.Revoke(t.Context(), "00ff"), KindNotFound)
	_, err = alice.Join(t.Context(), JoinRequest{Link: inv.Link})
	wantKind(t, "join oneself", err, KindUsage)
	_, err = alice.Join(t.Context(), JoinRequest{Link: "nonsense"})
	wantKind(t, "join nonsense", err, KindUsage)
}

func TestPutAndGet(t *testing.T) {
	all := friends(t, "alice", "bob", "carol")
	alice, bob := all[0], all[1]
	for _, size := range []int{0, 100, 4 << 10, smallBody + 1, 5<<20 + 3} {
		data := random(t, size)
		var seen []files.Progress
		res, err := alice.Put(t.Context(), PutRequest{Name: "x"}, bytes.NewReader(data), func(p files.Progress) { seen = append(seen, p) })
		if err != nil || res.Cap == "" || res.Size != potluck.Size(size) {
			t.Fatalf("put %d bytes: %+v, %v", size, res, err)
		}
		path := filepath.Join(t.TempDir(), "in")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := alice.Put(t.Context(), PutRequest{Path: path}, nil, nil)
		if err != nil || again.Cap != res.Cap {
			t.Fatalf("the same by its path: %+v, %v, want the same cap", again, err)
		}
		var got bytes.Buffer
		g, err := alice.Get(t.Context(), GetRequest{Cap: res.Cap}, &got, nil)
		if err != nil || !bytes.Equal(got.Bytes(), data) || g.Size != potluck.Size(size) {
			t.Fatalf("get %d bytes: got %d, %+v, %v", size, got.Len(), g, err)
		}
		out := filepath.Join(t.TempDir(), "out")
		if _, err := alice.Get(t.Context(), GetRequest{Cap: res.Cap, Path: out}, nil, nil); err != nil {
			t.Fatalf("get to a path: %v", err)
		}
		b, err := os.ReadFile(out)
		if st, serr := os.Stat(out); err != nil || serr != nil || !bytes.Equal(b, data) || st.Mode().Perm() != 0o600 {
			t.Fatalf("the file has %d bytes, %v, %v", len(b), err, serr)
		}
		if size > 1000 {
			got.Reset()
			if _, err := alice.Get(t.Context(), GetRequest{Cap: res.Cap, Offset: 500, Length: 300}, &got, nil); err != nil || !bytes.Equal(got.Bytes(), data[500:800]) {
				t.Fatalf("a range: %d bytes, %v", got.Len(), err)
			}
		}
	}
	if _, err := bob.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		r, err := f.Check(t.Context())
		if err != nil || !r.Clean {
			t.Errorf("check: %+v, %v", r, err)
		}
	}
}

func TestWhereAndRemove(t *testing.T) {
	all := friends(t, "alice", "bob", "carol")
	alice := all[0]
	res, err := alice.Put(t.Context(), PutRequest{Name: "x", K: 1, N: 2}, bytes.NewReader(random(t, 100<<10)), nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := alice.Where(t.Context(), res.Cap)
	if err != nil || !w.Readable || len(w.Shares) != 2 || w.Survives != 1 {
		t.Fatalf("where: %+v, %v", w, err)
	}
	fs, err := alice.Files(t.Context())
	if err != nil || len(fs) != 1 || fs[0].Name != "x" || fs[0].Placed != 2 || fs[0].Size != 100<<10 {
		t.Fatalf("files: %+v, %v", fs, err)
	}
	who, err := alice.Who(t.Context())
	if err != nil || who.Totals.HoldForMe.Shares != 2 {
		t.Fatalf("who: %+v, %v", who.Totals, err)
	}
	rows, err := alice.Shares(t.Context(), "bob")
	if err != nil || len(rows.HoldsForMe) != 1 || rows.Sums.HoldForMe.Bytes != rows.HoldsForMe[0].Charge {
		t.Fatalf("shares of bob: %+v, %v", rows, err)
	}
	e, err := all[1].Evict(t.Context(), "alice", true)
	if err != nil || e.Freed != rows.Sums.HoldForMe.Bytes || !e.DryRun {
		t.Fatalf("bob's figure is %+v, %v, want alice's %v", e, err, rows.Sums.HoldForMe.Bytes)
	}
	rm, err := alice.Remove(t.Context(), res.Cap)
	if err != nil || rm.Cancelled != 2 {
		t.Fatalf("rm: %+v, %v", rm, err)
	}
	for _, f := range all[1:] {
		if s, err := f.Status(t.Context()); err != nil || s.Held != 0 {
			t.Errorf("%s holds %v, %v", s.Name, s.Held, err)
		}
	}
	_, err = alice.Remove(t.Context(), res.Cap)
	wantKind(t, "remove it again", err, KindNotFound)
	_, err = alice.RemoveIndexed(t.Context(), res.Index.String())
	wantKind(t, "remove it again by its index", err, KindNotFound)
	var got bytes.Buffer
	_, err = alice.Get(t.Context(), GetRequest{Cap: res.Cap}, &got, nil)
	wantKind(t, "get what was removed", err, KindNotFound)
	out := filepath.Join(t.TempDir(), "out")
	_, err = alice.Get(t.Context(), GetRequest{Cap: res.Cap, Path: out}, nil, nil)
	wantKind(t, "get it to a path", err, KindNotFound)
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 0 {
		t.Errorf("a failed get left %v, %v", left, err)
	}
}

func TestRefusals(t *testing.T) {
	alice := start(t, "alice", filepath.Join(t.TempDir(), "data"))
	data := bytes.NewReader(random(t, 10<<10))
	_, err := alice.Put(t.Context(), PutRequest{}, data, nil)
	if e := wantKind(t, "put without friends", err, KindRefused); e != nil && !strings.Contains(string(e.Details), `"wanted":1,"found":0,"reasons":[]`) {
		t.Errorf("the details are %s", e.Details)
	}
	_, err = alice.Put(t.Context(), PutRequest{Path: "relative"}, nil, nil)
	wantKind(t, "put a relative path", err, KindUsage)
	_, err = alice.Put(t.Context(), PutRequest{Path: t.TempDir()}, nil, nil)
	wantKind(t, "put a directory", err, KindUsage)
	_, err = alice.Put(t.Context(), PutRequest{Path: filepath.Join(t.TempDir(), "none")}, nil, nil)
	wantKind(t, "put what isn't there", err, KindNotFound)
	_, err = alice.Put(t.Context(), PutRequest{K: 9, N: 3}, data, nil)
	wantKind(t, "9 of 3", err, KindUsage)
	_, err = alice.Put(t.Context(), PutRequest{Hosts: []string{"nobody"}}, data, nil)
	wantKind(t, "put at nobody", err, KindNotFound)
	for _, text := range []string{"", "nonsense", "potluck1r"} {
		_, err = alice.Get(t.Context(), GetRequest{Cap: text}, io.Discard, nil)
		wantKind(t, "get a wrong cap", err, KindUsage)
		_, err = alice.Remove(t.Context(), text)
		wantKind(t, "remove a wrong cap", err, KindUsage)
	}
	const lost = "potluck1raebagaaeaaaaaaaaaacaaaaajfy7pte3srfmcbxhc2ghmgj6ynfosyprhp3xwfyiwtjvo5j7ntolpbqamus2sd5cv2qy76kxmpajbuxiyb7wwkmtiuvifnd5sa3kxuirhzvqmhi"
	_, err = alice.Get(t.Context(), GetRequest{Cap: lost}, io.Discard, nil)
	if e := wantKind(t, "get what nobody has", err, KindNotFound); e != nil && !strings.Contains(string(e.Details), `"asked":0,"silent":[]`) {
		t.Errorf("the details are %s", e.Details)
	}
}

func TestLog(t *testing.T) {
	all := friends(t, "alice", "bob")
	var events []Event
	note := func(e Event) error { events = append(events, e); return nil }
	if err := all[0].Log(t.Context(), LogRequest{}, note); err != nil || len(events) < 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, e := range events {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has number %d", i, e.Seq)
		}
	}
	events = nil
	if err := all[0].Log(t.Context(), LogRequest{After: 1, Limit: 1}, note); err != nil || len(events) != 1 || events[0].Seq != 2 {
		t.Fatalf("a part of the log: %+v, %v", events, err)
	}
	for _, last := range []int{1, 2, 1000} {
		var part []Event
		newest := func(e Event) error { part = append(part, e); return nil }
		if err := all[0].Log(t.Context(), LogRequest{Newest: last}, newest); err != nil || len(part) == 0 || len(part) > last {
			t.Fatalf("the newest %d of the log: %+v, %v", last, part, err)
		}
		if first := part[0].Seq; last < 1000 && first < 2 || last == 1000 && first != 1 {
			t.Errorf("the newest %d begin with %d", last, first)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	denied := false
	last := uint64(0)
	err := all[0].Log(ctx, LogRequest{Follow: true}, func(e Event) error {
		if last = e.Seq; !denied {
			denied = true
			if _, err := all[0].Deny(t.Context(), "bob"); err != nil {
				return err
			}
		}
		if e.Reason == "denied" && e.Name == "bob" {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("following ended at %d with %v", last, err)
	}
}

func TestWebPagesAreRefused(t *testing.T) {
	alice := start(t, "alice", filepath.Join(t.TempDir(), "data"))
	for name, change := range map[string]func(*http.Request){
		"origin":     func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"fetch site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"referer":    func(r *http.Request) { r.Header.Set("Referer", "https://evil.example") },
		"rebinding":  func(r *http.Request) { r.Host = "evil.example" },
		"localhost":  func(r *http.Request) { r.Host = "127.0.0.1" },
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+hostName+"/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		_, err = alice.send(t.Context(), r)
		wantKind(t, name, err, KindNotAllowed)
	}
}

func TestStrictBodies(t *testing.T) {
	alice := start(t, "alice", filepath.Join(t.TempDir(), "data"))
	for name, body := range map[string]string{
		"unknown field": `{"name":"x","nome":"y"}`, "two": `{} {}`, "list": `[]`, "cut": `{"name":`, "huge": `{"name":"` + strings.Repeat("x", maxBody) + `"}`,
	} {
		_, err := alice.ask(t.Context(), "POST", "/v1/invites", strings.NewReader(body))
		wantKind(t, name, err, KindUsage)
	}
	_, err := alice.ask(t.Context(), "GET", "/v1/nothing", nil)
	wantKind(t, "no such call", err, KindUsage)
	_, err = alice.ask(t.Context(), "POST", "/v1/put?color=red", nil)
	wantKind(t, "no such option", err, KindUsage)
}

func TestNotRunning(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if _, err := Dial(t.Context(), data); !errors.Is(err, ErrNotRunning) {
		t.Fatalf("no directory: %v", err)
	}
	alice := start(t, "alice", data)
	alice.stop()
	if _, err := Dial(t.Context(), data); !errors.Is(err, ErrNotRunning) {
		t.Fatalf("a stopped node: %v", err)
	}
	if _, err := alice.Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Fatalf("a call to a stopped node: %v", err)
	}
}

func TestDeadSocketIsReplaced(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	start(t, "alice", data).stop()
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(data, socketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	alice := start(t, "alice", data)
	if _, err := alice.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(filepath.Join(data, socketName)); err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("the socket has mode %v, %v", st.Mode(), err)
	}
}

func TestLongDataPath(t *testing.T) {
	t.Setenv("TMPDIR", "/tmp")
	data := filepath.Join(t.TempDir(), strings.Repeat("long/", 20), "data")
	if _, err := Dial(t.Context(), data); !errors.Is(err, ErrNotRunning) {
		t.Fatalf("before the first start: %v", err)
	}
	alice := start(t, "alice", data)
	if _, err := alice.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	short, ok := shortPath(data)
	if !ok {
		t.Fatal("no short path is noted")
	}
	if st, err := os.Stat(filepath.Dir(short)); err != nil || st.Mode().Perm() != 0o700 {
		t.Fatalf("its directory has mode %v, %v", st.Mode(), err)
	}
	alice.stop()
	if _, err := Dial(t.Context(), data); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after the stop: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(short)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the short path is left: %v", err)
	}
	// What a killed node left is removed by the next, and nothing else is.
	for _, text := range []string{"/etc/passwd", "/tmp/potluck-api-x/../../etc/api.sock", "relative/potluck-api-1/api.sock"} {
		if err := os.WriteFile(filepath.Join(data, pointName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if path, ok := shortPath(data); ok && filepath.Clean(path) != path {
			t.Errorf("%q is followed", text)
		}
	}
}

func TestCutStreamIsNoticed(t *testing.T) {
	var whole bytes.Buffer
	data := random(t, 3000)
	for _, f := range []struct {
		letter byte
		b      []byte
	}{{frameData, data[:1000]}, {frameProgress, []byte(`{"stage":"reading"}`)}, {frameData, data[1000:]}, {frameResult, []byte(`{"size":3000}`)}} {
		if err := writeFrame(&whole, f.letter, f.b); err != nil {
			t.Fatal(err)
		}
	}
	var got bytes.Buffer
	var res files.GetResult
	if err := receive(t.Context(), bytes.NewReader(whole.Bytes()), &got, &res, nil); err != nil || !bytes.Equal(got.Bytes(), data) || res.Size != 3000 {
		t.Fatalf("the whole: %d bytes, %+v, %v", got.Len(), res, err)
	}
	for n := range whole.Len() {
		if err := receive(t.Context(), bytes.NewReader(whole.Bytes()[:n]), io.Discard, &res, nil); !errors.Is(err, ErrCut) {
			t.Fatalf("cut after %d bytes: %v, want ErrCut", n, err)
		}
	}
	if err := stream(t.Context(), strings.NewReader(`{"progress":{}}`+"\n"), &res, func(message) error { return nil }); !errors.Is(err, ErrCut) {
		t.Fatalf("lines without a result: %v, want ErrCut", err)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("d\x00\x00\x00\x02hir\x00\x00\x00\x02{}"))
	f.Add([]byte("e\x00\x00\x00\x02{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		var res files.GetResult
		_ = receive(t.Context(), bytes.NewReader(b), &out, &res, nil) // must not panic
		if out.Len() > len(b) {
			t.Fatalf("%d bytes came out of %d", out.Len(), len(b))
		}
	})
}
