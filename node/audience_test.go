package node

import (
	"context"
	"strconv"
	"testing"

	"potluck/p2p"
)

// triangle is a pair and a friend of both, who sees what the host holds for the
// owner.
func triangle(t *testing.T) (owner, host, reader *Node) {
	t.Helper()
	owner, host = pair(t)
	reader, _ = start(t, config(t, "reader"))
	for _, n := range []*Node{owner, host} {
		befriend(t, n, reader)
	}
	store(t, owner, host, 20<<10)
	turn(t, host)
	eventually(t, "a friend of both sees the statement", func() bool {
		c, ok := cell(t, reader, host, owner)
		return ok && !c.Differs
	})
	return owner, host, reader
}

// statedBytes is what a node sees that a host's word says, 0 for none.
func statedBytes(t *testing.T, at, host, owner *Node) int64 {
	t.Helper()
	c, ok := cell(t, at, host, owner)
	if !ok || c.Held == nil {
		return 0
	}
	return int64(c.Held.Bytes)
}

// A friend of one side that only says that it knows the other side, whatever it
// asks for, is shown nothing: the other side says who its friends are.
func TestToKnowSomebodysNameShowsNoStatement(t *testing.T) {
	owner, host := pair(t)
	spy, _ := start(t, config(t, "spy"))
	befriend(t, host, spy)
	if err := spy.book.Know(t.Context(), owner.self, "owner", nil); err != nil {
		t.Fatal(err)
	}
	store(t, owner, host, 20<<10)
	turn(t, host, owner, spy)
	eventually(t, "both sign", func() bool {
		turn(t, host)
		s, _, err := host.newest(t.Context(), host.self, owner.self)
		return err == nil && s.Bytes > 0
	})
	// It may tell an audience with itself in it: that is about what it states itself.
	a, err := spy.audience(host.self, false)
	if err != nil {
		t.Fatal(err)
	}
	a.Tags = append(a.Tags, p2p.TagOf(a.Salt, owner.self, host.self, spy.self), p2p.TagOf(a.Salt, spy.self, host.self, spy.self))
	a.Sort()
	if _, err := spy.host.Audience(t.Context(), host.self, a); err != nil {
		t.Fatal(err)
	}
	spy.post.met(host.self)
	turn(t, host, spy, host)
	if got := statedBytes(t, spy, host, owner); got != 0 {
		t.Errorf("it sees that %d bytes are held", got)
	}
	sync, err := spy.host.Sync(t.Context(), host.self, p2p.SyncRequest{Have: []p2p.DocumentKey{{Kind: 1, Issuer: owner.self}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range sync.Documents {
		if got := bring(t, host, spy, raw); got == p2p.DeliveredNew {
			t.Errorf("a sync gives %x", raw)
		}
	}
}

// What an owner or a host doesn't want shown isn't, whatever the other side wants.
func TestEitherSideMayKeepAStatementPrivate(t *testing.T) {
	for _, private := range []string{"owner", "host"} {
		t.Run(private, func(t *testing.T) {
			var nodes []*Node
			for _, name := range []string{"owner", "host", "reader"} {
				c := config(t, name)
				c.Private = name == private
				n, _ := start(t, c)
				nodes = append(nodes, n)
			}
			owner, host, reader := nodes[0], nodes[1], nodes[2]
			befriend(t, host, owner)
			befriend(t, owner, reader)
			befriend(t, host, reader)
			store(t, owner, host, 20<<10)
			turn(t, host, owner, host, owner)
			if got := statedBytes(t, reader, host, owner); got != 0 {
				t.Errorf("a friend of both sees %d bytes", got)
			}
		})
	}
}

// Who sets publish to false while the node runs tells friends at once: they would go
// on showing what they have.
func TestPublishIsSetAtOnce(t *testing.T) {
	owner, host, reader := triangle(t)
	for _, shown := range []bool{false, true} {
		if _, err := owner.SetSettings(t.Context(), map[string]string{"publish": strconv.FormatBool(shown)}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the host hears of it", func() bool {
			return host.audiences.allows(owner.self, host.self, reader.self) == shown
		})
	}
}

// Who is a friend of one side no longer is shown nothing new by the other.
func TestConsentEndsWithFriendship(t *testing.T) {
	owner, host, reader := triangle(t)
	before := statedBytes(t, reader, host, owner)
	if err := owner.Unfriend(t.Context(), account(t, owner, reader)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the host hears of it", func() bool {
		turn(t, owner)
		return !host.audiences.allows(owner.self, host.self, reader.self)
	})
	store(t, owner, host, 200<<10)
	eventually(t, "both sign the next one", func() bool {
		turn(t, host)
		s, _, err := host.newest(t.Context(), host.self, owner.self)
		return err == nil && int64(s.Bytes) > before
	})
	turn(t, host, owner, host)
	if got := statedBytes(t, reader, host, owner); got != before {
		t.Errorf("it sees %d bytes, want %d as before", got, before)
	}
}

// What friends are told of each other's friends is those whom both know, and not
// how many there are.
func TestAudienceTellsOfNobodyElse(t *testing.T) {
	owner, host := pair(t)
	known, _ := start(t, config(t, "known"))
	befriend(t, owner, known)
	a, err := owner.audience(host.self, false)
	if err != nil {
		t.Fatal(err)
	}
	none, err := owner.audience(host.self, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Tags) != leastTags || len(none.Tags) != leastTags {
		t.Errorf("%d tags with a friend, %d with none", len(a.Tags), len(none.Tags))
	}
	if !a.Has(owner.self, host.self, known.self) || none.Has(owner.self, host.self, known.self) {
		t.Error("the friend isn't in it, or is in the private one")
	}
	if a.Has(owner.self, known.self, known.self) || a.Has(host.self, owner.self, known.self) || a.Has(owner.self, host.self, host.self) {
		t.Error("it says something about others, or to others")
	}
	again, err := owner.audience(host.self, false)
	if err != nil {
		t.Fatal(err)
	}
	both := 0
	for _, tag := range again.Tags {
		for _, before := range a.Tags {
			if tag == before {
				both++
			}
		}
	}
	if both != 0 {
		t.Errorf("%d tags can be found again in the next one", both)
	}
}

// A friend that tells an audience over and over is refused, and a peer that is no
// friend at once; neither changes what others see.
func TestFloodOfAudiences(t *testing.T) {
	owner, host, reader := triangle(t)
	empty := p2p.AudienceRequest{}
	var refused error
	for range paceAudiences + 1 {
		if _, err := reader.host.Audience(t.Context(), host.self, empty); err != nil {
			refused = err
		}
	}
	if refused == nil {
		t.Error("a flood is heard to its end")
	}
	if !host.audiences.allows(owner.self, host.self, reader.self) {
		t.Error("it changed what the owner said")
	}
	if _, err := (*clerk)(host).Audience(context.Background(), "somebody", empty); p2p.CodeOf(err) != p2p.CodeNotFound {
		t.Errorf("of a stranger: %v", err)
	}
}
