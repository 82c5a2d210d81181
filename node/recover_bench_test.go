package node

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/caps"
	"potluck/ledger"
	"potluck/shares"
)

const benchFiles = 10_000

// BenchmarkRecover rebuilds a node with 10,000 files from four friends. What the
// friends hold is in their books alone; the backup of the books is really at
// them.
func BenchmarkRecover(b *testing.B) {
	quietly := func(name string) Config {
		return Config{Data: b.TempDir() + "/" + name, Name: name, Offer: potluck.TiB, Floor: -1, Listen: []string{"/ip4/127.0.0.1/tcp/0"},
			Log: slog.New(slog.DiscardHandler), CrawlShare: -1}
	}
	run := func(c Config) (*Node, func()) {
		n, err := New(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- n.Run(context.Background()) }()
		return n, func() {
			if err := n.Close(); err != nil {
				b.Error(err)
			}
			<-done
		}
	}
	owner, stop := run(quietly("owner"))
	var friends []*Node
	for i := range 4 {
		f, end := run(quietly(fmt.Sprintf("friend%d", i)))
		b.Cleanup(end)
		i, err := f.Invite(b.Context(), InviteRequest{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := owner.Join(b.Context(), JoinRequest{Link: i.Link}); err != nil {
			b.Fatal(err)
		}
		friends = append(friends, f)
	}
	fill(b, owner, friends)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		v, err := owner.Keepsake(b.Context(), true)
		if err != nil {
			b.Fatal(err)
		}
		if v.Backup != 0 && v.Friends[0].Has && v.Friends[3].Has {
			break
		}
	}
	text, err := Words(owner.Data())
	if err != nil {
		b.Fatal(err)
	}
	request := RecoverRequest{Words: fmt.Sprint(text[0]), Friend: friends[0].host.Addrs()[0], Drill: true}
	for _, w := range text[1:] {
		request.Words += " " + w
	}
	stop()
	for b.Loop() {
		request.Drill = false
		r, err := Recover(b.Context(), quietly(fmt.Sprint(time.Now().UnixNano())), request, nil)
		if err != nil || r.Caps != benchFiles || r.Readable < benchFiles || len(r.Problems) > 0 {
			b.Fatalf("%+v, %v", r, err)
		}
		b.ReportMetric(r.Seconds, "s/recovery")
		b.ReportMetric(float64(r.Shares), "shares")
	}
}

// fill writes 10,000 files, 2-of-4, into the books of an owner and its friends.
func fill(b *testing.B, owner *Node, friends []*Node) {
	b.Helper()
	l, err := shares.NewLayout(2, 4, 100_000)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now().Unix()
	found := make([][]ledger.Found, len(friends))
	g, ctx := errgroup.WithContext(b.Context())
	g.SetLimit(64)
	for i := range benchFiles {
		var key caps.Key
		key[0], key[1] = byte(i), byte(i>>8)
		f := ledger.File{Index: key.StorageIndex(), Manifest: potluck.Digest{1, byte(i)}, Layout: l, Name: fmt.Sprintf("file %d.jpg", i), Put: now, Wanted: 4}
		f.Cap = caps.Read{Layout: l, Key: key, Manifest: f.Manifest}.Text()
		var placed []ledger.Placement
		for n, at := range friends {
			id := potluck.ShareID{Index: f.Index, Number: potluck.ShareNumber(n)}
			root := potluck.Digest{2, byte(i), byte(i >> 8), byte(n)}
			placed = append(placed, ledger.Placement{Share: id, Host: at.self, Layout: l, Charge: shares.Charge(l), Root: root, Manifest: f.Manifest,
				Placed: now, LastGood: now, State: ledger.PlacedStable})
			found[n] = append(found[n], ledger.Found{Share: id, Owner: owner.self, Layout: l, Charge: shares.Charge(l), Root: root, Manifest: f.Manifest, Created: now})
		}
		g.Go(func() error { return owner.book.PlaceFile(ctx, placed, f) })
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	for n, f := range friends {
		if _, err := f.book.Adopt(b.Context(), found[n], time.Now().Add(time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
}
