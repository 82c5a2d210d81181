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
