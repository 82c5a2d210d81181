package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"potluck"
	"potluck/caps"
	"potluck/caps/words"
	"potluck/files"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/shares"
)

// lost is an owner with friends, some files and a backup of its books, whose
// machine is gone.
type lost struct {
	owner   *Node // stopped by stop
	config  Config
	stop    func()
	friends []*Node
	words   string
	files   map[string][]byte // by cap
}

// circle makes an owner and so many friends, who hold some files.
func circle(t *testing.T, friends, files int) *lost {
	t.Helper()
	l := &lost{config: config(t, "owner"), files: make(map[string][]byte)}
	l.owner, l.stop = start(t, l.config)
	for i := range friends {
		f, _ := start(t, config(t, fmt.Sprintf("friend%d", i)))
		befriend(t, f, l.owner)
		l.friends = append(l.friends, f)
	}
	l.back(t, l.owner)
	for i := range files {
		l.put(t, fmt.Sprintf("file%d", i), 3000+i)
	}
	text, err := Words(l.config.Data)
	if err != nil {
		t.Fatal(err)
	}
	l.words = strings.Join(text, " ")
	return l
}

func (l *lost) put(t *testing.T, name string, size int) string {
	t.Helper()
	data := random(t, size)
	r, err := l.owner.Put(t.Context(), files.FromBytes(name, data), files.PutOptions{Name: name}, nil)
	if err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
	l.files[r.Cap] = data
	return r.Cap
}

// keep makes the backup and hands the keepsake to all friends. What was put in the
// second in which it begins would be in both: times are whole seconds.
func (l *lost) keep(t *testing.T) {
	t.Helper()
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	if _, err := l.owner.Keepsake(t.Context(), true); err != nil {
		t.Fatalf("keepsake: %v", err)
	}
	k, _, err := l.owner.ownKeepsake(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the keepsake is at all friends", func() bool {
		for _, f := range l.friends {
			row, err := f.book.Document(t.Context(), signed.KindKeepsake, l.owner.self, "")
			if err != nil || row.Number < k.Number() {
				return false
			}
		}
		return true
	})
}

// at is a friend's address with its name.
func (l *lost) at(i int) string { return l.friends[i].host.Addrs()[0] }

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// back waits until a node is connected with all friends.
func (l *lost) back(t *testing.T, n *Node) {
	t.Helper()
	await(t, "the friends are back", func() bool {
		for _, f := range l.friends {
			if !n.host.Connected(f.self) || !f.host.Connected(n.self) {
				return false
			}
		}
		return true
	})
}

// checkFiles reads all files back.
func (l *lost) checkFiles(t *testing.T, n *Node) {
	t.Helper()
	l.back(t, n)
	for text, want := range l.files {
		c, err := caps.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := n.Get(t.Context(), c, &got, files.GetOptions{}, nil); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Fatalf("a file came back as %d bytes, want %d: %v", got.Len(), len(want), err)
		}
	}
}

// TestRecoverALostMachine: words, one address, and four friends give back the
// node, its friends, its files with their names and caps, and its standing.
func TestRecoverALostMachine(t *testing.T) {
	l := circle(t, 4, 6)
	l.keep(t)
	late := l.put(t, "after the backup", 5000)
	before, err := l.owner.book.Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	oldFiles, err := l.owner.Files(t.Context(), FilesPart{})
	if err != nil {
		t.Fatal(err)
	}
	l.stop()
	c := config(t, "new machine")
	r, err := Recover(t.Context(), c, RecoverRequest{Words: l.words, Friend: l.at(2)}, nil)
	if err != nil {
		t.Fatalf("recover: %v (%+v)", err, r)
	}
	if r.Peer != l.owner.self || r.Epoch != 2 || r.Files != 7 || r.Caps != 6 || r.Nameless != 1 || r.Readable != 7 || len(r.Friends) != 4 || len(r.Problems) > 0 {
		t.Errorf("it says %+v", r)
	}
	for _, f := range r.Friends {
		if !f.Answered || f.Shares == 0 || !strings.HasPrefix(f.Name, "friend") {
			t.Errorf("friend %+v", f)
		}
	}
	n, _ := start(t, c)
	if now, err := n.book.Totals(t.Context()); err != nil || now.Earned != before.Earned || now.EarnedShares != before.EarnedShares {
		t.Errorf("held by friends: %+v, before %+v: %v", now, before, err)
	}
	newFiles, err := n.Files(t.Context(), FilesPart{})
	if err != nil || len(newFiles) != len(oldFiles) {
		t.Fatalf("%d files, want %d: %v", len(newFiles), len(oldFiles), err)
	}
	for i, f := range newFiles {
		old := oldFiles[i]
		if f.Cap == "" {
			old.Cap, old.Name, old.Put = "", "", f.Put // the late one
		}
		if f != old {
			t.Errorf("file %+v, was %+v", f, old)
		}
	}
	clean(t, n)
	l.checkFiles(t, n)
	if _, err := n.Put(t.Context(), files.FromBytes("new", random(t, 4000)), files.PutOptions{}, nil); err != nil {
		t.Errorf("put after the recovery: %v", err)
	}
	if c, _ := caps.Parse(late); c == nil {
		t.Error("the late file has no cap")
	}
	for _, f := range l.friends {
		equalBooks(t, n, f)
	}
}

// equalBooks compares both sides of what host holds for owner.
func equalBooks(t *testing.T, owner, host *Node) {
	t.Helper()
	mine, err := owner.book.Summary(t.Context(), host.self, owner.self)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := host.book.Summary(t.Context(), host.self, owner.self)
	if err != nil {
		t.Fatal(err)
	}
	if mine != theirs {
		t.Errorf("%s holds %+v, the owner counts %+v", host.config.Name, theirs, mine)
	}
}

// TestRecoverPastALiar: a friend that lists a share of another file under the
// index of one of this node's can't take the place of those who hold it.
func TestRecoverPastALiar(t *testing.T) {
	l := circle(t, 2, 1)
	l.keep(t)
	rows, err := l.owner.Files(t.Context(), FilesPart{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for i, f := range l.friends[:1] {
			held, err := f.book.SharesOf(t.Context(), row.Index)
			if err != nil || len(held) != 1 {
				t.Fatalf("friend %d has %d shares, %v", i, len(held), err)
			}
			other := potluck.ShareID{Index: row.Index, Number: 1 - held[0].ID.Number}
			if _, err := f.book.Adopt(t.Context(), []ledger.Found{{Share: other, Owner: l.owner.self, Layout: row.Layout, Charge: held[0].Charge,
				Root: potluck.Digest{1}, Manifest: potluck.Digest{2}}}, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.stop()
	c := config(t, "new machine")
	r, err := Recover(t.Context(), c, RecoverRequest{Words: l.words, Friend: l.at(0)}, nil)
	if err != nil || r.Files != 1 || r.Caps != 1 || r.Readable != 1 || len(r.Problems) == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	n, _ := start(t, c)
	l.checkFiles(t, n)
	for _, row := range rows {
		if row.Cap == "" || row.Name == backupName {
			continue
		}
		placed, err := n.book.Placements(t.Context(), row.Index)
		if err != nil || len(placed) != 2 {
			t.Errorf("%d placements, %v", len(placed), err)
		}
		for _, p := range placed {
			if p.Manifest == (potluck.Digest{2}) {
				t.Errorf("placement %+v", p)
			}
		}
	}
}

// TestRecoverPastBraggarts: friends who list more than there can be stop no
// recovery, and what can't be doesn't count.
func TestRecoverPastBraggarts(t *testing.T) {
	l := circle(t, 2, 1)
	l.keep(t)
	layout := potluck.Layout{Suite: potluck.SuiteOne, K: 1, N: 2, Block: potluck.MaxBlock, Size: potluck.MaxSize / 2}
	for i, f := range l.friends {
		id := potluck.ShareID{Index: potluck.StorageIndex{0xff}, Number: potluck.ShareNumber(i)}
		if _, err := f.book.Adopt(t.Context(), []ledger.Found{{Share: id, Owner: l.owner.self, Layout: layout,
			Charge: shares.Charge(layout), Root: potluck.Digest{1}, Manifest: potluck.Digest{2}}}, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	l.stop()
	c := config(t, "new machine")
	r, err := Recover(t.Context(), c, RecoverRequest{Words: l.words, Friend: l.at(0)}, nil)
	if err != nil || r.Caps != 1 || r.Readable != 1 || len(r.Problems) == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	n, _ := start(t, c)
	l.checkFiles(t, n)
}

// TestRecoverDrill: a drill says the same, tells nobody, and leaves nothing.
func TestRecoverDrill(t *testing.T) {
	l := circle(t, 2, 2)
	l.keep(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	before, _, err := l.owner.ownKeepsake(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	r, err := Recover(t.Context(), Config{}, RecoverRequest{Words: l.words, Friend: l.at(0), Drill: true}, func(s string) { said = append(said, s) })
	if err != nil {
		t.Fatalf("drill: %v", err)
	}
	if !r.Drill || r.Epoch != 1 || r.Files != 2 || r.Caps != 2 || r.Readable != 2 || len(r.Friends) != 2 || r.Data != "" || len(said) == 0 {
		t.Errorf("the drill says %+v, told %q", r, said)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("the drill left %v, %v", left, err)
	}
	// The node itself has noticed nothing, and writes on.
	if _, err := l.owner.Put(t.Context(), files.FromBytes("x", random(t, 2000)), files.PutOptions{}, nil); err != nil {
		t.Errorf("put after a drill: %v", err)
	}
	l.owner.souvenir.cycle.TriggerWait(t.Context())
	for _, f := range l.friends {
		equalBooks(t, l.owner, f)
		row, err := f.book.Document(t.Context(), signed.KindKeepsake, l.owner.self, "")
		if k, open := row.Document.Keepsake(); err != nil || open != nil || k.Epoch != before.Epoch {
			t.Errorf("%s has a keepsake of epoch %d: %v", f.config.Name, k.Epoch, err)
		}
	}
}

// TestOlderCopyStopsWriting: the old machine, started again after a recovery,
// learns it from a friend, writes nothing from then on, and reads.
func TestOlderCopyStopsWriting(t *testing.T) {
	l := circle(t, 2, 2)
	l.keep(t)
	l.stop()
	c := config(t, "new machine")
	if _, err := Recover(t.Context(), c, RecoverRequest{Words: l.words, Friend: l.at(0)}, nil); err != nil {
		t.Fatalf("recover: %v", err)
	}
	old, stop := start(t, l.config)
	await(t, "the old copy stops writing", func() bool { return old.writable() != nil })
	var older *OlderCopyError
	if _, err := old.Put(t.Context(), files.FromBytes("x", random(t, 2000)), files.PutOptions{}, nil); !errors.As(err, &older) || older.Seen != 2 || older.Own != 1 {
		t.Errorf("put: %v", err)
	}
	if s, err := old.Status(t.Context()); err != nil || s.Epoch != 1 || !strings.Contains(s.ReadOnly, "older copy") || s.Room != 0 {
		t.Errorf("status %+v, %v", s, err)
	}
	if _, err := old.signHousehold(t.Context(), 0, "us", nil); !errors.As(err, &older) {
		t.Errorf("sign: %v", err)
	}
	share := makeContent(t, 3000)
	if _, err := share.allocate(t.Context(), l.friends[0], old); err == nil {
		t.Error("the old copy takes bytes")
	}
	l.checkFiles(t, old)
	stop()
	// It knows it from its own disk at the next start, before it has met anybody.
	again, err := New(t.Context(), l.config)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if !errors.As(again.writable(), &older) {
		t.Errorf("started again: %v", again.writable())
	}
	events, err := again.Events(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, e := range events {
		if e.Kind == kindOlder {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%d events tell of it", told)
	}
}

// TestRecoverAgain: each recovery begins one more epoch, and the machine of the
// one before is an older copy then.
func TestRecoverAgain(t *testing.T) {
	l := circle(t, 2, 1)
	l.keep(t)
	l.stop()
	first, second := config(t, "first"), config(t, "second")
	for i, c := range []Config{first, second} {
		r, err := Recover(t.Context(), c, RecoverRequest{Words: l.words, Friend: l.at(i)}, nil)
		if err != nil || r.Epoch != uint64(i)+2 || r.Caps != 1 {
			t.Fatalf("recovery %d: %+v, %v", i, r, err)
		}
	}
	old, _ := start(t, first)
	await(t, "the first machine stops writing", func() bool { return old.writable() != nil })
	n, _ := start(t, second)
	l.checkFiles(t, n)
}

// TestRecoverBesideTheShares: the books are gone, the shares are there: leases
// come back from their headers, and what has no known owner is kept for a while.
func TestRecoverBesideTheShares(t *testing.T) {
	l := circle(t, 2, 1)
	l.keep(t)
	held := makeContent(t, 20_000)
	held.put(t, l.friends[0], l.owner)
	stranger, _ := start(t, config(t, "stranger"))
	befriend(t, l.owner, stranger)
	forgotten := makeContent(t, 9000)
	await(t, "the stranger is here", func() bool { return stranger.host.Connected(l.owner.self) })
	forgotten.put(t, stranger, l.owner)
	before, err := l.owner.book.Usage(t.Context(), l.friends[0].self)
	if err != nil {
		t.Fatal(err)
	}
	l.stop()
	if err := os.Rename(filepath.Join(l.config.Data, "ledger"), filepath.Join(l.config.Data, "ledger.bad")); err != nil {
		t.Fatal(err)
	}
	r, err := Recover(t.Context(), l.config, RecoverRequest{Words: l.words, Friend: l.at(1)}, nil)
	if err != nil {
		t.Fatalf("recover: %v", err)
	}
	// The stranger was befriended after the keepsake that the friends have, or in it.
	if r.Adopted+r.Unclaimed != 2 || r.Adopted < 1 {
		t.Errorf("it says %+v", r)
	}
	n, _ := start(t, l.config)
	if u, err := n.book.Usage(t.Context(), l.friends[0].self); err != nil || u.Held != before.Held || u.HeldShares != 1 {
		t.Errorf("held for the friend: %+v, before %+v: %v", u, before, err)
	}
	l.back(t, n)
	held.checkRead(t, l.friends[0], n)
	clean(t, n)
	l.checkFiles(t, n)
}

// TestRecoverRefuses: every wrong input is told as what it is, and leaves nothing
// that a node could run in.
func TestRecoverRefuses(t *testing.T) {
	l := circle(t, 1, 1)
	l.keep(t)
	nobody, _ := start(t, config(t, "nobody"))
	var other [words.SeedLen]byte
	other[0] = 9
	id := l.friends[0].self.String()
	running := l.config
	for name, c := range map[string]struct {
		words, friend string
		config        Config
		say           string
	}{
		"no words":       {"", l.at(0), Config{}, "0 words, want 24"},
		"a wrong word":   {strings.Replace(l.words, strings.Fields(l.words)[0], "qqqqq", 1), l.at(0), Config{}, `word 1, "qqqqq"`},
		"another node":   {strings.Join(words.Encode(other), " "), l.at(0), Config{}, "doesn't let this key in"},
		"a wrong friend": {l.words, nobody.host.Addrs()[0], Config{}, "doesn't let this key in"},
		"no address":     {l.words, "alice", Config{}, "no address of a friend"},
		"no peer":        {l.words, "/ip4/127.0.0.1/tcp/4242", Config{}, "/p2p/"},
		"nobody there":   {l.words, "/ip4/127.0.0.1/tcp/1/p2p/" + id, Config{}, "doesn't answer at"},
		"books there":    {l.words, l.at(0), running, "has books already"},
		"another key":    {strings.Join(words.Encode(other), " "), l.at(0), running, "key of another node"},
		"itself":         {l.words, "/ip4/127.0.0.1/tcp/1/p2p/" + l.owner.self.String(), Config{}, "this node's own"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.config.Data == "" {
				c.config = config(t, "new")
			}
			_, err := Recover(t.Context(), c.config, RecoverRequest{Words: c.words, Friend: c.friend}, nil)
			if err == nil || !strings.Contains(err.Error(), c.say) {
				t.Fatalf("%v, want %q", err, c.say)
			}
			if c.config.Data == running.Data {
				return
			}
			if _, err := os.Stat(filepath.Join(c.config.Data, "node.key")); err == nil {
				if _, err := New(t.Context(), c.config); !errors.Is(err, errHalfRecovered) {
					t.Errorf("a node runs in what is left: %v", err)
				}
			}
		})
	}
}

// TestRecoverGoesOn: a recovery that failed in the middle is repeated in the same
// directory.
func TestRecoverGoesOn(t *testing.T) {
	l := circle(t, 2, 2)
	l.keep(t)
	l.stop()
	c := config(t, "new machine")
	stranger, _ := start(t, config(t, "stranger"))
	if _, err := Recover(t.Context(), c, RecoverRequest{Words: l.words, Friend: stranger.host.Addrs()[0]}, nil); err == nil {
		t.Fatal("a stranger knows the node")
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Recover(ctx, c, RecoverRequest{Words: l.words, Friend: l.at(0)}, func(s string) {
		if strings.Contains(s, "backup") {
			cancel()
		}
	})
	if err == nil {
		t.Fatal("it went on after the cancel")
	}
	if _, err := New(t.Context(), c); !errors.Is(err, errHalfRecovered) {
		t.Fatalf("a node runs in the middle of it: %v", err)
	}
	r, err := Recover(t.Context(), c, RecoverRequest{Words: l.words, Friend: l.at(1)}, nil)
	if err != nil || r.Caps != 2 || r.Epoch != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	n, _ := start(t, c)
	clean(t, n)
	if a, err := n.book.Account(t.Context(), stranger.self); err == nil && a.Friend {
		t.Error("a stranger that was asked by mistake is a friend now")
	}
	l.checkFiles(t, n)
}

// TestRecoverBare: without the backup of the books nothing goes on by itself; on
// request what friends hold comes back without names and caps.
func TestRecoverBare(t *testing.T) {
	l := circle(t, 1, 2)
	l.keep(t)
	b, _, err := l.owner.backupRow(t.Context(), cursorBackup)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := readCap(b.Cap)
	rows, err := l.friends[0].book.SharesOf(t.Context(), r.Index())
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d shares of the backup, %v", len(rows), err)
	}
	for _, row := range rows {
		if err := l.friends[0].store.Delete(t.Context(), row.ID); err != nil {
			t.Fatal(err)
		}
	}
	l.stop()
	c := config(t, "new machine")
	if _, err := Recover(t.Context(), c, RecoverRequest{Words: l.words, Friend: l.at(0)}, nil); err == nil || !strings.Contains(err.Error(), "--bare") {
		t.Fatalf("without the backup: %v", err)
	}
	got, err := Recover(t.Context(), c, RecoverRequest{Words: l.words, Friend: l.at(0), Bare: true}, nil)
	if err != nil || got.Files != 2 || got.Nameless != 2 || got.Caps != 0 || len(got.Problems) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	n, _ := start(t, c)
	clean(t, n)
	l.checkFiles(t, n) // whoever kept the caps reads on
}
