package node

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger/signed"
	"potluck/node/keepsake"
)

// passMinute lets a node make the keepsake that is due a minute after a put.
func passMinute(t *testing.T, n *Node) {
	t.Helper()
	n.recents.mu.Lock()
	n.recents.looked = n.recents.looked.Add(-recentEvery)
	n.recents.mu.Unlock()
	if err := n.souvenir.cycle.TriggerWait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// keptBy waits until all friends have a node's newest keepsake, and gives it with
// the length of the document.
func (l *lost) keptBy(t *testing.T) (c keepsake.Content, number uint64, size int) {
	t.Helper()
	k, found, err := l.owner.ownKeepsake(t.Context())
	if err != nil || !found {
		t.Fatal(found, err)
	}
	await(t, "the keepsake is at all friends", func() bool {
		for _, f := range l.friends {
			row, err := f.book.Document(t.Context(), signed.KindKeepsake, l.owner.self, "")
			if err != nil || row.Number < k.Number() {
				return false
			}
			raw, err := row.Document.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			size = len(raw)
		}
		return true
	})
	if c, err = l.owner.sealKey.Open(k.Blob, l.owner.self, k.Number()); err != nil {
		t.Fatal(err)
	}
	return c, k.Number(), size
}

// A file that was put after the backup comes back with its name and its cap: the
// keepsake has them a minute later. What was put with it goes with it, and what was
// put without keeping its cap, or removed, isn't there.
func TestRecentFilesComeBack(t *testing.T) {
	l := circle(t, 4, 3)
	l.keep(t)
	_, before, plain := l.keptBy(t)
	late := []string{l.put(t, "just now", 5000), l.put(t, "beside it", 5001)}
	if _, err := l.owner.Put(t.Context(), files.FromBytes("", random(t, 4000)), files.PutOptions{Name: "forgotten", Forget: true}, nil); err != nil {
		t.Fatal(err)
	}
	gone, err := caps.Parse(l.put(t, "removed again", 5002))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.owner.Remove(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	delete(l.files, gone.Text())
	passMinute(t, l.owner)
	c, number, size := l.keptBy(t)
	if len(c.Recent) != 2 || number != before+1 {
		t.Fatalf("%d files in keepsake %d after %d: %+v", len(c.Recent), number, before, c.Recent)
	}
	t.Logf("a keepsake of 4 friends has %d bytes, with 2 files more %d", plain, size)
	l.stop()
	drill := config(t, "drill")
	drill.Data = ""
	for _, drills := range []bool{true, false} {
		into := drill
		if !drills {
			into = config(t, "new machine")
		}
		r, err := Recover(t.Context(), into, RecoverRequest{Words: l.words, Friend: l.at(1), Drill: drills}, nil)
		if err != nil || r.Files != 6 || r.Caps != 5 || r.Nameless != 1 || len(r.Problems) > 0 {
			t.Fatalf("drill %v: %+v, %v", drills, r, err)
		}
		if drills {
			continue
		}
		n, _ := start(t, into)
		l.checkFiles(t, n)
		for i, text := range late {
			c, err := caps.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			f, err := n.book.File(t.Context(), c.(caps.Read).Index())
			if err != nil || f.Name != []string{"just now", "beside it"}[i] || f.Cap != text || f.Wanted == 0 {
				t.Errorf("%+v, %v", f, err)
			}
		}
		clean(t, n)
	}
}

// However much is put, there is one keepsake a minute, and it is no longer than
// friends take; a backup takes over what it has.
func TestManyPutsMakeFewKeepsakes(t *testing.T) {
	l := circle(t, 1, 1)
	l.keep(t)
	_, before, _ := l.keptBy(t)
	c, err := caps.Parse(l.put(t, "one", 5000))
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.owner.book.File(t.Context(), c.(caps.Read).Index())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 { // rows as puts make them
		r := c.(caps.Read)
		r.Key[0], r.Key[1] = byte(i), 1
		f.Index, f.Name, f.Cap = r.Index(), fmt.Sprintf("%0100d", i), r.Text()
		if err := l.owner.book.PutFile(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		l.owner.recents.add(f.Index, f.Put)
		l.owner.souvenir.cycle.Trigger()
	}
	if err := l.owner.souvenir.cycle.TriggerWait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, number, _ := l.keptBy(t); number != before {
		t.Errorf("%d keepsakes within a minute", number-before)
	}
	if wait := l.owner.recents.wait(); wait <= 0 || wait > recentEvery {
		t.Errorf("the next one in %v", wait)
	}
	passMinute(t, l.owner)
	content, number, size := l.keptBy(t)
	if number != before+1 || len(content.Recent) != keepsake.MaxRecent || size > signed.MaxBlob {
		t.Errorf("%d keepsakes more, the last with %d files in %d bytes", number-before, len(content.Recent), size)
	}
	t.Logf("%d files with names of 100 letters: %d bytes", len(content.Recent), size)
	last, _, err := l.owner.backupRow(t.Context(), cursorBackup)
	if err != nil {
		t.Fatal(err)
	}
	last.Time -= int64(backupFirst / time.Second)
	if !l.owner.backupDue(last) {
		t.Error("more files wait than a keepsake names, and no backup is due")
	}
	l.keep(t)
	if content, _, _ := l.keptBy(t); len(content.Recent) != 0 {
		t.Errorf("%d files are named twice", len(content.Recent))
	}
}

// However often puts wake the loop, it looks for a backup that is due once an hour.
func TestPutsPutOffNoBackup(t *testing.T) {
	l := circle(t, 1, 1)
	l.keep(t)
	last, sum, err := l.owner.backupRow(t.Context(), cursorBackup)
	if err != nil {
		t.Fatal(err)
	}
	last.Time -= int64(backupEvery / time.Second)
	if err := l.owner.setBackupRow(t.Context(), cursorBackup, last, sum); err != nil {
		t.Fatal(err)
	}
	index := potluck.StorageIndex{1}
	for _, due := range []bool{false, true} {
		l.owner.souvenir.cycle.Pause()
		if due {
			l.put(t, "late", 5000)
			l.owner.souvenir.looked = time.Now().Add(-souvenirEvery)
		}
		l.owner.souvenir.wake(index, last.Time)
		if err := l.owner.souvenir.cycle.TriggerWait(t.Context()); err != nil {
			t.Fatal(err)
		}
		now, _, err := l.owner.backupRow(t.Context(), cursorBackup)
		if err != nil || (now.Cap != last.Cap) != due {
			t.Errorf("due %v: the backup is %+v after %+v, %v", due, now, last, err)
		}
	}
}

// After a start the files that no backup has are found again.
func TestRecentFilesAreFoundAgain(t *testing.T) {
	l := circle(t, 1, 1)
	l.keep(t)
	l.put(t, "late", 5000)
	l.stop()
	l.owner, l.stop = start(t, l.config)
	l.back(t, l.owner)
	await(t, "the keepsake names it", func() bool {
		if err := l.owner.souvenir.cycle.TriggerWait(t.Context()); err != nil {
			t.Fatal(err)
		}
		c, _, _ := l.keptBy(t)
		return len(c.Recent) == 1 && c.Recent[0].Name == "late" && c.Recent[0].Layout.Size > potluck.KiB
	})
}

// Who holds most changes with every share that is put; that alone makes no keepsake.
func TestOrderOfFriendsMakesNoKeepsake(t *testing.T) {
	l := circle(t, 3, 1)
	l.keep(t)
	c, err := l.owner.memory(t.Context())
	if err != nil || len(c.Friends) != 3 {
		t.Fatalf("%d friends, %v", len(c.Friends), err)
	}
	turned := c
	turned.Friends = slices.Clone(c.Friends)
	slices.Reverse(turned.Friends)
	if !sameContent(c, turned) {
		t.Error("friends in another order are another content")
	}
	turned.Friends[0].Household += "x"
	if sameContent(c, turned) {
		t.Error("a friend with another household is the same content")
	}
	if slices.EqualFunc(c.Friends, turned.Friends, func(a, b keepsake.Friend) bool { return a.Peer == b.Peer }) {
		t.Error("the comparison changed what it compared")
	}
}
