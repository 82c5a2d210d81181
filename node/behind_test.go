package node

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"potluck"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// A host whose books are put back from a copy learns from its owner's statements
// that they are old, takes nothing more and says why, until the operator accepts it.
func TestOldBooksAreNoticed(t *testing.T) {
	c := &clock{}
	ownerConfig, hostConfig := config(t, "owner"), config(t, "host")
	ownerConfig.Clock, hostConfig.Clock = c.now, c.now
	owner, _ := start(t, ownerConfig)
	host, stop := start(t, hostConfig)
	befriend(t, host, owner)
	stop()
	books, old := filepath.Join(hostConfig.Data, "ledger"), filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(books)); err != nil {
		t.Fatal(err)
	}
	c.forward(time.Hour)
	host, stop = start(t, hostConfig)
	eventually(t, "the nodes meet", func() bool { return owner.host.Connected(host.self) })
	store(t, owner, host, 64*potluck.KiB)
	eventually(t, "both sign a statement", func() bool {
		host.count.cycle.Trigger()
		s, _, err := owner.newest(t.Context(), host.self, owner.self)
		return err == nil && s.Bytes > 0 && s.HostHead.Seq > 0
	})
	if err := host.writable(); err != nil {
		t.Error("the newest books:", err)
	}
	stop()
	if err := errors.Join(os.RemoveAll(books), os.CopyFS(books, os.DirFS(old))); err != nil {
		t.Fatal(err)
	}
	host, stop = start(t, hostConfig)
	var why *OldBooksError
	eventually(t, "the host learns that its books are old", func() bool { return errors.As(host.writable(), &why) })
	if why.By != owner.self || why.Seq == 0 || !strings.Contains(why.Error(), "accept-cut") {
		t.Errorf("%+v", why)
	}
	if s, err := host.Status(t.Context()); err != nil || s.ReadOnly == "" || s.Room != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, _, err := tryStore(t, owner, host, 64*potluck.KiB); err == nil {
		t.Error("old books take new bytes")
	}
	stop()
	if _, err := AcceptCut(t.Context(), hostConfig.Data); err != nil {
		t.Fatal(err)
	}
	host, _ = start(t, hostConfig)
	if err := host.writable(); err != nil {
		t.Error("after the operator's word:", err)
	}
}

// A head of the owner's own books in what a host proposes: the owner would sign
// that it had events which nobody ever wrote, and take its books for an old copy.
func TestHostPutsNoHeadIntoTheOwnersMouth(t *testing.T) {
	owner, host := pair(t)
	store(t, owner, host, 64*potluck.KiB)
	sum, err := host.book.Summary(t.Context(), host.self, owner.self)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := signed.SealStatement(host.keep.key, signed.Statement{Host: host.self, Owner: owner.self, Number: 900,
		Time: owner.config.Clock().Unix(), Bytes: sum.Bytes, Shares: sum.Shares, Digest: sum.Digest, OwnerHead: signed.Head{Seq: 1 << 40}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := host.host.Propose(t.Context(), owner.self, p2p.StatementRequest{Sealed: sealed})
	if p2p.CodeOf(err) != p2p.CodeBadRequest {
		t.Errorf("%+v, %v, want a bad request", a, err)
	}
	if err := owner.writable(); err != nil {
		t.Errorf("the owner stops: %v", err)
	}
}

// An owner that hosts for nobody, whose books are put back from a copy, learns from
// what it and its host signed that they are old, when it first meets the host.
func TestOldBooksOfAnOwnerAreNoticed(t *testing.T) {
	c := &clock{}
	ownerConfig, hostConfig := config(t, "owner"), config(t, "host")
	ownerConfig.Clock, hostConfig.Clock = c.now, c.now
	owner, stop := start(t, ownerConfig)
	host, _ := start(t, hostConfig)
	befriend(t, host, owner)
	stop()
	books, old := filepath.Join(ownerConfig.Data, "ledger"), filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(books)); err != nil {
		t.Fatal(err)
	}
	c.forward(time.Hour)
	owner, stop = start(t, ownerConfig)
	eventually(t, "the nodes meet", func() bool { return owner.host.Connected(host.self) })
	store(t, owner, host, 64*potluck.KiB)
	eventually(t, "both sign a statement with the owner's head", func() bool {
		host.count.cycle.Trigger()
		s, _, err := host.newest(t.Context(), host.self, owner.self)
		return err == nil && s.Bytes > 0 && s.OwnerHead.Seq > 0
	})
	if err := owner.writable(); err != nil {
		t.Error("the newest books:", err)
	}
	stop()
	if err := errors.Join(os.RemoveAll(books), os.CopyFS(books, os.DirFS(old))); err != nil {
		t.Fatal(err)
	}
	owner, _ = start(t, ownerConfig)
	var why *OldBooksError
	eventually(t, "the owner learns that its books are old", func() bool { return errors.As(owner.writable(), &why) })
	if why.By != host.self || why.Seq == 0 {
		t.Errorf("%+v", why)
	}
}

// The recovered node isn't stopped by what an older copy signs that lives on; what
// is of its own life and isn't in its books stops it.
func TestOlderCopyStopsNoNewerOne(t *testing.T) {
	c := &clock{}
	ownerConfig, hostConfig := config(t, "owner"), config(t, "host")
	ownerConfig.Clock, hostConfig.Clock = c.now, c.now
	owner, _ := start(t, ownerConfig)
	host, _ := start(t, hostConfig)
	befriend(t, host, owner)
	if err := owner.epoch.raise(2); err != nil {
		t.Fatal(err)
	}
	c.forward(time.Hour)
	for i, x := range []struct {
		epoch  uint64
		behind bool
	}{{0, false}, {2, true}} {
		sealed, err := signed.SealStatement(owner.keep.key, signed.Statement{Host: host.self, Owner: owner.self, Number: uint64(800 + 100*i), Time: c.now().Unix(),
			Bytes: 1, Shares: 1, OwnerHead: signed.Head{Seq: 1 << 30, Epoch: x.epoch}})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := signed.StatementOf(nil, sealed).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got := bring(t, host, owner, raw); got != p2p.DeliveredNew {
			t.Errorf("the host brings it: %d", got)
		}
		if behind := errors.As(owner.writable(), new(*OldBooksError)); behind != x.behind {
			t.Errorf("a head of epoch %d: behind %v", x.epoch, behind)
		}
	}
}

// What a node tells of where its books stand, it tells those alone who hold
// something for it, and signs only what it has.
func TestHeadIsToldToHosts(t *testing.T) {
	owner, host := pair(t)
	other, _ := start(t, config(t, "other"))
	befriend(t, owner, other)
	store(t, owner, host, 64*potluck.KiB)
	a, err := host.host.Account(t.Context(), owner.self, p2p.AccountRequest{})
	if err != nil || a.Head.Seq == 0 {
		t.Fatalf("%+v, %v", a.Head, err)
	}
	if b, err := other.host.Account(t.Context(), owner.self, p2p.AccountRequest{}); err != nil || b.Head != (p2p.Head{}) {
		t.Errorf("one that holds nothing is told %+v, %v", b.Head, err)
	}
	sum, err := host.book.Summary(t.Context(), host.self, owner.self)
	if err != nil {
		t.Fatal(err)
	}
	for what, h := range map[string]p2p.Head{
		"an event to come":   {Seq: a.Head.Seq + 1000, Chain: a.Head.Chain},
		"another chain":      {Seq: a.Head.Seq},
		"another life":       {Seq: a.Head.Seq, Chain: a.Head.Chain, Epoch: 2},
		"a life, no event":   {Epoch: 2},
		"a chain, no number": {Chain: a.Head.Chain},
	} {
		sealed, err := signed.SealStatement(host.keep.key, signed.Statement{Host: host.self, Owner: owner.self, Number: 900,
			Time: owner.config.Clock().Unix(), Bytes: sum.Bytes, Shares: sum.Shares, Digest: sum.Digest, OwnerHead: signed.Head(h)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := host.host.Propose(t.Context(), owner.self, p2p.StatementRequest{Sealed: sealed}); p2p.CodeOf(err) != p2p.CodeBadRequest {
			t.Errorf("%s: %v, want a bad request", what, err)
		}
	}
}

// An owner that says nonsense of where its books stand gets statements as one that
// says nothing.
func TestNonsenseOfBooksIsLeftOut(t *testing.T) {
	owner, host := pair(t)
	s := signed.Statement{Host: host.self, Owner: owner.self, Number: 1, Time: time.Now().Unix()}
	good := p2p.Head{Seq: 5, Chain: potluck.Digest{1}, Epoch: 2}
	if named := naming(s, good); named.OwnerHead != signed.Head(good) {
		t.Errorf("it names %+v", named.OwnerHead)
	}
	for _, told := range []p2p.Head{{Seq: 5, Epoch: 1}, {Seq: 5, Epoch: signed.MaxEpoch + 1}, {}} {
		if told.Validate() != nil {
			t.Errorf("%+v would not come here", told)
		}
		named := naming(s, told)
		if _, err := signed.SealStatement(host.keep.key, named); err != nil || named != s {
			t.Errorf("%+v: %v", told, err)
		}
	}
}
