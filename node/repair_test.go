package node

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
	"potluck/shares"
)

// neighbourhood is an owner with friends, all of them real nodes.
type neighbourhood struct {
	t     *testing.T
	owner *Node
	clock *clock // the owner's
	hosts []*Node
	ends  map[*Node]func()
}

func newNeighbourhood(t *testing.T, friends int, change func(*Config)) *neighbourhood {
	t.Helper()
	b := &neighbourhood{t: t, clock: &clock{}, ends: make(map[*Node]func())}
	c := config(t, "owner")
	c.Clock = b.clock.now
	if change != nil {
		change(&c)
	}
	owner, end := start(t, c)
	owner.repair.cycle.Pause() // the test turns it by hand
	b.owner, b.ends[owner] = owner, end
	for i := range friends {
		h, end := start(t, config(t, fmt.Sprintf("host%d", i)))
		b.hosts = append(b.hosts, h)
		b.ends[h] = end
		befriend(t, h, b.owner)
	}
	return b
}

func (b *neighbourhood) put(name string, size, k, n int) caps.Cap {
	b.t.Helper()
	r, err := b.owner.Put(b.t.Context(), files.FromBytes(name, random(b.t, size)), files.PutOptions{K: k, N: n, Happy: min(n, len(b.hosts))}, nil)
	if err != nil {
		b.t.Fatalf("put: %v", err)
	}
	c, err := caps.Parse(r.Cap)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// holders finds the hosts that have shares of a file.
func (b *neighbourhood) holders(c caps.Cap) (list []*Node) {
	v, _ := files.VerifyCap(c)
	for _, h := range b.hosts {
		if rows, err := h.book.SharesOf(b.t.Context(), v.Index); err == nil && len(rows) > 0 {
			list = append(list, h)
		}
	}
	return list
}

// restart runs a stopped node again and has it meet the owner.
func (b *neighbourhood) restart(h *Node) *Node {
	b.t.Helper()
	n, end := start(b.t, h.config)
	i := slices.Index(b.hosts, h)
	b.hosts[i] = n
	b.ends[n] = end
	await(b.t, "the host to come back", func() bool {
		_ = n.host.Connect(b.t.Context(), b.owner.self, b.owner.host.Addrs())
		return b.owner.host.Connected(n.self) && n.host.Connected(b.owner.self)
	})
	return n
}

// turn runs the background repair once.
func (b *neighbourhood) turn(n *Node) {
	b.t.Helper()
	if err := n.repair.cycle.TriggerWait(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// moved sums what repairs of a node moved, by its events; of one file, if files are
// named: nodes put backups of their books too.
func (b *neighbourhood) moved(n *Node, of ...caps.Cap) (sum potluck.Size) {
	b.t.Helper()
	events, err := n.book.Events(b.t.Context(), 0, 100_000)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == ledger.KindRepair && (len(of) == 0 || slices.ContainsFunc(of, func(c caps.Cap) bool {
			v, _ := files.VerifyCap(c)
			return v.Index == e.Share.Index
		})) {
			sum += e.Bytes
		}
	}
	return sum
}

// told lists a node's events about placements, for a failed test.
func (b *neighbourhood) told(n *Node) (text string) {
	events, _ := n.book.Events(b.t.Context(), 0, 100_000)
	for _, e := range events {
		if e.Share != nil {
			text += fmt.Sprintf("\n%s %v %v %s", e.Kind, e.Share, e.Peer, e.Reason)
		}
	}
	return text
}

// whole fails the test unless the file is whole by reading, and the owner's rows
// are one for each number.
func (b *neighbourhood) whole(c caps.Cap) {
	b.t.Helper()
	v, _ := files.VerifyCap(c)
	r, err := b.owner.Health(b.t.Context(), c, files.CheckOptions{Verify: true}, nil)
	if err != nil || r.Whole != 1 || r.Files[0].Good != int(v.Layout.N) {
		b.t.Errorf("not whole: %+v, %v", r, err)
	}
	rows, err := b.owner.book.Placements(b.t.Context(), v.Index)
	if err != nil || len(rows) != int(v.Layout.N) {
		b.t.Errorf("%d rows, want %d: %+v, %v", len(rows), v.Layout.N, rows, err)
	}
	for _, h := range b.hosts {
		if h.host != nil && b.owner.host.Connected(h.self) {
			sameBooks(b.t, b.owner, h)
		}
	}
}

// TestDeadHostsAreReplacedAndComeBack: a host dies; for a day nothing happens;
// then its shares are made anew; when it comes back all the same, one copy goes.
func TestDeadHostsAreReplacedAndComeBack(t *testing.T) {
	b := newNeighbourhood(t, 5, nil)
	c := b.put("a file", 300_000, 2, 4)
	dead := b.holders(c)[0]
	b.ends[dead]()
	await(t, "the owner to notice", func() bool { return !b.owner.host.Connected(dead.self) })
	b.clock.forward(20 * time.Hour)
	if b.turn(b.owner); b.moved(b.owner, c) != 0 {
		t.Errorf("a host that was away for less than a day was replaced: %s", b.told(b.owner))
	}
	b.clock.forward(5 * time.Hour)
	b.turn(b.owner)
	v, _ := files.VerifyCap(c)
	if moved := b.moved(b.owner, c); moved == 0 || moved > files.RepairCost(v.Layout, 1) {
		t.Errorf("moved %d bytes, want at most %d", moved, files.RepairCost(v.Layout, 1))
	}
	r, err := b.owner.Health(t.Context(), c, files.CheckOptions{}, nil)
	if err != nil || r.Files[0].Claimed != 4 || r.Files[0].Now.Survives != 2 {
		t.Errorf("after the repair: %+v, %v", r, err)
	}
	before := b.moved(b.owner, c)
	b.restart(dead)
	b.clock.forward(2 * time.Hour)
	b.turn(b.owner)
	if b.moved(b.owner, c) != before {
		t.Error("bytes moved because a host came back")
	}
	b.whole(c)
}

// TestLostSharesAreBroughtBack: bytes vanish at one host and rot at another; the
// check finds it, and the loop mends it.
func TestLostSharesAreBroughtBack(t *testing.T) {
	b := newNeighbourhood(t, 5, nil)
	c := b.put("a file", 300_000, 2, 5)
	v, _ := files.VerifyCap(c)
	for _, h := range b.holders(c)[:2] {
		rows, err := h.book.SharesOf(t.Context(), v.Index)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.store.Delete(t.Context(), rows[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	r, err := b.owner.Health(t.Context(), nil, files.CheckOptions{}, nil)
	if err != nil || r.Short != 1 || r.Files[0].Lost != 2 || r.Unreadable != 0 || !r.Files[0].Repair {
		t.Errorf("check: %+v, %v", r, err)
	}
	b.turn(b.owner)
	b.whole(c)
	if dry, err := b.owner.Repair(t.Context(), nil, true, nil); err != nil || len(dry.Files) != 1 || len(dry.Files[0].Missing) != 0 {
		t.Errorf("dry run: %+v, %v", dry, err)
	}
}

// TestMassOutageIsCapped: half of the hosts go at once. However much is lost, no
// day moves more than its budget, and the days together bring all of it back.
func TestMassOutageIsCapped(t *testing.T) {
	const budget = 400 * potluck.KiB
	b := newNeighbourhood(t, 8, func(c *Config) { c.RepairBudget = budget })
	var all []caps.Cap
	for i := range 6 {
		all = append(all, b.put(fmt.Sprint("file", i), 100_000, 2, 8))
	}
	for _, h := range b.hosts[:4] {
		b.ends[h]()
	}
	await(t, "the owner to notice", func() bool {
		return !slices.ContainsFunc(b.hosts[:4], func(h *Node) bool { return b.owner.host.Connected(h.self) })
	})
	b.clock.forward(25 * time.Hour)
	days := 0
	for before := potluck.Size(-1); days < 20; days++ {
		b.turn(b.owner)
		moved := b.moved(b.owner)
		if most := budget * potluck.Size(days+1); moved > most {
			t.Fatalf("%d bytes after %d days, at most %d are allowed", moved, days, most)
		}
		if days == 0 && moved == 0 {
			t.Error("nothing was repaired")
		}
		if moved == before {
			break
		}
		before = moved
		b.clock.forward(24 * time.Hour)
	}
	if days < 2 {
		t.Errorf("all was moved in %d days: the budget held nothing back", days)
	}
	for _, c := range all {
		r, err := b.owner.Health(t.Context(), c, files.CheckOptions{Verify: true}, nil)
		if err != nil || r.Files[0].Good != 8 {
			t.Errorf("not brought back: %+v, %v", r, err)
		}
	}
	t.Logf("6 files of 8 shares, 4 hosts gone: %v in %d days, budget %v a day", b.moved(b.owner), days, budget)
}

// TestAFriendRepairsForTheOwner: the owner is away; a friend that it gave leave
// to brings a lost share back, and hosts charge the owner, whose books say so when
// it is back.
func TestAFriendRepairsForTheOwner(t *testing.T) {
	b := newNeighbourhood(t, 5, nil)
	late := &clock{}
	cf := config(t, "friend")
	cf.Clock = late.now
	friend, _ := start(t, cf)
	friend.repair.cycle.Pause()
	befriend(t, friend, b.owner)
	for _, h := range b.hosts {
		befriend(t, h, friend)
	}
	c := b.put("a file", 200_000, 2, 4)
	v, _ := files.VerifyCap(c)
	account, err := b.owner.Resolve(t.Context(), friend.self.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.owner.Authorize(t.Context(), account, c, 30*24*time.Hour); err != nil {
		t.Fatalf("authorize: %v", err)
	}
	if list, err := friend.Authorities(t.Context()); err != nil || len(list) != 1 || list[0].Index != v.Index || list[0].Owner != b.owner.self {
		t.Fatalf("authorities: %+v, %v", list, err)
	}
	var lost *Node
	for _, h := range b.holders(c) {
		if h != friend {
			lost = h
		}
	}
	rows, err := lost.book.SharesOf(t.Context(), v.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := lost.store.Delete(t.Context(), rows[0].ID); err != nil {
		t.Fatal(err)
	}
	b.turn(friend)
	if b.moved(friend, c) != 0 {
		t.Error("a friend repaired though the owner is there")
	}
	b.ends[b.owner]()
	await(t, "the friend to notice", func() bool { return !friend.host.Connected(b.owner.self) })
	late.forward(25 * time.Hour)
	b.turn(friend)
	if b.moved(friend, c) == 0 {
		t.Fatal("the friend brought nothing back")
	}
	held := 0
	for _, h := range append(b.hosts, friend) {
		rows, err := h.book.SharesOf(t.Context(), v.Index)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if row.State != ledger.ShareStable {
				continue
			}
			held++
			if len(row.Leases) != 1 || row.Leases[0].Owner != b.owner.self || row.Leases[0].Pending {
				t.Errorf("share %d at %s is leased by %+v, want by the owner", row.ID.Number, h.config.Name, row.Leases)
			}
		}
		if u, err := h.book.Usage(t.Context(), friend.self); h != friend && (err != nil || u.Held+u.Reserved != 0) {
			t.Errorf("%s charges the friend %+v, %v", h.config.Name, u, err)
		}
	}
	if held != 4 {
		t.Errorf("%d shares are held, want 4", held)
	}
	if rows, err := friend.book.Placements(t.Context(), v.Index); err != nil || len(rows) != 0 {
		t.Errorf("the friend's books: %+v, %v", rows, err)
	}
	b.ownerIsBack(v)
}

// TestOwnFilesAreRepairedFirst: what a node repairs for friends leaves its own
// files their budget, however little the friends' would cost.
func TestOwnFilesAreRepairedFirst(t *testing.T) {
	b := newNeighbourhood(t, 4, nil)
	late := &clock{}
	cf := config(t, "friend")
	cf.Clock, cf.RepairBudget = late.now, 1<<10 // one file a day at most
	friend, _ := start(t, cf)
	friend.repair.cycle.Pause()
	befriend(t, friend, b.owner)
	for _, h := range b.hosts {
		befriend(t, h, friend)
	}
	ward := b.put("a friend's file", 5_000, 2, 4)
	account, err := b.owner.Resolve(t.Context(), friend.self.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.owner.Authorize(t.Context(), account, ward, 30*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	r, err := friend.Put(t.Context(), files.FromBytes("own", random(t, 300_000)), files.PutOptions{K: 2, N: 4, Happy: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := caps.Parse(r.Cap)
	if err != nil {
		t.Fatal(err)
	}
	b.ends[b.owner]()
	await(t, "the friend to notice", func() bool { return !friend.host.Connected(b.owner.self) })
	late.forward(25 * time.Hour)
	for _, c := range []caps.Cap{ward, own} {
		v, _ := files.VerifyCap(c)
		for _, h := range b.holders(c)[:1] {
			rows, err := h.book.SharesOf(t.Context(), v.Index)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				if err := h.store.Delete(t.Context(), row.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if _, err := friend.Health(t.Context(), own, files.CheckOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	b.turn(friend)
	if b.moved(friend, own) == 0 || b.moved(friend, ward) != 0 {
		t.Errorf("moved %d bytes of its own file, %d of a friend's: %s", b.moved(friend, own), b.moved(friend, ward), b.told(friend))
	}
}

// ownerIsBack starts the owner again and waits until its books know all shares.
func (b *neighbourhood) ownerIsBack(v caps.Verify) {
	b.t.Helper()
	again, _ := start(b.t, b.owner.config)
	again.repair.cycle.Pause()
	for _, h := range b.hosts {
		await(b.t, "the owner to come back", func() bool {
			_ = h.host.Connect(b.t.Context(), again.self, again.host.Addrs())
			return again.host.Connected(h.self)
		})
	}
	if _, err := again.Repair(b.t.Context(), v, false, nil); err != nil {
		b.t.Errorf("the owner's own repair: %v", err)
	}
	stable := make(map[potluck.ShareNumber]bool)
	rows, err := again.book.Placements(b.t.Context(), v.Index)
	for _, p := range rows {
		stable[p.Share.Number] = p.State == ledger.PlacedStable
	}
	if err != nil || len(rows) != int(v.Layout.N) || len(stable) != int(v.Layout.N) {
		b.t.Errorf("the owner's books: %+v, %v", rows, err)
	}
	for _, h := range b.hosts {
		sameBooks(b.t, again, h)
	}
}

// TestAuthorityIsForOnePurpose: another's authority, one for another file, one
// that has ended, and other bytes are refused, and nothing is charged.
func TestAuthorityIsForOnePurpose(t *testing.T) {
	owner, host := pair(t)
	friend, _ := start(t, config(t, "friend"))
	befriend(t, host, friend)
	c := makeContent(t, 100_000)
	now := time.Now().Unix()
	good := signed.Authority{Owner: owner.self, Repairer: friend.self, Number: 1, Index: c.index, Layout: c.layout,
		Manifest: shares.Sum(c.manifest), NotBefore: now, Expires: now + 3600}
	sealed := func(change func(*signed.Authority)) []byte {
		a := good
		change(&a)
		b, err := signed.SealAuthority(owner.keep.key, a)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ask := func(from *Node, authority []byte) error {
		_, err := from.host.Allocate(t.Context(), host.self, p2p.AllocateRequest{Index: c.index, Layout: c.layout,
			Numbers: []potluck.ShareNumber{0}, Authority: authority})
		return err
	}
	forged, err := signed.SealAuthority(friend.keep.key, signed.Authority{Owner: friend.self, Repairer: owner.self, Number: 1, Index: c.index,
		Layout: c.layout, Manifest: good.Manifest, NotBefore: now, Expires: now + 3600})
	if err != nil {
		t.Fatal(err)
	}
	for name, authority := range map[string][]byte{
		"for another repairer": sealed(func(a *signed.Authority) { a.Repairer = host.self }),
		"for another file":     sealed(func(a *signed.Authority) { a.Index[0]++ }),
		"for another layout":   sealed(func(a *signed.Authority) { a.Layout.Size++ }),
		"ended":                sealed(func(a *signed.Authority) { a.NotBefore, a.Expires = now-7200, now-3600 }),
		"not begun":            sealed(func(a *signed.Authority) { a.NotBefore, a.Expires = now+3600, now+7200 }),
		"of one's own making":  forged,
		"no authority":         []byte("sealed"),
	} {
		if err := ask(friend, authority); p2p.CodeOf(err) != p2p.CodeBadRequest {
			t.Errorf("authority %s: %v, want a bad request", name, err)
		}
	}
	wantHeld(t, host, owner, 0, 0)
	authority := sealed(func(a *signed.Authority) { a.Manifest[0]++ })
	if err := ask(friend, authority); err != nil {
		t.Fatalf("allocate: %v", err)
	}
	w, err := friend.host.Write(t.Context(), host.self, p2p.WriteRequest{Index: c.index, Layout: c.layout, Length: potluck.Size(len(c.data)),
		Manifest: potluck.Size(len(c.manifest)), Crosscheck: potluck.Size(len(c.crosscheck)), Authority: authority})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(slices.Concat(c.data, c.manifest, c.crosscheck))
	if err == nil {
		_, err = w.Finish(t.Context())
	}
	if p2p.CodeOf(err) != p2p.CodeBadRequest {
		t.Errorf("bytes of another file: %v", err)
	}
	if u, err := host.book.Usage(t.Context(), owner.self); err != nil || u.Held != 0 {
		t.Errorf("the owner is charged %+v, %v", u, err)
	}
	if u, err := host.book.Usage(t.Context(), friend.self); err != nil || u.Held+u.Reserved != 0 {
		t.Errorf("the friend is charged %+v, %v", u, err)
	}
}

// TestAuthoritiesAreKept: over a restart, the newer of two, none that ended.
func TestAuthoritiesAreKept(t *testing.T) {
	owner, friend := pair(t)
	now := time.Now().Unix()
	make := func(number uint64, index byte, expires int64) authority {
		a := signed.Authority{Owner: owner.self, Repairer: friend.self, Number: number, Index: potluck.StorageIndex{index}, Layout: makeContent(t, 100).layout,
			Manifest: potluck.Digest{1}, NotBefore: now - 100, Expires: expires}
		sealed, err := signed.SealAuthority(owner.keep.key, a)
		if err != nil {
			t.Fatal(err)
		}
		return authority{a, sealed}
	}
	var s authorities
	dir := t.TempDir()
	if err := s.open(dir, now); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		a    authority
		want uint8
	}{
		{make(5, 1, now+1000), p2p.DeliveredNew}, {make(5, 1, now+1000), p2p.DeliveredKnown}, {make(4, 1, now+2000), p2p.DeliveredStale},
		{make(6, 1, now+3000), p2p.DeliveredNew}, {make(1, 2, now+5000), p2p.DeliveredNew},
	} {
		if got, err := s.take(c.a); err != nil || got != c.want {
			t.Errorf("take %d gave %d, %v, want %d", i, got, err, c.want)
		}
	}
	var again authorities
	if err := again.open(dir, now+4000); err != nil {
		t.Fatal(err)
	}
	if list := again.live(now + 4000); len(list) != 1 || list[0].Index[0] != 2 {
		t.Errorf("after a restart: %+v", list)
	}
	if a := s.of(potluck.StorageIndex{1}, now); a == nil || a.Number != 6 {
		t.Errorf("for a file: %+v, want the newer one", a)
	}
	for i := range maxAuthorities + 3 {
		if _, err := s.take(make(1, byte(i%256), now+9000)); err != nil {
			t.Fatal(err)
		}
	}
	if list := s.live(now); len(list) != maxAuthorities {
		t.Errorf("%d of one friend are kept, want %d", len(list), maxAuthorities)
	}
}

// TestRepairNeedsABudget: a node whose budget is none repairs on command alone.
func TestRepairNeedsABudget(t *testing.T) {
	b := newNeighbourhood(t, 3, func(c *Config) { c.RepairBudget = -1 })
	c := b.put("a file", 50_000, 1, 3)
	v, _ := files.VerifyCap(c)
	h := b.holders(c)[0]
	rows, _ := h.book.SharesOf(t.Context(), v.Index)
	if err := h.store.Delete(t.Context(), rows[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.owner.Health(t.Context(), c, files.CheckOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	if b.turn(b.owner); b.moved(b.owner, c) != 0 {
		t.Error("it repaired by itself")
	}
	r, err := b.owner.Repair(t.Context(), c, false, nil)
	if err != nil || len(r.Files) != 1 || len(r.Files[0].Placed) != 1 || r.Budget != -1 {
		t.Errorf("on command: %+v, %v", r, err)
	}
	b.whole(c)
}
