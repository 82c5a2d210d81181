package node

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// proofs counts the proofs of conflict in a node's books.
func proofs(t *testing.T, n *Node) (count int) {
	t.Helper()
	err := n.book.Documents(t.Context(), signed.KindConflict, func(ledger.DocumentRow) error { count++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// An owner that lowers a statement while its host proposes the next one signs
// no number twice.
func TestOwnerSignsNoNumberTwice(t *testing.T) {
	owner, host := pair(t)
	for range 8 {
		store(t, owner, host, 100<<10)
	}
	turn(t, host)
	owner.count.cycle.Pause()
	host.count.cycle.Pause()
	var placed []potluck.ShareID
	err := owner.book.PlacementsAt(t.Context(), host.self, func(p ledger.Placement) error { placed = append(placed, p.Share); return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range placed[1:] {
		if err := owner.book.Mark(t.Context(), host.self, []potluck.ShareID{id}, ledger.PlacedLost, "test"); err != nil {
			t.Fatal(err)
		}
		_, number, err := owner.newest(t.Context(), host.self, owner.self)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := owner.book.Summary(t.Context(), host.self, owner.self)
		if err != nil {
			t.Fatal(err)
		}
		s := signed.Statement{Host: host.self, Owner: owner.self, Number: number + 1, Time: host.config.Clock().Unix() + 1, Bytes: sum.Bytes, Shares: sum.Shares, Digest: sum.Digest}
		sealed, err := signed.SealStatement(host.keep.key, s)
		if err != nil {
			t.Fatal(err)
		}
		var g sync.WaitGroup
		g.Go(func() {
			if err := owner.count.lower(t.Context(), host.self); err != nil {
				t.Error(err)
			}
		})
		g.Go(func() {
			_, err := (*clerk)(owner).Propose(t.Context(), host.self, p2p.StatementRequest{Sealed: sealed})
			if code := p2p.CodeOf(err); err != nil && code != p2p.CodeConflict && code != p2p.CodeBusy {
				t.Error(err)
			}
		})
		g.Wait()
	}
	if n := proofs(t, owner); n != 0 {
		t.Errorf("the owner's books have %d proofs against an honest node", n)
	}
}

// A host can't use up the numbers, by which its owner couldn't lower the figure.
func TestHostCantUseUpNumbers(t *testing.T) {
	owner, host := pair(t)
	host.count.cycle.Pause()
	store(t, owner, host, 100<<10)
	sum, err := owner.book.Summary(t.Context(), host.self, owner.self)
	if err != nil {
		t.Fatal(err)
	}
	s := signed.Statement{Host: host.self, Owner: owner.self, Number: signed.MaxNumber, Time: host.config.Clock().Unix(), Bytes: sum.Bytes, Shares: sum.Shares, Digest: sum.Digest}
	sealed, err := signed.SealStatement(host.keep.key, s)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := host.host.Propose(t.Context(), owner.self, p2p.StatementRequest{Sealed: sealed}); p2p.CodeOf(err) != p2p.CodeBadRequest {
		t.Errorf("%+v, %v", a, err)
	}
}

// What a host proposes has a number of its own, whatever became of what it
// proposed before, also in an earlier life: two of one number would look like a
// contradiction.
func TestHostProposesNoNumberTwice(t *testing.T) {
	owner, _ := start(t, config(t, "owner"))
	c := config(t, "host")
	host, stop := start(t, c)
	befriend(t, host, owner)
	makeContent(t, 100<<10).put(t, owner, host) // the owner doesn't know of it, and won't sign
	last := uint64(0)
	for range 3 {
		turn(t, host)
		before, err := host.book.LastEvent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := host.count.propose(t.Context(), owner.self); err != nil {
			t.Fatal(err)
		}
		row, err := host.book.Document(t.Context(), signed.KindStatement, host.self, owner.self)
		if err != nil || row.ByHost == nil {
			t.Fatalf("%+v, %v", row, err)
		}
		s, _, _, err := row.ByHost.Statement()
		if err != nil || s.Number <= last || s.Bytes == 0 {
			t.Fatalf("%+v after number %d, %v", s, last, err)
		}
		last = s.Number
		noted, err := host.book.Events(t.Context(), before.Seq, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range noted {
			if e.Kind != ledger.KindKeepsake { // the owner's own come when they come
				t.Errorf("an attempt is in the events: %+v", e)
			}
		}
		stop()
		host, stop = start(t, c)
		befriend(t, host, owner)
	}
	if n := proofs(t, host) + proofs(t, owner); n != 0 {
		t.Errorf("%d proofs against an honest node", n)
	}
}

// Who doesn't want to hear a notice is told nevertheless, after a day.
func TestDeafPeersClimb(t *testing.T) {
	l := newLadder(t, nil)
	terms(t, l.host, l.owner, ledger.Terms{})
	deaf(l.owner, l.host.self)
	turn(t, l.host)
	if s := account(t, l.host, l.owner).Standing; s.Step != credit.StepReminded || told(s) {
		t.Fatalf("%+v, want reminded and not told", s)
	}
	l.clock.forward(4 * aDay)
	for range 2 {
		if _, err := l.owner.host.Renew(t.Context(), l.host.self, p2p.RenewRequest{Until: l.clock.now().Add(60 * aDay).Unix()}); err != nil {
			t.Fatal(err)
		}
		turn(t, l.host)
	}
	if s := account(t, l.host, l.owner).Standing; s.Step != credit.StepSlowed {
		t.Fatalf("%+v, want slowed", s)
	}
}

// deaf makes a node refuse all that a peer asks of its clerk.
func deaf(n *Node, p peer.ID) {
	n.paced.notices.mu.Lock()
	defer n.paced.notices.mu.Unlock()
	n.paced.notices.from, n.paced.notices.of = time.Now(), map[peer.ID]int{p: paceNotices}
}

// Strangers that bring strangers leave room for those to whom friends point.
func TestStrangersLeaveRoomForFriends(t *testing.T) {
	w := newThree(t)
	id := func(i int) (crypto.PrivKey, peer.ID) {
		seed := sha256.Sum256(fmt.Append(nil, i))
		key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
		if err != nil {
			t.Fatal(err)
		}
		p, err := peer.IDFromPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return key, p
	}
	var g errgroup.Group
	g.SetLimit(64)
	for i := range maxStrange {
		_, p := id(i)
		g.Go(func() error { return w.host.book.Know(t.Context(), p, "", nil) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	key, stranger := id(maxStrange)
	now := w.clock.now().Unix()
	sealed, err := signed.SealOrder(key, signed.Order{Issuer: stranger, Number: 1, NotBefore: now, Expires: now + 1000,
		Pointers: []signed.Pointer{{To: w.host.self, Host: w.issuer.self, Limit: 1, SharePPM: signed.NoShare}}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := signed.Single(signed.KindOrder, sealed).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got := bring(t, w.issuer, w.host, raw); got != p2p.DeliveredUnknownIssuer {
		t.Errorf("the order of one stranger too many: %d", got)
	}
	w.point(t, potluck.MiB)
	w.free(t, potluck.MiB)
}
