package node

import (
	"testing"
	"time"

	"potluck"
	"potluck/ledger"
	"potluck/shares"
)

func TestHeartbeatKeepsLeases(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 10)
	c.put(t, owner, host)
	err := owner.book.Place(t.Context(), []ledger.Placement{{Share: c.id(), Host: host.self, Layout: c.layout,
		Charge: shares.Charge(c.layout), Root: c.root, Manifest: shares.Sum(c.manifest), Placed: time.Now().Unix(), State: ledger.PlacedStable}})
	if err != nil {
		t.Fatal(err)
	}
	until := func() int64 {
		a, err := host.book.Account(t.Context(), owner.self)
		if err != nil {
			t.Fatal(err)
		}
		return a.LeasesUntil
	}
	if until() != 0 {
		t.Fatalf("leases end at %d before any heartbeat", until())
	}
	if err := owner.tend.renewing.TriggerWait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := time.Until(time.Unix(until(), 0)); left < defaultLease-time.Hour || left > defaultLease {
		t.Fatalf("leases last for %v after a heartbeat, want %v", left, defaultLease)
	}
}

func TestLeasesGetGraceAtTheStart(t *testing.T) {
	owner, _ := start(t, config(t, "owner"))
	var at clock
	conf := config(t, "host")
	conf.Clock = at.now
	host, stop := start(t, conf)
	befriend(t, host, owner)
	c := makeContent(t, 10)
	c.put(t, owner, host)
	if _, err := host.book.Renew(t.Context(), owner.self, at.now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	stop()
	at.forward(100 * time.Hour) // the host was off when the lease ended
	host, _ = start(t, conf)
	for range 2 {
		if err := host.tend.sweeping.TriggerWait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantHeld(t, host, owner, shares.Charge(c.layout), 0)
	for range 100 { // and nobody renews: hour by hour, so that no clock jumps
		at.forward(59 * time.Minute)
		if err := host.tend.sweeping.TriggerWait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantHeld(t, host, owner, 0, 0)
	if r := clean(t, host); r.Store.Shares != 0 {
		t.Fatalf("an ended lease left bytes: %+v", r)
	}
}

func TestSlowUploadKeepsItsReservation(t *testing.T) {
	owner, _ := start(t, config(t, "owner"))
	var at clock
	conf := config(t, "host")
	conf.Clock = at.now
	host, _ := start(t, conf)
	befriend(t, host, owner)
	c := makeContent(t, 4<<20)
	if _, err := c.allocate(t.Context(), owner, host); err != nil {
		t.Fatal(err)
	}
	w, err := c.begin(t.Context(), owner, host, 0)
	if err != nil {
		t.Fatal(err)
	}
	for off := 0; off < len(c.data); off += 1 << 20 {
		if _, err := w.Write(c.data[off : off+1<<20]); err != nil {
			t.Fatal(err)
		}
		at.forward(40 * time.Minute) // of an hour
	}
	for _, part := range [][]byte{c.manifest, c.crosscheck} {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := host.tend.sweeping.TriggerWait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantHeld(t, host, owner, shares.Charge(c.layout), potluck.Size(0))
	clean(t, host)
}

func TestPutsThatWereCutOffAreGivenUp(t *testing.T) {
	var at clock
	conf := config(t, "owner")
	conf.Clock = at.now
	owner, stop := start(t, conf)
	host, _ := start(t, config(t, "host"))
	befriend(t, host, owner)
	c := makeContent(t, 10)
	c.put(t, owner, host) // the host has committed, the owner dies before it notes the receipt
	err := owner.book.Place(t.Context(), []ledger.Placement{{Share: c.id(), Host: host.self, Layout: c.layout,
		Charge: shares.Charge(c.layout), Placed: time.Now().Unix(), State: ledger.PlacedComing}})
	if err != nil {
		t.Fatal(err)
	}
	stop()
	owner, _ = start(t, conf)
	if err := owner.host.Connect(t.Context(), host.self, host.host.Addrs()); err != nil {
		t.Fatal(err)
	}
	sweep := func() {
		t.Helper()
		if err := owner.tend.sweeping.TriggerWait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	wantHeld(t, host, owner, shares.Charge(c.layout), 0) // a repeated put could still use it
	at.forward(conf.Coming + defaultComing + 2*time.Second)
	owner.putting.RLock()
	sweep() // one is running
	wantHeld(t, host, owner, shares.Charge(c.layout), 0)
	owner.putting.RUnlock()
	sweep()
	eventually(t, "the host is told", func() bool { // by the sweep, or by who just talks with it
		u, err := host.book.Usage(t.Context(), owner.self)
		return err == nil && u.Held == 0 && u.Reserved == 0
	})
	eventually(t, "the owner's books let go", func() bool {
		rows, err := owner.book.Placements(t.Context(), c.index)
		return err == nil && len(rows) == 0
	})
	if rows, err := owner.book.Placements(t.Context(), c.index); err != nil || len(rows) != 0 {
		t.Fatalf("the owner's books still have %+v, %v", rows, err)
	}
}
