package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe.min.js
var axe string

// tab is a browser with one open page.
type tab struct {
	t     testing.TB
	ctx   context.Context
	saved string // where files are saved
}

// chrome starts a browser that ends with the test.
func chrome(t testing.TB) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Fatal("there is no Chromium here: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.WindowSize(1280, 900), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-dev-shm-usage", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, js("0")); err != nil { // starts the browser, which lives as long as this call's context
		t.Fatalf("start %s: %v", path, err)
	}
	b := &tab{t: t, ctx: ctx, saved: t.TempDir()}
	b.do(send(browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: b.saved}))
	return b
}

// do runs actions, each within half a minute.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	for _, a := range actions {
		get(b, a)
	}
}

// get runs an action that gives something, within half a minute.
func get[T any](b *tab, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		b.shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		b.t.Fatalf("%v; the page says:\n%s", err, b.text())
	}
	return v
}

// send gives a command of the protocol as an action.
func send[P, R any](c cdp.Command[P, R], p P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, p)
		return err
	})
}

// text is what the page says.
func (b *tab) text() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return s
}

// eval gives the value of an expression, awaited.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	return get(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// js runs a script for what it does.
func js(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](script, chromedp.EvalAwaitPromise)
}

// open goes to a screen, and waits for its heading.
func (b *tab) open(screen, title string) {
	b.t.Helper()
	b.do(js(`location.hash = ` + quote("#/"+screen)))
	b.see(`//h1[contains(., ` + xpath(title) + `)]`)
}

// see waits until something is on the page.
func (b *tab) see(what string) { b.t.Helper(); b.do(chromedp.WaitVisible(chromedp.Search(what))) }

// says waits until the page has a text.
func (b *tab) says(text string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(b.text(), text); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			b.shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
			b.t.Fatalf("the page doesn't say %q, but:\n%s", text, b.text())
		}
	}
}

// press clicks the button with a text, inside of what a path selects.
func (b *tab) press(inside, text string) {
	b.t.Helper()
	b.still()
	b.do(chromedp.Click(chromedp.Search(inside + `//button[contains(., ` + xpath(text) + `)]`)))
}

// still waits until the page was drawn twice: a picture of it, or an answer that
// has just come, may move what is about to be clicked.
func (b *tab) still() {
	b.t.Helper()
	b.do(js(`new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(go, 150))))`))
}

// fill writes into the field with a label.
func (b *tab) fill(inside, label, text string) {
	b.t.Helper()
	field := chromedp.Search(inside + `//label[contains(., ` + xpath(label) + `)]//input`)
	b.do(chromedp.Click(field), js(`document.activeElement.select()`), chromedp.SendKeys(field, text))
}

// choose takes an option of the list with a label.
func (b *tab) choose(inside, label, option string) {
	b.t.Helper()
	b.see(inside + `//label[contains(., ` + xpath(label) + `)]//select`)
	b.do(js(`(() => {
		const l = document.evaluate(` + quote(inside+`//label[contains(., `+xpath(label)+`)]//select`) + `, document, null, 9).singleNodeValue;
		l.value = [...l.options].find((o) => o.text === ` + quote(option) + `).value;
		l.dispatchEvent(new Event('change', { bubbles: true }));
	})()`))
}

// shot keeps a picture of the page.
func (b *tab) shot(name string) {
	dir := os.Getenv("POTLUCK_SHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, 15*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Logf("no picture of %s: %v", name, err)
		return
	}
	os.MkdirAll(dir, 0o755)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Error(err)
	}
}

// look sets how wide the screen is, and whether it is dark.
func (b *tab) look(width int64, scheme string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 900), send(emulation.SetEmulatedMedia,
		emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}))
}

// accessible fails when axe-core finds a serious violation.
func (b *tab) accessible(screen string) {
	b.t.Helper()
	if !eval[bool](b, `typeof axe !== 'undefined'`) {
		b.do(js(axe + ";0")) // as an extension would: the page's own policy forbids it to the page
	}
	found := eval[string](b, `axe.run(document, { resultTypes: ['violations'] }).then((r) => JSON.stringify(r.violations
		.filter((v) => v.impact === 'serious' || v.impact === 'critical')
		.map((v) => v.id + ': ' + v.nodes.map((n) => n.html + ' ' + n.failureSummary).slice(0, 3).join(' | '))))`)
	var all []string
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range all {
		b.t.Errorf("%s: axe finds %s", screen, v)
	}
	if wide := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
		b.t.Errorf("%s: the page is %d pixels wider than the screen", screen, wide)
	}
}

func quote(s string) string { b, _ := json.Marshal(s); return string(b) }

// xpath writes a text as XPath does; none of ours has both kinds of quotes.
func xpath(s string) string {
	if strings.Contains(s, `'`) {
		return `"` + s + `"`
	}
	return `'` + s + `'`
}
