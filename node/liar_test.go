package node

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// liar is a host that answers as it is told to; of the rest it knows nothing.
type liar struct {
	p2p.Keeper
	p2p.Clerk
	holding
}

func (liar) Admits(peer.ID) bool { return true }
func (liar) Inviting() bool      { return false }

func (l liar) Ranges(ctx context.Context, _ peer.ID, r p2p.RangesRequest) (p2p.RangesResponse, error) {
	sums, err := l.sums(ctx, r.Spans)
	return p2p.RangesResponse{Sums: sums}, err
}

func (l liar) List(ctx context.Context, _ peer.ID, r p2p.ListRequest) (p2p.ListResponse, error) {
	items, more, err := l.list(ctx, r.Span)
	return p2p.ListResponse{Items: items, More: more}, err
}

func (l liar) Have(_ context.Context, _ peer.ID, q p2p.HaveRequest) (p2p.HaveResponse, error) {
	a := p2p.HaveResponse{Sets: make([]p2p.ShareSet, len(q.Indexes))}
	for i := range a.Sets {
		a.Sets[i].Shares = []p2p.HeldShare{{Mine: true}}
	}
	return a, nil
}

// TestHostThatDoesNotCompare: one that overstates and won't show what is in
// dispute.
func TestHostThatDoesNotCompare(t *testing.T) {
	owner, _ := start(t, config(t, "owner"))
	host, stop := start(t, config(t, "host"))
	befriend(t, host, owner)
	_, charge := store(t, owner, host, 20<<10)
	turn(t, host)
	stop()
	other, err := p2p.New(p2p.Config{Key: host.keep.key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Gate: liar{}})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.Connect(t.Context(), owner.self, owner.host.Addrs()); err != nil {
		t.Fatal(err)
	}
	sealed, err := signed.SealStatement(host.keep.key, signed.Statement{Host: host.self, Owner: owner.self, Number: 900,
		Time: owner.config.Clock().Unix(), Bytes: 10 * charge, Shares: 1})
	if err != nil {
		t.Fatal(err)
	}
	a, err := other.Propose(t.Context(), owner.self, p2p.StatementRequest{Sealed: sealed})
	if err != nil || len(a.Sealed) > 0 || a.Bytes != charge {
		t.Fatalf("%+v, %v", a, err)
	}
	eventually(t, "it is a dispute", func() bool {
		all, err := owner.book.Disputes(t.Context())
		return err == nil && len(all) == 1 && all[0].Theirs.Bytes == 10*charge && all[0].Mine.Bytes == charge
	})
	c, ok := cell(t, owner, host, owner)
	if !ok || !c.Differs || c.Held.Bytes != 10*charge || c.Counted.Bytes != charge {
		t.Errorf("%+v", c)
	}
}

// TestReconcileWithLiars: whatever a host answers, nothing of the owner's books
// changes but what the host says against itself, and no dispute is forgotten.
func TestReconcileWithLiars(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for name, lies := range map[string]holding{
		"garbage":            noise{r: r},
		"shares without end": &endless{noise: noise{r: r}},
	} {
		t.Run(name, func(t *testing.T) {
			owner, _ := start(t, config(t, "owner"))
			host, stop := start(t, config(t, "host"))
			befriend(t, host, owner)
			c, charge := store(t, owner, host, 20<<10)
			turn(t, host)
			stop()
			l := liar{holding: lies}
			other, err := p2p.New(p2p.Config{Key: host.keep.key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Gate: l, Keeper: l, Clerk: l})
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			if err := owner.host.Connect(t.Context(), host.self, other.Addrs()); err != nil {
				t.Fatal(err)
			}
			reconciled(t, owner, host)
			if got := stateAt(t, owner, host, shareOf(c)); got != ledger.PlacedStable {
				t.Errorf("the share is in state %d", got)
			}
			if u, err := owner.book.Usage(t.Context(), host.self); err != nil || u.Earned != charge || u.EarnedShares != 1 {
				t.Errorf("%+v, %v", u, err)
			}
			if owner.reconcile.early(host.self) <= 0 {
				t.Error("it is compared with again at once")
			}
		})
	}
}
