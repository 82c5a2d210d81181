package node

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// leave is an owner, a host and a friend that may repair a file of the owner.
type leave struct {
	owner, host, friend *Node
	hostConfig          Config
	stopOwner, stopHost func()
	cap                 caps.Cap
	file                caps.Verify
	sealed              []byte // the friend's authority
}

func newLeave(t *testing.T) *leave {
	t.Helper()
	l := &leave{hostConfig: config(t, "host")}
	l.owner, l.stopOwner = start(t, config(t, "owner"))
	l.friend, _ = start(t, config(t, "friend"))
	l.host, l.stopHost = start(t, l.hostConfig)
	befriend(t, l.host, l.owner)
	befriend(t, l.friend, l.owner)
	befriend(t, l.host, l.friend)
	l.cap, _ = store(t, l.owner, l.host, 100<<10)
	l.file, _ = files.VerifyCap(l.cap)
	l.authorize(t)
	return l
}

func (l *leave) authorize(t *testing.T) {
	t.Helper()
	if _, err := l.owner.Authorize(t.Context(), account(t, l.owner, l.friend), l.cap, 30*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	a := l.friend.authorities.of(l.file.Index, l.friend.config.Clock().Unix())
	if a == nil {
		t.Fatal("the friend has no authority")
	}
	l.sealed = a.sealed
}

// allowed tells whether the host takes shares that the friend brings in the owner's
// name.
func (l *leave) allowed(t *testing.T) bool {
	t.Helper()
	_, err := l.friend.host.Allocate(t.Context(), l.host.self, p2p.AllocateRequest{Index: l.file.Index, Layout: l.file.Layout,
		Numbers: []potluck.ShareNumber{0}, Authority: l.sealed})
	if err != nil && p2p.CodeOf(err) != p2p.CodeBadRequest {
		t.Fatal(err)
	}
	_, write := l.host.keep.Write(t.Context(), l.friend.self, p2p.WriteRequest{Index: l.file.Index, Layout: l.file.Layout, Authority: l.sealed}, strings.NewReader(""))
	if refused := p2p.CodeOf(write) == p2p.CodeBadRequest; err != nil && !refused {
		t.Errorf("an allocation is refused, a write gives %v", write)
	}
	return err == nil
}

func (l *leave) revoke(t *testing.T, c caps.Cap) {
	t.Helper()
	if _, err := l.owner.RevokeAuthority(t.Context(), account(t, l.owner, l.friend), c); err != nil {
		t.Fatal(err)
	}
}

// What was taken back holds at no host any more, whatever the friend keeps; a new
// one does.
func TestRevokedAuthority(t *testing.T) {
	for name, all := range map[string]bool{"one file": false, "all": true} {
		t.Run(name, func(t *testing.T) {
			l := newLeave(t)
			if !l.allowed(t) {
				t.Fatal("the host doesn't take what it may")
			}
			c := l.cap
			if all {
				c = nil
			}
			l.revoke(t, c)
			eventually(t, "the host learns of it", func() bool { return !l.allowed(t) })
			eventually(t, "the friend drops it", func() bool {
				return l.friend.authorities.of(l.file.Index, l.friend.config.Clock().Unix()) == nil
			})
			raw, err := signed.Single(signed.KindAuthority, l.sealed).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if got := bring(t, l.owner, l.friend, raw); got != p2p.DeliveredStale {
				t.Errorf("the old one, brought again: %d, want stale", got)
			}
			l.authorize(t)
			if !l.allowed(t) {
				t.Error("one that was given later is taken back too")
			}
			l.revoke(t, l.cap)
			eventually(t, "the host learns of the second", func() bool { return !l.allowed(t) })
		})
	}
}

// An authority is taken back though the owner's clock was set back since it was given.
func TestRevokedUnderAClockThatWasSetBack(t *testing.T) {
	var ahead atomic.Int64
	c := config(t, "owner")
	c.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	owner, _ := start(t, c)
	friend, _ := start(t, config(t, "friend"))
	befriend(t, friend, owner)
	cp, _ := store(t, owner, friend, 100<<10)
	file, _ := files.VerifyCap(cp)
	for _, minutes := range []time.Duration{5, 0, -5} { // each is given while the clock shows more than when it is taken back
		ahead.Store(int64(minutes * time.Minute))
		if _, err := owner.Authorize(t.Context(), account(t, owner, friend), cp, 30*24*time.Hour); err != nil {
			t.Fatal(err)
		}
		a := friend.authorities.of(file.Index, time.Now().Unix())
		if a == nil {
			t.Fatal("the friend has no authority")
		}
		ahead.Store(int64((minutes - 5) * time.Minute))
		if _, err := owner.RevokeAuthority(t.Context(), account(t, owner, friend), cp); err != nil {
			t.Fatal(err)
		}
		if revoked, err := owner.book.Revoked(t.Context(), a.Authority); err != nil || !revoked {
			t.Errorf("%d minutes ahead: authority %d is taken back %v, %v", minutes, a.Number, revoked, err)
		}
		eventually(t, "the friend drops it", func() bool { return friend.authorities.of(file.Index, time.Now().Unix()) == nil })
	}
}

// A host that was away learns of it when it comes, and knows it after the next
// start, when the owner is gone.
func TestRevokedWhileTheHostWasAway(t *testing.T) {
	l := newLeave(t)
	l.stopHost()
	l.revoke(t, l.cap)
	l.host, l.stopHost = start(t, l.hostConfig)
	eventually(t, "the host learns of it", func() bool {
		if !l.friend.host.Connected(l.host.self) {
			reunite(t, l.friend, l.host)
		}
		return !l.allowed(t)
	})
	l.stopOwner()
	l.stopHost()
	l.host, l.stopHost = start(t, l.hostConfig)
	reunite(t, l.friend, l.host)
	if l.allowed(t) {
		t.Error("the host forgot it")
	}
}

// The owner is gone when the host comes back: a friend of both tells it, though the
// one that loses by it doesn't.
func TestRevocationComesByAFriend(t *testing.T) {
	l := newLeave(t)
	other, _ := start(t, config(t, "other"))
	befriend(t, other, l.owner)
	befriend(t, other, l.host)
	l.stopHost()
	l.revoke(t, l.cap)
	eventually(t, "the friend of both knows", func() bool {
		a, err := signed.OpenAuthority(l.sealed)
		if err != nil {
			t.Fatal(err)
		}
		revoked, err := other.book.Revoked(t.Context(), a)
		return err == nil && revoked
	})
	l.stopOwner()
	l.host, _ = start(t, l.hostConfig)
	reunite(t, other, l.host)
	reunite(t, l.friend, l.host)
	eventually(t, "the host learns of it", func() bool { return !l.allowed(t) })
}

// Nobody takes back but who gave: another's revocation, an older one, and one for
// another node change nothing.
func TestOthersRevokeNothing(t *testing.T) {
	l := newLeave(t)
	now := l.owner.config.Clock()
	about := signed.Revoked{About: signed.SubjectOf(l.owner.self, l.friend.self, l.file.Index), UpTo: uint64(now.UnixMilli()) + 1000}
	seal := func(n *Node, r signed.Revocation) []byte {
		t.Helper()
		sealed, err := signed.SealRevocation(n.keep.key, r)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := signed.Single(signed.KindRevocation, sealed).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	empty := signed.Revocation{Owner: l.owner.self, Number: 7, Time: now.Unix()}
	replay := signed.Revocation{Owner: l.owner.self, Number: 6, Time: now.Unix()}.With(about)
	for _, x := range []struct {
		what string
		raw  []byte
		want uint8
	}{
		{"signed by another", seal(l.friend, signed.Revocation{Owner: l.friend.self, Number: 1, Time: now.Unix()}.With(about)), p2p.DeliveredNew},
		{"of a time to come", seal(l.owner, signed.Revocation{Owner: l.owner.self, Number: 9, Time: now.Unix() + 5000}.With(about)), p2p.DeliveredInvalid},
		{"empty", seal(l.owner, empty), p2p.DeliveredNew},
		{"with a lower number", seal(l.owner, replay), p2p.DeliveredStale},
	} {
		if got := bring(t, l.friend, l.host, x.raw); got != x.want {
			t.Errorf("%s: %d, want %d", x.what, got, x.want)
		}
		if !l.allowed(t) {
			t.Fatalf("%s: it took the authority back", x.what)
		}
	}
	other := empty
	other.Time--
	if got := bring(t, l.friend, l.host, seal(l.owner, other.With(about))); got != p2p.DeliveredConflict {
		t.Errorf("two of one number: %d, want a conflict", got)
	}
	if l.allowed(t) {
		t.Error("of two under one number the milder one counts alone")
	}
}

// A node that lost its books goes on above what others remember that it took back.
func TestRevocationOutlivesTheBooks(t *testing.T) {
	l := newLeave(t)
	kept := signed.Revoked{About: signed.SubjectOf(l.owner.self, l.friend.self, potluck.StorageIndex{5}), UpTo: uint64(time.Now().UnixMilli())}
	l.revoke(t, l.cap)
	before := signed.Revocation{Owner: l.owner.self, Number: 40, Time: l.owner.config.Clock().Unix()}.With(kept)
	sealed, err := signed.SealRevocation(l.owner.keep.key, before)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := signed.Single(signed.KindRevocation, sealed).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	bring(t, l.host, l.owner, raw)
	now, _, err := opened(t.Context(), l.owner.book, signed.KindRevocation, l.owner.self, "", signed.Document.Revocation)
	if err != nil || now.Number <= 40 || len(now.Revoked) != 2 {
		t.Errorf("%+v, %v: want both, above number 40", now, err)
	}
}
