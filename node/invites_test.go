package node

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"potluck/files"
	"potluck/ledger"
	"potluck/p2p"
)

func TestInviteAndJoin(t *testing.T) {
	alice, _ := start(t, config(t, "alice"))
	bob, _ := start(t, config(t, "bob"))
	gift := ledger.Terms{RatioPPM: 500_000, Gift: 7 << 20}
	back := ledger.Terms{RatioPPM: 1, Opening: 5}
	i, err := alice.Invite(t.Context(), InviteRequest{Name: "bobby", Terms: &gift})
	if err != nil || i.State != "live" || i.Link == "" {
		t.Fatalf("invite: %+v, %v", i, err)
	}
	dry, err := bob.Join(t.Context(), JoinRequest{Link: i.Link, Terms: &back, DryRun: true})
	if err != nil || dry.Name != "alice" || dry.Terms != gift || dry.Granted != back || dry.Peer != alice.self {
		t.Fatalf("dry run: %+v, %v", dry, err)
	}
	if fs, err := bob.Friends(t.Context()); err != nil || len(fs) != 0 {
		t.Fatalf("a dry run made friends: %+v, %v", fs, err)
	}
	if _, err := bob.Join(t.Context(), JoinRequest{Link: i.Link, Terms: &back}); err != nil {
		t.Fatal(err)
	}
	for _, side := range []struct {
		n             *Node
		name          string
		terms, theirs ledger.Terms
	}{{alice, "bobby", gift, back}, {bob, "alice", back, gift}} {
		fs, err := side.n.Friends(t.Context())
		if err != nil || len(fs) != 1 {
			t.Fatalf("%+v, %v", fs, err)
		}
		f := fs[0]
		if f.Name != side.name || f.Terms != side.terms || f.Theirs != side.theirs || !f.Friend || !f.Connected || len(f.Addrs) == 0 {
			t.Errorf("%s sees %+v", side.n.config.Name, f)
		}
	}
	if all, err := alice.Invites(t.Context()); err != nil || len(all) != 1 || all[0].State != "used" || all[0].UsedBy != bob.self || all[0].Link != "" {
		t.Errorf("invites: %+v, %v", all, err)
	}
	// Repeated by the same peer it changes nothing.
	if _, err := bob.Join(t.Context(), JoinRequest{Link: i.Link, Terms: &back}); err != nil {
		t.Errorf("join again: %v", err)
	}
	carol, _ := start(t, config(t, "carol"))
	if _, err := alice.Invite(t.Context(), InviteRequest{}); err != nil { // so that carol is heard at all
		t.Fatal(err)
	}
	if _, err := carol.Join(t.Context(), JoinRequest{Link: i.Link}); !errors.Is(err, &p2p.Error{Code: p2p.CodeInviteUsed}) {
		t.Errorf("join by a used invite: %v", err)
	}
}

func TestJoinHealsAfterADeathBetweenTheSides(t *testing.T) {
	alice, _ := start(t, config(t, "alice"))
	bob, _ := start(t, config(t, "bob"))
	i, err := alice.Invite(t.Context(), InviteRequest{})
	if err != nil {
		t.Fatal(err)
	}
	link, err := p2p.ParseInvite(i.Link)
	if err != nil {
		t.Fatal(err)
	}
	// Bob asks, alice accepts, and bob dies before it has written it down.
	leave := bob.gate.join(alice.self)
	if err := bob.host.Connect(t.Context(), alice.self, link.Addrs); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.host.Join(t.Context(), alice.self, p2p.JoinRequest{Invite: link.ID(), Proof: link.Proof(bob.self), Name: "bob"}); err != nil {
		t.Fatal(err)
	}
	leave()
	if _, err := bob.Join(t.Context(), JoinRequest{Link: i.Link}); err != nil {
		t.Fatalf("join again: %v", err)
	}
	makeContent(t, 10).put(t, alice, bob)
	makeContent(t, 10).put(t, bob, alice)
}

func TestInviteIsUsedOnce(t *testing.T) {
	alice, _ := start(t, config(t, "alice"))
	i, err := alice.Invite(t.Context(), InviteRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	joined := 0
	for _, name := range []string{"bob", "carol", "dave"} {
		n, _ := start(t, config(t, name))
		wg.Go(func() {
			if _, err := n.Join(t.Context(), JoinRequest{Link: i.Link}); err == nil {
				mu.Lock()
				joined++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	fs, err := alice.Friends(t.Context())
	if joined != 1 || err != nil || len(fs) != 1 {
		t.Fatalf("%d joined, alice has %d friends, %v", joined, len(fs), err)
	}
}

func TestInvitesThatAreNotGood(t *testing.T) {
	var time clock
	c := config(t, "alice")
	c.Clock = time.now
	alice, _ := start(t, c)
	bob, _ := start(t, config(t, "bob"))
	if _, err := alice.Invite(t.Context(), InviteRequest{Name: "keeps the gate open", ExpiresSeconds: 9000}); err != nil {
		t.Fatal(err)
	}
	make := func(seconds int64) (Invite, p2p.Invite) {
		i, err := alice.Invite(t.Context(), InviteRequest{ExpiresSeconds: seconds})
		if err != nil {
			t.Fatal(err)
		}
		link, err := p2p.ParseInvite(i.Link)
		if err != nil {
			t.Fatal(err)
		}
		return i, link
	}
	wantCode := func(link p2p.Invite, code p2p.Code) {
		t.Helper()
		_, err := bob.Join(t.Context(), JoinRequest{Link: link.Text()})
		if !errors.Is(err, &p2p.Error{Code: code}) {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	revoked, link := make(600)
	if err := alice.Revoke(t.Context(), revoked.ID[:8]); err != nil {
		t.Fatal(err)
	}
	wantCode(link, p2p.CodeInviteRevoked)
	_, link = make(600)
	link.Secret[0] ^= 1 // another secret is another invite
	wantCode(link, p2p.CodeNoSuchInvite)
	_, link = make(60)
	time.forward(61e9)
	link.Expires += 3600 // a joiner with another clock, or a forged date
	wantCode(link, p2p.CodeInviteExpired)
	link.Expires = 1
	wantCode(link, p2p.CodeInviteExpired)
	if fs, err := alice.Friends(t.Context()); err != nil || len(fs) != 0 {
		t.Errorf("alice has friends: %+v, %v", fs, err)
	}
}

func TestForgedProof(t *testing.T) {
	alice, _ := start(t, config(t, "alice"))
	bob, _ := start(t, config(t, "bob"))
	i, err := alice.Invite(t.Context(), InviteRequest{})
	if err != nil {
		t.Fatal(err)
	}
	link, err := p2p.ParseInvite(i.Link)
	if err != nil {
		t.Fatal(err)
	}
	defer bob.gate.join(alice.self)()
	if err := bob.host.Connect(t.Context(), alice.self, link.Addrs); err != nil {
		t.Fatal(err)
	}
	// A proof for somebody else, as one who saw it go by would have it.
	_, err = bob.host.Join(t.Context(), alice.self, p2p.JoinRequest{Invite: link.ID(), Proof: link.Proof(alice.self), Name: "bob"})
	if !errors.Is(err, &p2p.Error{Code: p2p.CodeNoSuchInvite}) {
		t.Fatalf("a forged proof: %v", err)
	}
	if _, err := bob.Join(t.Context(), JoinRequest{Link: i.Link}); err != nil {
		t.Fatalf("the invite was spent by a forgery: %v", err)
	}
}

func TestInviteMistakes(t *testing.T) {
	alice, _ := start(t, config(t, "alice"))
	i, err := alice.Invite(t.Context(), InviteRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var usage *files.UsageError
	for name, err := range map[string]error{
		"own":      second(alice.Join(t.Context(), JoinRequest{Link: i.Link})),
		"cut":      second(alice.Join(t.Context(), JoinRequest{Link: i.Link[:len(i.Link)-3]})),
		"name":     second(alice.Invite(t.Context(), InviteRequest{Name: "a\nb"})),
		"negative": second(alice.Invite(t.Context(), InviteRequest{ExpiresSeconds: -1})),
		"long":     second(alice.Invite(t.Context(), InviteRequest{ExpiresSeconds: int64(maxInvite/time.Second) + 1})),
		"terms":    second(alice.Invite(t.Context(), InviteRequest{Terms: &ledger.Terms{Gift: -1}})),
	} {
		if !errors.As(err, &usage) {
			t.Errorf("%s: %v, want a usage error", name, err)
		}
	}
	var missing *NotFoundError
	if err := alice.Revoke(t.Context(), "ffff"); !errors.As(err, &missing) {
		t.Errorf("revoke what isn't there: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestStrangersGetNothing(t *testing.T) {
	alice, _ := start(t, config(t, "alice"))
	bob, _ := start(t, config(t, "bob"))
	defer bob.gate.join(alice.self)()
	addrs := alice.host.Addrs()
	ask := func() error {
		if err := bob.host.Connect(t.Context(), alice.self, addrs); err != nil {
			return err
		}
		_, err := bob.host.Quote(t.Context(), alice.self, p2p.QuoteRequest{Bytes: 1})
		return err
	}
	if err := ask(); err == nil {
		t.Error("a stranger was answered")
	}
	if _, err := alice.Invite(t.Context(), InviteRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := ask(); err == nil {
		t.Error("a stranger was answered while an invite is live")
	}
}

func TestUnfriendedIsOut(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 100)
	c.put(t, owner, host)
	a, err := host.Resolve(t.Context(), "owner")
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Unfriend(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.host.Quote(t.Context(), host.self, p2p.QuoteRequest{Bytes: 1}); err == nil {
		t.Fatal("who is no friend any more was answered")
	}
	fs, err := host.Friends(t.Context())
	if err != nil || len(fs) != 1 || fs[0].Friend || fs[0].IHold.Shares != 1 || fs[0].Free != 0 {
		t.Fatalf("%+v, %v", fs, err)
	}
	w, err := host.Who(t.Context())
	if err != nil || !strings.Contains(w.Rows[0].Reason, "no friend any more") {
		t.Fatalf("%+v, %v", w, err)
	}
	e, err := host.Evict(t.Context(), a, false)
	if err != nil || e.Freed != fs[0].IHold.Bytes || e.Shares != 1 {
		t.Fatalf("evict: %+v, %v", e, err)
	}
	if r := clean(t, host); r.Store.Shares != 0 {
		t.Fatalf("bytes are left: %+v", r)
	}
}
