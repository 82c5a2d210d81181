package browser

import (
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
)

// crowd is how many friends the node has whose page is measured.
const crowd = 150

// BenchmarkPage measures what a person waits for, at a node with 150 friends: the
// first paint, the list of friends, the matrix of all, and a scroll through it.
// Medians of the runs are told.
func BenchmarkPage(b *testing.B) {
	n := build(b)
	dir := filepath.Join(n.dir, "crowd")
	if out, code := n.try("none", "testnet", "up", "-n", strconv.Itoa(crowd+1), "--topology", "ring", "--degree", "2", "--dir", dir); code != 0 {
		b.Fatalf("start %d nodes: exit code %d: %s", crowd+1, code, out)
	}
	b.Cleanup(func() { n.run("none", "testnet", "down", "--dir", dir) })
	n.dir = dir
	for i := 3; i <= crowd; i++ { // the ring has made friends of n1, n2 and the last one
		n.befriend("n1", "n"+strconv.Itoa(i))
	}
	t := chrome(b)
	t.do(chromedp.Navigate(n.link("n1")))
	t.says("150 of 150")
	var paint, friends, matrix, frame []float64
	for b.Loop() {
		t.do(chromedp.Navigate(n.page+"#/"), chromedp.Reload())
		t.see(`//h1[contains(., 'Home')]`)
		t.still()
		paint = append(paint, eval[float64](t, `performance.getEntriesByName('first-contentful-paint')[0].startTime`))
		friends = append(friends, t.until(`location.hash = '#/friends'`, `document.querySelectorAll('tbody tr').length >= 150`))
		matrix = append(matrix, t.until(`location.hash = '#/web'`, `document.querySelector('.matrix')?.getAttribute('aria-colcount') > 150`))
		frame = append(frame, t.scroll()[95])
	}
	for name, all := range map[string][]float64{"paint-ms": paint, "friends-ms": friends, "matrix-ms": matrix, "frame-p95-ms": frame} {
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2], name)
	}
}

// until does something, and gives how many milliseconds later something holds.
func (b *tab) until(act, holds string) float64 {
	b.t.Helper()
	return eval[float64](b, `(async () => {
		const from = performance.now();
		`+act+`;
		while (!(`+holds+`)) await new Promise((go) => setTimeout(go, 1));
		return performance.now() - from;
	})()`)
}
