package node

import (
	"os"
	"testing"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
)

// TestOwnersAwayAreToldWhenTheyCome: what was found while an owner was away, also
// by an earlier life of the host.
func TestOwnersAwayAreToldWhenTheyCome(t *testing.T) {
	ownerConfig, hostConfig := config(t, "owner"), config(t, "host")
	owner, stopOwner := start(t, ownerConfig)
	host, stopHost := start(t, hostConfig)
	befriend(t, host, owner)
	store(t, owner, host, 1000)
	id := placedOf(t, owner, host).Share
	stopOwner()
	must(t, os.Remove(fileOf(host, id)))
	if r := crawled(t, host, false); r.Lost != 1 {
		t.Fatalf("crawl: %+v", r)
	}
	stopHost()
	host, _ = start(t, hostConfig)
	owner, _ = start(t, ownerConfig)
	must(t, owner.host.Connect(t.Context(), host.self, host.host.Addrs())) // both listen elsewhere now
	eventually(t, "the owner knows", func() bool { return placedOf(t, owner, host).State == ledger.PlacedLost })
	eventually(t, "nothing is due any more", func() bool {
		host.losses.mu.Lock()
		defer host.losses.mu.Unlock()
		return len(host.losses.due) == 0
	})
}

// TestLossesOfOthersCountForNothing: a host speaks of what is placed with it, and
// of nothing else; what it says twice counts once.
func TestLossesOfOthersCountForNothing(t *testing.T) {
	owner, host := pair(t)
	liar, _ := start(t, config(t, "liar"))
	befriend(t, liar, owner)
	store(t, owner, host, 1000)
	id := placedOf(t, owner, host).Share
	say := func(n *Node, r p2p.LossRequest) int64 {
		t.Helper()
		a, err := n.host.Loss(t.Context(), owner.self, r)
		if err != nil {
			t.Fatalf("loss: %v", err)
		}
		return a.Marked
	}
	unknown := potluck.ShareID{Index: potluck.StorageIndex{1, 2, 3}}
	if got := say(liar, p2p.LossRequest{Lost: []potluck.ShareID{id}}); got != 0 || placedOf(t, owner, host).State != ledger.PlacedStable {
		t.Fatalf("another's word marked %d", got)
	}
	if got := say(host, p2p.LossRequest{Corrupt: []potluck.ShareID{unknown}}); got != 0 {
		t.Fatalf("an unknown share marked %d", got)
	}
	if got := say(host, p2p.LossRequest{Corrupt: []potluck.ShareID{id}}); got != 1 || placedOf(t, owner, host).State != ledger.PlacedLost {
		t.Fatalf("the host's word marked %d, want 1", got)
	}
	if got := say(host, p2p.LossRequest{Lost: []potluck.ShareID{id}}); got != 0 {
		t.Fatalf("said again it marked %d", got)
	}
	clean(t, owner)
}

// TestCancelledLossesArentTold: an owner isn't told of what it gave up.
func TestCancelledLossesArentTold(t *testing.T) {
	owner, host := pair(t)
	a, b := makeContent(t, 100), makeContent(t, 100)
	a.put(t, owner, host)
	b.put(t, owner, host)
	for _, c := range []content{a, b} {
		must(t, host.book.MarkShare(t.Context(), c.id(), ledger.ShareLost, "for the test"))
	}
	_, err := owner.host.Cancel(t.Context(), host.self, p2p.CancelRequest{Shares: []potluck.ShareID{a.id()}})
	must(t, err)
	r, err := host.losses.request(t.Context(), owner.self, []potluck.ShareID{a.id(), b.id()})
	if err != nil || len(r.Lost) != 1 || r.Lost[0] != b.id() {
		t.Fatalf("told is %+v, %v, want the share that is leased still", r, err)
	}
}
