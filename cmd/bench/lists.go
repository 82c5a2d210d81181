package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"potluck"
	"potluck/gateway/api"
	"potluck/node"
)

// Bounds of the lists of the local API.
const (
	listLimit = 20 // ms
	listGrown = 16 // MiB that a node's heap may grow by while a list is read
	listRuns  = 11 // of each call
	listPage  = 200

	listSettle = 30 * time.Second
)

// lists measures the calls of the local API that list something, on a node whose
// books are long.
func (b *bench) lists(ctx context.Context) (err error) {
	begun := time.Now()
	f, err := fillBooks(ctx, filepath.Join(b.dir, "lists"), b.Rows)
	if err != nil {
		return fmt.Errorf("make long books: %w", err)
	}
	b.out.remark("books of %d shares held for %d friends, and of %[1]d placements, made in %[3]v", b.Rows, len(f.ids), time.Since(begun).Round(time.Second))
	n, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if err := b.onSocket(ctx, n, func(a *asker) error { return b.measureLists(ctx, a, f) }); err != nil {
		return err
	}
	return b.idleLists(ctx, n)
}

// idleLists watches the loops of a node with long books while nothing happens, once
// what they look at after a start is behind them.
func (b *bench) idleLists(ctx context.Context, n *node.Node) (err error) {
	loops, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- n.Run(loops) }() // ends with stop
	defer func() { stop(); err = errors.Join(err, <-done) }()
	if err := pause(ctx, listSettle); err != nil {
		return err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, err := cpuTime()
	if err != nil {
		return err
	}
	period := time.Duration(b.Seconds) * time.Second
	if err := pause(ctx, period); err != nil {
		return err
	}
	end, err := cpuTime()
	if err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	minutes := period.Minutes()
	return b.out.rows(
		row{Name: "lists/idle-cpu", Value: (end - cpu).Seconds() * 1e3 / minutes, Unit: "ms a minute", Limit: 600, Note: fmt.Sprintf("over %v; limit: 1 %% of a core", period)},
		row{Name: "lists/idle-read", Value: float64(after.TotalAlloc-before.TotalAlloc) / (1 << 20) / minutes, Unit: "MiB a minute", Note: "allocated, for rows that are read above all"})
}

// onSocket serves a node's API on its socket while it is asked.
func (b *bench) onSocket(ctx context.Context, n *node.Node, ask func(*asker) error) error {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- api.Serve(ctx, n, slog.New(slog.DiscardHandler)) }() // ends with ctx
	a, err := dialSocket(ctx, n.Data(), done)
	if err == nil {
		err = ask(a)
		a.http.CloseIdleConnections()
	}
	stop()
	return errors.Join(err, <-done)
}

// asker asks one node over its socket, without reading the JSON.
type asker struct{ http *http.Client }

// dialSocket waits until the socket answers.
func dialSocket(ctx context.Context, data string, failed chan error) (*asker, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(data, "api.sock"))
	}
	a := &asker{&http.Client{Transport: &http.Transport{DialContext: dial}}}
	for {
		_, err := a.get(ctx, "/livez")
		if err == nil {
			return a, nil
		}
		select {
		case err := <-failed:
			failed <- nil
			return nil, err
		default:
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// get reads an answer from end to end, and tells its length.
func (a *asker) get(ctx context.Context, path string) (int64, error) {
	body, err := a.body(ctx, path)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	return io.Copy(io.Discard, body)
}

func (a *asker) body(ctx context.Context, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://potluck"+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := a.http.Do(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10)) // what can't be read isn't shown
		return nil, fmt.Errorf("GET %s: %s: %s", path, answer.Status, text)
	}
	return answer.Body, nil
}

// measureLists times every call: the median, the 95th of a hundred, and what the heap
// grew by. A busy machine spoils the first two; the processor's time beside them says
// what the call takes.
func (b *bench) measureLists(ctx context.Context, a *asker, f *books) error {
	var all []row
	for _, c := range listCalls(f) {
		m, err := c.measure(ctx, a)
		if err != nil {
			return err
		}
		all = append(all, m...)
	}
	return b.out.rows(all...)
}

// measure makes the calls of one list again and again.
func (c listCall) measure(ctx context.Context, a *asker) ([]row, error) {
	var times, cpus []float64
	var size int64
	before := heapInUse()
	most := before
	for range listRuns {
		cpu, err := cpuTime()
		if err != nil {
			return nil, err
		}
		begun := time.Now()
		size = 0
		for _, path := range c.paths {
			n, err := a.get(ctx, path)
			if err != nil {
				return nil, err
			}
			size += n
		}
		took := time.Since(begun)
		after, err := cpuTime()
		if err != nil {
			return nil, err
		}
		times, cpus = append(times, took.Seconds()*1e3), append(cpus, (after-cpu).Seconds()*1e3)
		most = max(most, heapInUse())
	}
	slices.Sort(times)
	name := "lists/" + c.name
	return []row{
		{Name: name, Value: median(times), Unit: "ms", Limit: listLimit, Note: fmt.Sprintf("median of %d; %.1f ms of the processor, the asker's among them; %d KiB", listRuns, median(cpus), size>>10)},
		{Name: name + "-p95", Value: times[len(times)*95/100], Unit: "ms"},
		{Name: name + "-heap", Value: float64(most-before) / (1 << 20), Unit: "MiB", Limit: listGrown, Note: "more in use than before"},
	}, nil
}

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// listCall is one list, or what one screen asks for.
type listCall struct {
	name  string
	paths []string
}

// listCalls names every list that the API has, and of the long ones the first page,
// one from the middle and the last one.
func listCalls(f *books) []listCall {
	friend := f.ids[7].String()
	page := fmt.Sprintf("limit=%d", listPage)
	calls := []listCall{
		{"status", []string{"/v1/status"}},
		{"who", []string{"/v1/who"}},
		{"friends", []string{"/v1/friends"}},
		{"credit", []string{"/v1/credit"}},
		{"history", []string{"/v1/friends/" + friend + "/history"}},
		{"matrix-page", []string{"/v1/matrix?limit=1000"}},
		{"invites", []string{"/v1/invites"}},
		{"disputes", []string{"/v1/disputes"}},
		{"metrics", []string{"/metrics"}},
		{"files-summary", []string{"/v1/files/summary"}},
		{"home", []string{"/v1/status", "/v1/who", "/v1/files/summary", "/v1/disputes"}},
	}
	for i, part := range []string{"first", "middle", "last"} {
		var from potluck.StorageIndex
		from[0] = []byte{0, 0x80, 0xff}[i]
		after := "&after=" + from.String()
		calls = append(calls, listCall{"files-" + part, []string{"/v1/files?" + page + after}})
		for _, side := range []string{"held", "placed"} {
			calls = append(calls, listCall{side + "-" + part, []string{"/v1/who/" + friend + "/shares?" + page + "&side=" + side + after + "/0"}})
		}
		last := (f.events - listPage) * uint64(i) / 2
		calls = append(calls, listCall{"log-" + part, []string{fmt.Sprintf("/v1/log?%s&after=%d", page, last)}})
	}
	return calls
}
