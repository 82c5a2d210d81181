package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// crowded has the page believe that so many friends hold for each other. What it
// asks else is answered by its node.
const crowded = `(() => {
	const n = %d, real = window.fetch;
	const peers = Array.from({ length: n }, (_, i) => 'peer' + i);
	const answer = (body) => new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });
	window.fetch = async (path, options) => {
		if (path === '/v1/matrix') return answer({ as_of: 1, nodes: peers.map((peer, i) => ({ peer, name: 'friend ' + i })),
			cells: peers.flatMap((holder, i) => peers.filter((_, j) => i !== j).map((owner, j) => ({ holder, owner, held: { bytes: (i * 7919 + j * 104729) %% 1e9, shares: 3, time: 1 }, counted: null, differs: false }))) });
		return real(path, options);
	};
})()`

// crowd has the page show a matrix of n friends, and the node itself with its own.
func (b *tab) crowd(n int) (count int) {
	b.t.Helper()
	b.open("log", "Log")
	b.do(js(fmt.Sprintf(crowded, n)))
	b.open("web", "Who holds for whom")
	b.do(chromedp.WaitVisible(chromedp.Search(fmt.Sprintf("//div[@role='grid'][@aria-rowcount > %d]", n))))
	return eval[int](b, `+document.querySelector('.matrix').getAttribute('aria-rowcount') - 1`)
}

// matrix of many: only what is in sight is there, keys go from cell to cell, and
// what is saved is whole.
func matrix(t *testing.T, n *net, b *tab) {
	os.Remove(filepath.Join(b.saved, "potluck-web.csv"))
	count := b.crowd(150)
	cells := func() int { return eval[int](b, `document.querySelectorAll('.matrix [role=gridcell]').length`) }
	if got := cells(); got == 0 || got > 1500 {
		t.Errorf("%d of %d cells are in the page", got, count*count)
	}
	b.shot("matrix-150")
	b.accessible("a matrix of 150")
	b.do(js(`document.querySelector('.matrix').focus()`))
	for _, key := range []string{kb.ArrowDown, kb.ArrowDown, kb.ArrowRight, kb.End, kb.PageDown} {
		b.do(chromedp.KeyEvent(key))
	}
	b.still()
	at := eval[string](b, `(() => {
		const grid = document.querySelector('.matrix'), cell = document.getElementById(grid.getAttribute('aria-activedescendant'));
		const box = grid.getBoundingClientRect(), r = cell.getBoundingClientRect();
		const inside = r.left >= box.left && r.right <= box.right && r.top >= box.top && r.bottom <= box.bottom;
		return [cell.parentNode.getAttribute('aria-rowindex'), cell.getAttribute('aria-colindex'), inside].join(' ');
	})()`)
	if want := fmt.Sprintf("14 %d true", count+1); at != want {
		t.Errorf("the keys lead to row, column and sight %s, want %s", at, want)
	}
	b.says(" holds ")
	b.shot("matrix-150-end")
	if got := cells(); got > 1500 {
		t.Errorf("%d of %d cells are in the page at the end of a row", got, count*count)
	}
	b.press("//main", "CSV")
	n.eventually("the browser saved the whole matrix", func() bool {
		text, err := os.ReadFile(filepath.Join(b.saved, "potluck-web.csv"))
		return err == nil && strings.Count(string(text), "\n") > 150*149
	})
	b.do(chromedp.Reload())
	b.see(`//h1[contains(., 'Who holds for whom')]`)
}

// scroll goes through the matrix, down and to the right, and gives the lengths of
// its frames in milliseconds, by hundredths from the shortest to the longest.
func (b *tab) scroll() []float64 {
	b.t.Helper()
	frames := eval[[]float64](b, `(async () => {
		const m = document.querySelector('.matrix'), all = [];
		const frame = () => new Promise((go) => requestAnimationFrame(go));
		let last = await frame();
		for (let i = 1; i <= 200; i++) {
			m.scrollTop = i * (m.scrollHeight - m.clientHeight) / 200;
			m.scrollLeft = i * (m.scrollWidth - m.clientWidth) / 200;
			const now = await frame();
			all.push(now - last);
			last = now;
		}
		return all;
	})()`)
	slices.Sort(frames)
	hundredths := make([]float64, 101)
	for i := range hundredths {
		hundredths[i] = frames[i*(len(frames)-1)/100]
	}
	return hundredths
}

// metrics asks the browser for what it counts of the page.
var metrics chromedp.Action[performance.GetMetricsResult] = func(ctx context.Context, t *chromedp.Target) (performance.GetMetricsResult, error) {
	return cdp.Call(ctx, t, performance.GetMetrics, cdp.Empty{})
}

// spent is how long the page has worked, in seconds: scripts, layout and style,
// and all of it.
func (b *tab) spent() map[string]float64 {
	b.t.Helper()
	b.do(send(performance.Enable, performance.EnableParams{}))
	all := map[string]float64{}
	for _, m := range get(b, metrics).Metrics {
		all[m.Name] = m.Value
	}
	return map[string]float64{"script": all["ScriptDuration"], "layout": all["LayoutDuration"] + all["RecalcStyleDuration"], "task": all["TaskDuration"]}
}

// BenchmarkMatrix scrolls through 150 by 150 cells in 200 steps: how long frames
// are, and how long the page works for one.
func BenchmarkMatrix(b *testing.B) {
	n := build(b)
	n.start("alice", "alice")
	n.start("bob", "bob")
	n.befriend("alice", "bob")
	t := chrome(b)
	t.do(chromedp.Navigate(n.link("alice")))
	t.see(`//h1[contains(., 'Home')]`)
	t.crowd(150)
	figures := map[string][]float64{}
	for b.Loop() {
		before := t.spent()
		frames := t.scroll()
		after := t.spent()
		figures["frame-p50-ms"] = append(figures["frame-p50-ms"], frames[50])
		figures["frame-p95-ms"] = append(figures["frame-p95-ms"], frames[95])
		for what := range after {
			name := what + "-ms/frame"
			figures[name] = append(figures[name], 1000*(after[what]-before[what])/200)
		}
	}
	for name, all := range figures {
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2], name)
	}
}
