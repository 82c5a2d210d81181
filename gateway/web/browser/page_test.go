package browser

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// screens are all that the menu leads to, with their headings.
var screens = []struct{ path, title string }{
	{"", "Home"}, {"files", "Files"}, {"friends", "Friends"}, {"web", "Who holds for whom"}, {"intent", "Intent"},
	{"credit", "Credit"}, {"standing", "Standing"}, {"invite", "Invite"}, {"history", "History"}, {"log", "Log"}, {"settings", "Settings"},
}

type account struct {
	Peer, Name string
	Denied     bool
	Terms      struct{ Gift, Opening int64 }
	Theirs     struct{ Gift, Opening int64 }
	Standing   struct{ Step string }
	IHold      struct{ Bytes int64 } `json:"i_hold"`
	HoldsForMe struct{ Bytes int64 } `json:"holds_for_me"`
}

// friend is what a node's command line says of another one.
func friend(n *net, at, of string) account {
	n.t.Helper()
	for _, a := range ask[[]account](n, at, "friends") {
		if a.Name == of {
			return a
		}
	}
	return account{}
}

// One net and one browser tell the whole story, in order.
func TestPage(t *testing.T) {
	n := five(t)
	b := chrome(t)
	b.do(chromedp.Navigate(n.link("alice")))
	b.see(`//h1[contains(., 'Home')]`)
	if got := eval[string](b, `location.href`); strings.Contains(got, "code") {
		t.Errorf("the address keeps the code: %s", got)
	}
	for _, part := range []struct {
		name string
		run  func(*testing.T, *net, *tab)
	}{
		{"files", files}, {"folder", folder}, {"versions", versions}, {"settings", settings}, {"screens", everyScreen}, {"looks", looks}, {"invite", invite}, {"intent", intent}, {"credit", credit},
		{"standing", standing}, {"deny", deny}, {"web", web}, {"runs", runs}, {"matrix", matrix}, {"books", books}, {"evict", evict}, {"remove", remove}, {"markup", harmless}, {"sign out", signOut},
	} {
		t.Run(part.name, func(t *testing.T) {
			b.t, n.t = t, t
			part.run(t, n, b)
		})
		b.t, n.t = t, t
	}
}

var content = func() []byte {
	b := make([]byte, 300<<10)
	rand.Read(b)
	return b
}()

// files puts a file by the page, looks where it is, and saves it again.
func files(t *testing.T, n *net, b *tab) {
	path := filepath.Join(t.TempDir(), "holiday.jpg")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	b.open("files", "Files")
	b.do(chromedp.SetUploadFiles("#pick", []string{path}))
	b.says("holiday.jpg is with")
	rows := ask[[]struct {
		Name, Cap string
		Size      int64
	}](n, "alice", "files")
	if len(rows) != 1 || rows[0].Name != "holiday.jpg" || rows[0].Size != int64(len(content)) || rows[0].Cap == "" {
		t.Fatalf("the command line lists %+v", rows)
	}
	if got := n.run("bob", "get", rows[0].Cap, "-o", filepath.Join(t.TempDir(), "x")); got != "" {
		t.Logf("bob says %s", got)
	}
	b.press("//main", "holiday.jpg")
	b.says("It can be read now")
	b.shot("file")
	b.press("//dialog", "Save")
	saved := filepath.Join(b.saved, "holiday.jpg")
	n.eventually("the browser saved the file", func() bool {
		got, err := os.ReadFile(saved)
		return err == nil && bytes.Equal(got, content)
	})
	b.press("//dialog", "Close")
}

// everyScreen reaches all screens by the menu; each is free of serious barriers.
func everyScreen(t *testing.T, n *net, b *tab) {
	for _, s := range screens {
		b.do(chromedp.Click(chromedp.Search(`//nav//a[@href='#/` + s.path + `']`)))
		b.see(`//h1[contains(., ` + xpath(s.title) + `)]`)
		settle(b)
		b.shot("screen-" + s.title)
		b.accessible(s.title)
	}
	bob := friend(n, "alice", "bob")
	b.open("friends/"+bob.Peer, "bob")
	settle(b)
	b.shot("friend")
	b.accessible("one friend")
}

// settle waits until nothing on the page is being looked for.
func settle(b *tab) {
	b.t.Helper()
	b.do(js(`(async () => {
		for (let quiet = 0, i = 0; quiet < 3 && i < 100; i++) {
			quiet = /Looking …|Laying it out/.test(document.body.innerText) ? 0 : quiet + 1;
			await new Promise((go) => setTimeout(go, 50));
		}
	})()`))
}

// looks shows every screen on a phone, and in the dark.
func looks(t *testing.T, n *net, b *tab) {
	for _, l := range []struct {
		name, scheme string
		width        int64
	}{{"phone", "light", 390}, {"dark", "dark", 1280}, {"dark phone", "dark", 390}} {
		b.look(l.width, l.scheme)
		for _, s := range screens {
			b.open(s.path, s.title)
			settle(b)
			b.shot(l.name + "-" + s.title)
			b.accessible(s.title + ", " + l.name)
		}
	}
	b.look(1280, "light")
}

// invite makes an invite that a new node joins by, and revokes another one.
func invite(t *testing.T, n *net, b *tab) {
	n.start("fay", "fay")
	b.open("invite", "Invite")
	b.fill("//section[@aria-labelledby='make']", "Your friend's name", "fay")
	b.press("//section[@aria-labelledby='make']", "Make an invite")
	b.see(`//*[name()='svg'][@aria-label='The invite as a QR code']`)
	link := get(b, chromedp.TextContent(chromedp.Search(`//section[@aria-labelledby='link']//p[contains(@class,'mono')]`)))
	n.run("fay", "join", "--name", "alice", strings.TrimSpace(link))
	n.eventually("alice knows fay", func() bool { return friend(n, "alice", "fay").Peer != "" })
	b.says("used")
	b.fill("//section[@aria-labelledby='make']", "Your friend's name", "gus")
	b.press("//section[@aria-labelledby='make']", "Make an invite")
	b.says("For gus")
	b.press("//tr[contains(., 'gus')]", "Revoke")
	b.says("The invite for gus is good no more.")
	link = get(b, chromedp.TextContent(chromedp.Search(`//section[@aria-labelledby='link']//p[contains(@class,'mono')]`)))
	if out, code := n.try("bob", "join", strings.TrimSpace(link)); code != 5 {
		t.Errorf("a revoked invite: exit code %d, %s", code, out)
	}
	// And the other way: alice accepts an invite of carol's friend.
	made := ask[struct{ Link string }](n, "fay", "invite", "dave")
	_ = made
}

// intent gives bob a gift; the preview says what it changes, and bob is told.
func intent(t *testing.T, n *net, b *tab) {
	b.open("intent", "Intent")
	section := "//section[@aria-label='bob']"
	b.fill(section, "A gift, up to", "nonsense")
	b.says(`"nonsense" is no size`)
	b.fill(section, "A gift, up to", "300 MiB")
	b.says("300 MiB more than now")
	if friend(n, "alice", "bob").Terms.Gift != 0 {
		t.Error("a preview changed the terms")
	}
	b.press(section, "Save")
	b.says("bob has other terms now.")
	if got := friend(n, "alice", "bob").Terms.Gift; got != 300<<20 {
		t.Errorf("alice gives %d", got)
	}
}

// credit points some credit of alice's to carol, and takes it back.
func credit(t *testing.T, n *net, b *tab) {
	b.open("credit", "Credit")
	section := "//section[@aria-labelledby='assign']"
	b.choose(section, "Who", "carol")
	b.fill(section, "At most", "20 MiB")
	b.says("20 MiB")
	b.press(section, "Sign")
	type overview struct {
		In []struct {
			From  struct{ Name string }
			State string
			Limit int64
		}
	}
	n.eventually("carol hears of the pointer", func() bool {
		in := ask[overview](n, "carol", "credit").In
		return len(in) == 1 && in[0].From.Name == "alice" && in[0].Limit == 20<<20
	})
	b.see(`//*[name()='svg']//*[name()='text'][contains(., 'carol')]`)
	b.shot("credit-pointed")
	b.accessible("credit with a pointer")
	b.press("//section[@aria-labelledby='out']//tr[contains(., 'carol')]", "Revoke")
	b.says("It is signed as order 2")
	n.eventually("carol hears that it is gone", func() bool {
		in := ask[overview](n, "carol", "credit").In
		return len(in) == 0 || in[0].State != "live"
	})
	n.run("carol", "credit", "to", "alice", "--limit", "5MiB")
	b.see("//section[@aria-labelledby='in']//tr[contains(., 'carol')]")
	b.press("//section[@aria-labelledby='in']//tr[contains(., 'carol')]", "Decline")
	b.see("//section[@aria-labelledby='in']//tr[contains(., 'declined')]")
}

// standing pins, unpins and pardons.
func standing(t *testing.T, n *net, b *tab) {
	b.open("standing", "Standing")
	section := "//section[@aria-label='dave']"
	b.choose(section, "Step", "slowed")
	b.press(section, "Pin")
	b.says("dave stays slowed until you unpin it.")
	if s := friend(n, "alice", "dave").Standing.Step; s != "slowed" {
		t.Errorf("dave is %q here", s)
	}
	n.eventually("dave was told", func() bool {
		return strings.Contains(n.run("dave", "standing", "alice"), "slowed")
	})
	b.press(section, "Unpin")
	b.says("dave moves on the ladder again.")
	b.press(section, "Pardon")
	b.says("dave is pardoned.")
	if s := friend(n, "alice", "dave").Standing.Step; s != "good" {
		t.Errorf("dave is %q here", s)
	}
}

// deny keeps dave's new bytes out, and lets them in again.
func deny(t *testing.T, n *net, b *tab) {
	b.open("friends/"+friend(n, "alice", "dave").Peer, "dave")
	b.press("//section[@aria-labelledby='danger']", "Deny new bytes")
	b.says("dave stores nothing new here.")
	file := filepath.Join(t.TempDir(), "f")
	os.WriteFile(file, bytes.Repeat([]byte("much "), 1000), 0o600)
	if out, code := n.try("dave", "put", "-k", "1", "-n", "1", "--host", "alice", file); code != 6 {
		t.Errorf("dave puts: exit code %d, %s", code, out)
	}
	b.press("//section[@aria-labelledby='danger']", "Accept new bytes again")
	b.says("dave may store new bytes again.")
	n.run("dave", "put", "-k", "1", "-n", "1", "--host", "alice", file)
	n.eventually("alice holds it", func() bool { return friend(n, "alice", "dave").IHold.Bytes > 0 })
}

// web shows the matrix and the graph.
func web(t *testing.T, n *net, b *tab) {
	b.open("web", "Who holds for whom")
	b.see(`//div[@role='grid']//*[@role='columnheader'][contains(., 'bob')]`)
	b.press("//main", "CSV")
	n.eventually("the browser saved the CSV", func() bool {
		text, err := os.ReadFile(filepath.Join(b.saved, "potluck-web.csv"))
		return err == nil && strings.HasPrefix(string(text), "holder,holder_peer,owner,owner_peer,bytes") && strings.Count(string(text), "\n") > 2
	})
	b.press("//main", "Graph")
	b.see(`//*[name()='svg']//*[name()='circle']`)
	b.shot("graph")
	b.accessible("the graph")
	b.press("//main", "SVG")
	n.eventually("the browser saved the SVG", func() bool {
		text, err := os.ReadFile(filepath.Join(b.saved, "potluck-web.svg"))
		return err == nil && strings.Contains(string(text), "<circle")
	})
}

// books are drilled into, and checked.
func books(t *testing.T, n *net, b *tab) {
	dave := friend(n, "alice", "dave")
	b.open("friends/"+dave.Peer, "dave")
	b.do(chromedp.Click(chromedp.Search(`//summary[contains(., 'you hold for it')]`)))
	b.says("Sum of all")
	b.open("settings", "Settings")
	b.press("//main", "Check now")
	b.says("All is right")
	b.open("log", "Log")
	b.says("befriend")
	b.open("history", "History")
	settle(b)
	b.shot("history")
}

// evict drops what dave keeps here, after the word was typed.
func evict(t *testing.T, n *net, b *tab) {
	b.open("friends/"+friend(n, "alice", "dave").Peer, "dave")
	b.press("//section[@aria-labelledby='danger']", "Drop all it stores here")
	b.see("//dialog")
	if eval[bool](b, `!document.querySelector('dialog button.danger').disabled`) {
		t.Error("eviction needs no typed word")
	}
	b.fill("//dialog", "Type", "dave")
	b.press("//dialog", "Drop everything")
	b.says("of dave are gone")
	if got := friend(n, "alice", "dave").IHold.Bytes; got != 0 {
		t.Errorf("alice still holds %d bytes", got)
	}
}

// remove gives the file up; its bytes are free at the friends at once.
func remove(t *testing.T, n *net, b *tab) {
	held := func() int64 { return friend(n, "bob", "alice").IHold.Bytes + friend(n, "carol", "alice").IHold.Bytes }
	before := held()
	if before == 0 {
		t.Fatal("neither bob nor carol holds anything of alice's")
	}
	b.open("files", "Files")
	b.press("//main", "holiday.jpg")
	b.says("It can be read now")
	b.press("//dialog", "Remove …")
	b.fill("//dialog", "Type", "holiday.jpg")
	b.press("//dialog", "Remove")
	b.says("holiday.jpg is removed")
	n.eventually("bob and carol hold less", func() bool { return held() <= before-int64(len(content))/2 })
}

// harmless: a friend whose name is markup is text on every screen.
func harmless(t *testing.T, n *net, b *tab) {
	if friend(n, "alice", markup).Peer == "" {
		t.Fatal("there is no such friend")
	}
	n.run("erin", "put", "--host", friend(n, "erin", "alice").Peer, "-k", "1", "-n", "1", writeFile(t, "<script>hacked=1</script>.txt"))
	for _, s := range screens {
		b.open(s.path, s.title)
		settle(b)
		if eval[bool](b, `typeof hacked !== 'undefined' || document.querySelector('img[src="x"]') !== null`) {
			t.Errorf("%s: a friend's name ran", s.title)
		}
	}
	b.open("friends", "Friends")
	b.says(markup)
}

func writeFile(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// signOut leaves nothing that opens the page again.
func signOut(t *testing.T, n *net, b *tab) {
	b.open("settings", "Settings")
	b.press("//main", "Sign out here")
	b.says("needs a link from it")
	b.do(chromedp.Reload())
	b.says("needs a link from it")
}
