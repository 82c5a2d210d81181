package browser

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

type version struct {
	Name, Cap string
	Put       int64
	Index     string
}

// fillFolder makes a folder with a file in it, one below, a tiny one and an empty one.
func fillFolder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Join(dir, "deep", "er"), 0o700); err != nil {
		t.Fatal(err)
	}
	big := make([]byte, 50<<10)
	rand.Read(big)
	for path, content := range map[string][]byte{"photo.jpg": big, "deep/er/text.txt": bytes.Repeat([]byte(name+" is kept. "), 500), "tiny.txt": []byte("tiny"), "empty": nil} {
		if err := os.WriteFile(filepath.Join(dir, path), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// folder puts whole folders, chosen and dropped, and stops one.
func folder(t *testing.T, n *net, b *tab) {
	b.open("files/folder", "Files")
	b.do(chromedp.SetUploadFiles("#folder", []string{fillFolder(t, "album")}))
	b.says("album: 4 files are with friends.")
	dropped := fillFolder(t, "dropped")
	for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		at := eval[[]float64](b, `(() => { const r = document.querySelector('.drop').getBoundingClientRect(); return [r.x + 9, r.y + 9]; })()`)
		b.do(send(input.DispatchDragEvent, input.DispatchDragEventParams{Type: kind, X: at[0], Y: at[1],
			Data: &input.DragData{Files: []string{dropped}, Items: []*input.DragDataItem{}, DragOperationsMask: 1}}))
	}
	b.says("dropped: 4 files are with friends.")
	names := map[string]string{}
	for _, v := range ask[[]version](n, "alice", "files", "--as-of", "2100-01-01") {
		names[v.Name] = v.Cap
	}
	for _, dir := range []string{"album", "dropped"} {
		for _, name := range []string{"photo.jpg", "deep/er/text.txt", "tiny.txt", "empty"} {
			if names[dir+"/"+name] == "" {
				t.Errorf("%s/%s isn't kept; there are %v", dir, name, names)
			}
		}
	}
	out := filepath.Join(t.TempDir(), "x")
	n.run("alice", "get", names["album/deep/er/text.txt"], "-o", out)
	if got, err := os.ReadFile(out); err != nil || !strings.HasPrefix(string(got), "album is kept.") {
		t.Errorf("album/deep/er/text.txt is %.20q, %v", got, err)
	}
	stopped := fillFolder(t, "stopped")
	if err := os.WriteFile(filepath.Join(stopped, "big"), make([]byte, 64<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.SetUploadFiles("#folder", []string{stopped}))
	b.press("//main", "Stop")
	b.says("stopped: stopped after")
}

// versions shows what a name meant before, and saves it.
func versions(t *testing.T, n *net, b *tab) {
	write := func(text string) {
		path := filepath.Join(t.TempDir(), "diary.txt")
		if err := os.WriteFile(path, []byte(strings.Repeat(text, 100)), 0o600); err != nil {
			t.Fatal(err)
		}
		n.run("alice", "put", path)
	}
	write("monday ")
	write("tuesday ")
	b.open("files", "Files")
	b.press("//main", "the files as of today")
	b.says("What each name meant at the end of")
	b.says("tiny.txt")
	b.shot("files-as-of")
	b.accessible("files as of a day")
	b.press("//main", "diary.txt")
	b.see("//dialog//tbody/tr[2]")
	b.shot("versions")
	b.do(chromedp.Click(chromedp.Search(`//dialog//tbody/tr[2]//button[contains(., 'Save')]`)))
	n.eventually("the browser saved the older version", func() bool {
		got, err := os.ReadFile(filepath.Join(b.saved, "diary.txt"))
		return err == nil && strings.HasPrefix(string(got), "monday ")
	})
	b.press("//dialog", "Close")
	rows := ask[[]version](n, "alice", "files", "--versions", "diary.txt")
	if len(rows) != 2 || rows[0].Put <= rows[1].Put {
		t.Errorf("the command line lists %+v", rows)
	}
}

// settings changes what the node does, now and after its next start.
func settings(t *testing.T, n *net, b *tab) {
	b.open("settings", "Settings")
	section := "//section[@aria-labelledby='config']"
	change := func(field, value string) {
		b.see("//input[@id='set-" + field + "']")
		b.do(chromedp.Click(chromedp.Search("//input[@id='set-"+field+"']")), js(`document.activeElement.select()`), chromedp.SendKeys(chromedp.Search("//input[@id='set-"+field+"']"), value))
	}
	change("repair_after", "soon")
	b.press(section, "Save")
	b.says(`repair_after = "soon" can't be`)
	change("repair_after", "48h")
	b.do(chromedp.Click(chromedp.Search(section + "//summary")))
	change("max_hops", "2")
	b.shot("settings-changed")
	b.press(section, "Save")
	b.says("1 change counts after the next start")
	type setting struct {
		Key, Value, Saved string
		Waiting, Fixed    bool
	}
	of := func(key string) setting {
		all := ask[struct{ Settings []setting }](n, "alice", "settings", key).Settings
		if len(all) != 1 {
			t.Fatalf("the command line tells %+v of %s", all, key)
		}
		return all[0]
	}
	if s := of("repair_after"); s.Value != "48h" || s.Saved != "48h" || s.Waiting {
		t.Errorf("repair_after is %+v", s)
	}
	if s := of("max_hops"); s.Value != "3" || s.Saved != "2" || !s.Waiting {
		t.Errorf("max_hops is %+v", s)
	}
	if s := of("offer"); s.Fixed || s.Saved != "2 GiB" {
		t.Errorf("offer, which a flag said and config.toml keeps, is %+v", s)
	}
	n.run("alice", "settings", "repair_after", "")
	n.run("alice", "settings", "max_hops", "")
}
