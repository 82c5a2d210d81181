package browser

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// runs: Home shows how far a put is that the command line began.
func runs(t *testing.T, n *net, b *tab) {
	path := filepath.Join(t.TempDir(), "film.mkv")
	film := make([]byte, 96<<20)
	rand.Read(film)
	if err := os.WriteFile(path, film, 0o600); err != nil {
		t.Fatal(err)
	}
	b.open("", "Home")
	settle(b)
	b.do(js(`(() => {
		window.ran = [];
		const look = () => { for (const j of document.querySelectorAll('.job')) if (j.innerText.includes('film.mkv')) ran.push(j.innerText + ' ' + (j.querySelector('progress')?.value ?? '')); };
		new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
	})()`))
	cap := n.run("alice", "put", path)
	said := strings.Join(eval[[]string](b, `ran`), "\n")
	if !strings.Contains(said, "Putting film.mkv") || !strings.Contains(said, " of 96 MiB") {
		t.Errorf("Home showed of the put: %q", said)
	}
	n.eventually("it is gone from Home", func() bool { return !strings.Contains(b.text(), "film.mkv") })
	n.run("alice", "rm", cap)
	b.do(chromedp.Reload())
	b.see(`//h1[contains(., 'Home')]`)
}
