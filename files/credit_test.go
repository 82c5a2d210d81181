package files_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"potluck"
	"potluck/files"
	"potluck/shares"
)

// lend gives the owner so many shares' worth of credit at a host, and a bit, for
// files of size bytes spread k-of-n.
func (h *host) lend(t *testing.T, count int, k, n int, size potluck.Size) {
	t.Helper()
	l, err := shares.NewLayout(k, n, size)
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.credit = potluck.Size(count)*shares.Charge(l) + 500
}

// TestHostsWithoutCreditAreNotAsked: where enough hosts have credit, the others
// aren't asked to reserve anything.
func TestHostsWithoutCreditAreNotAsked(t *testing.T) {
	c := newCircle(t, 5)
	for _, h := range c.hosts[:2] {
		h.credit = 1
	}
	data := content(9000)
	r := c.put(data, files.PutOptions{Explain: true})
	if r.Layout.N != 3 || r.Happy != 3 || r.Behind != 0 {
		t.Fatalf("%d-of-%d at %d places, %d behind; want 3 shares at the three with credit", r.Layout.K, r.Layout.N, r.Happy, r.Behind)
	}
	for i, h := range c.hosts[:2] {
		if n := h.asked.Load(); n != 0 {
			t.Errorf("host %d without credit was asked %d times", i, n)
		}
	}
	c.mustGet(r.Cap, data)
	if len(r.Explain) != 5 {
		t.Fatalf("explained %+v", r.Explain)
	}
	for i, e := range r.Explain {
		switch {
		case i < 3 && e.Chosen && e.Shares == 1 && e.Free == potluck.GiB && e.Why == "has 1 GiB free for you":
		case i >= 3 && !e.Chosen && e.Shares == 0 && e.Free == 1 && strings.HasPrefix(e.Why, "no credit: 1 B free, a share needs "):
		default:
			t.Errorf("choice %d: %+v", i, e)
		}
	}
}

// TestQuotesAreShared: many puts pay for one round of questions, and what they
// place is taken off what the hosts said.
func TestQuotesAreShared(t *testing.T) {
	c := newCircle(t, 3)
	size := potluck.Size(9000)
	c.hosts[0].lend(t, 4, 1, 3, size)
	for i := range 8 {
		data := content(int(size))
		data[0] = byte(i)
		r := c.put(data, files.PutOptions{})
		want := 3
		if i >= 4 {
			want = 2 // the first host is full, and nobody needs to ask it
		}
		if int(r.Layout.N) != want || r.Behind != 0 {
			t.Fatalf("put %d: %d shares, %d behind, want %d", i, r.Layout.N, r.Behind, want)
		}
	}
	for i, h := range c.hosts {
		if n := h.quoted.Load(); n != 1 {
			t.Errorf("host %d was asked for %d quotes, want 1", i, n)
		}
	}
	if n := c.hosts[0].asked.Load(); n != 4 {
		t.Errorf("the full host was asked %d times to take a share, want 4", n)
	}
}

// TestNoQuoteIsNoRefusal: a host that gives no quote is asked to take a share.
func TestNoQuoteIsNoRefusal(t *testing.T) {
	c := newCircle(t, 3)
	c.hosts[0].dumb = true
	r := c.put(content(9000), files.PutOptions{Explain: true})
	if r.Layout.N != 3 || r.Happy != 3 {
		t.Fatalf("%d shares at %d places, want 3 at 3", r.Layout.N, r.Happy)
	}
	for _, e := range r.Explain {
		if e.Name == "friend0" && (e.Free != -1 || !e.Chosen || !strings.HasPrefix(e.Why, "takes it; it didn't say")) {
			t.Errorf("%+v", e)
		}
	}
}

// TestShortEverywhere: the error has each host's numbers and the smallest cure,
// and a change at a host counts at once.
func TestShortEverywhere(t *testing.T) {
	c := newCircle(t, 4)
	data, o := content(9000), files.PutOptions{K: 2, N: 4, Happy: 3}
	c.hosts[0].credit, c.hosts[1].credit, c.hosts[2].credit = 100, 300, 200
	_, err := c.files.Put(t.Context(), files.FromBytes("x", data), o, nil)
	var spread *files.SpreadError
	if !errors.As(err, &spread) || spread.Wanted != 3 || spread.Found != 1 || len(spread.Reasons) != 3 {
		t.Fatalf("got %v", err)
	}
	host, cure, ok := spread.BestCure()
	if !ok || host.Name != "friend1" || cure.Kind != potluck.CureHold || cure.Bytes != host.Refusal.Asked-300 {
		t.Errorf("best cure %+v at %s", cure, host.Name)
	}
	for _, want := range []string{"only 1 can take a share", "friend0: no credit: 100 B free, a share needs ", "; cure: hold ", " more for friend1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	if strings.Count(err.Error(), "cure") != 1 {
		t.Errorf("more than one cure: %v", err)
	}
	for _, h := range c.hosts {
		if h.held() != 0 || h.asked.Load() != 0 {
			t.Errorf("%s was asked %d times, keeps %d", h.name, h.asked.Load(), h.held())
		}
	}
	for _, h := range c.hosts[:3] { // their operators are generous now
		h.mu.Lock()
		h.credit = 0
		h.mu.Unlock()
	}
	if r := c.put(data, o); r.Happy != 4 {
		t.Errorf("happy %d, want 4", r.Happy)
	}
}

// TestNobodyHasCredit: without numbers the error speaks of the layout that was
// wished for.
func TestNobodyHasCredit(t *testing.T) {
	c := newCircle(t, 4)
	for _, h := range c.hosts {
		h.credit = 10
	}
	_, err := c.files.Put(t.Context(), files.FromBytes("x", content(9000)), files.PutOptions{}, nil)
	var spread *files.SpreadError
	if !errors.As(err, &spread) || spread.Found != 0 || spread.N != 4 || len(spread.Reasons) != 4 ||
		!strings.HasPrefix(err.Error(), "nobody can take a share of it; friend0: no credit: 10 B free, a share needs 4.") {
		t.Fatalf("got %v", err)
	}
}

// TestRepeatedPutNeedsNoCredit: what lies at hosts, or has its room there, is
// found again when the credit is used up by it.
func TestRepeatedPutNeedsNoCredit(t *testing.T) {
	for _, cut := range []bool{false, true} {
		c := newCircle(t, 5)
		size := potluck.Size(2_000_000)
		data := content(int(size))
		c.hosts[0].credit = 1
		for _, h := range c.hosts[1:] { // 2-of-4, as four have credit
			h.lend(t, 1, 2, 4, size)
		}
		ctx, cancel := context.WithCancel(t.Context())
		first, err := c.files.Put(ctx, files.FromBytes("x", data), files.PutOptions{}, func(p files.Progress) {
			if cut && p.Stage == "sending" && p.Done > p.Total/2 {
				cancel()
			}
		})
		if cut != errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
		for _, h := range c.hosts {
			for h.busy() {
				<-time.After(time.Millisecond)
			}
		}
		c.restart() // no quote is remembered
		second := c.put(data, files.PutOptions{Explain: true})
		if second.Layout.N != 4 || second.Happy != 4 || !cut && (second.Cap != first.Cap || second.Sent != 0 || second.Reused != 4) {
			t.Errorf("cut off %v: second put %d-of-%d, happy %d, sent %d, reused %d", cut, second.Layout.K, second.Layout.N, second.Happy, second.Sent, second.Reused)
		}
		for _, e := range second.Explain[:4] {
			if !e.Chosen || e.Why != "holds it already" && (!cut || e.Why != "had room reserved for it already") {
				t.Errorf("cut off %v: %+v", cut, e)
			}
		}
	}
}

// TestHouseholdsArePlaces: two hosts of one household take one share, and count
// once; where only they are left, they aren't enough.
func TestHouseholdsArePlaces(t *testing.T) {
	c := newCircle(t, 5)
	c.books.places[0].Household, c.books.places[1].Household = "home", "home"
	size := potluck.Size(9000)
	c.hosts[0].lend(t, 100, 1, 1, size)
	c.hosts[1].lend(t, 200, 1, 1, size)
	data := content(int(size))
	r := c.put(data, files.PutOptions{Explain: true})
	if r.Layout.N != 4 || r.Happy != 4 {
		t.Fatalf("%d-of-%d at %d places, want 4 shares at 4", r.Layout.K, r.Layout.N, r.Happy)
	}
	last := r.Explain[4]
	if last.Name != "friend0" || last.Chosen || last.Why != "same household as friend1" || last.Household != "home" {
		t.Errorf("passed over: %+v, want friend0, which has less free than friend1", last)
	}
	w, err := c.files.Where(t.Context(), mustParse(t, r.Cap))
	if err != nil || w.Survives != 2 {
		t.Errorf("survives %d, %v; want 2 of 4", w.Survives, err)
	}
	if r := c.put(data, files.PutOptions{K: 2, N: 5}); r.Happy != 4 || r.Behind != 0 {
		t.Errorf("five shares at four places: happy %d, %d behind", r.Happy, r.Behind)
	}
	_, err = c.files.Put(t.Context(), files.FromBytes("x", data), files.PutOptions{N: 5, Happy: 5}, nil)
	var spread *files.SpreadError
	if !errors.As(err, &spread) || spread.Found != 4 || !strings.Contains(err.Error(), "same household as friend") {
		t.Errorf("five places of four: %v", err)
	}
}
