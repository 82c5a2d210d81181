package lifecycle

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary collects what happened, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) part(name string) Part {
	return Part{Name: name,
		Run: func(ctx context.Context) error {
			<-ctx.Done()
			d.note("end " + name)
			return nil
		},
		Close: func() error { d.note("close " + name); return nil }}
}

var reversed = []string{"end c", "end b", "end a", "close c", "close b", "close a"}

func TestGroupStopsInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		g := NewGroup(slog.New(slog.DiscardHandler))
		for _, name := range []string{"a", "b", "c"} {
			g.Add(d.part(name))
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(d.lines, reversed) {
			t.Fatalf("got %q, want %q", d.lines, reversed)
		}
		if err := g.Close(); err != nil || len(d.lines) != 6 {
			t.Fatalf("a second close: %v, %q", err, d.lines)
		}
	})
}

func TestGroupCloseEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		g := NewGroup(slog.New(slog.DiscardHandler))
		for _, name := range []string{"a", "b", "c"} {
			g.Add(d.part(name))
		}
		done := make(chan error, 1)
		go func() { done <- g.Run(t.Context()) }()
		synctest.Wait()
		if err := errors.Join(g.Close(), <-done); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(d.lines, reversed) {
			t.Fatalf("got %q, want %q", d.lines, reversed)
		}
	})
}

func TestGroupFailsWithItsFirstFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		boom := errors.New("boom")
		stuck := errors.New("stuck")
		g := NewGroup(slog.New(slog.DiscardHandler))
		g.Add(d.part("a"))
		g.Add(Part{Name: "b", Run: func(context.Context) error { return boom }, Close: func() error { return stuck }})
		err := g.Run(t.Context())
		if !errors.Is(err, boom) || !errors.Is(err, stuck) || !strings.Contains(err.Error(), "b: boom") {
			t.Fatalf("got %v, want both errors with the part's name", err)
		}
		if want := []string{"end a", "close a"}; !slices.Equal(d.lines, want) {
			t.Fatalf("got %q, want %q", d.lines, want)
		}
	})
}

func TestGroupWithoutRunCloses(t *testing.T) {
	var d diary
	g := NewGroup(slog.New(slog.DiscardHandler))
	g.Add(d.part("a"))
	if err := g.Close(); err != nil || !slices.Equal(d.lines, []string{"close a"}) {
		t.Fatalf("got %q, %v", d.lines, err)
	}
	if err := g.Run(t.Context()); err != nil || len(d.lines) != 1 {
		t.Fatalf("a closed group ran: %q, %v", d.lines, err)
	}
}

func TestGroupNamesTheSlowOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		g := NewGroup(slog.New(slog.NewTextHandler(&out, nil)))
		g.Add(Part{Name: "snail", Close: func() error { time.Sleep(slow + time.Second); return nil }})
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "part=snail") || !strings.Contains(out.String(), "goroutine") {
			t.Fatalf("the log doesn't name the slow part with stacks: %.200q", out.String())
		}
	})
}
