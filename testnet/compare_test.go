package testnet_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"potluck"
	"potluck/gateway/api"
	"potluck/ledger/credit"
	"potluck/shares"
	"potluck/testnet"
	"potluck/testnet/sim"
)

// told is what a run of the simulator tells.
type told struct {
	asks     []sim.Ask
	accounts []sim.Account
}

func (o *told) Sample(sim.Sample) error     { return nil }
func (o *told) Record(sim.Record) error     { return nil }
func (o *told) Ask(a sim.Ask) error         { o.asks = append(o.asks, a); return nil }
func (o *told) Account(a sim.Account) error { o.accounts = append(o.accounts, a); return nil }

// The simulator's members do what they like for some days; then the opening of
// each is lowered, so that some have more than they have credit for. Real nodes
// are asked the same in the same order: each of them answers as the modelled one
// did, and in the end holds and is owed the same, to the byte, and stands on the
// same step.
func TestSimulatorAgainstRealNodes(t *testing.T) {
	unit := potluck.Size(64 << 10)
	size := charged(unit)
	l, err := shares.NewLayout(1, 1, potluck.Size(size))
	must(t, err)
	unit = shares.Charge(l) // the greatest that there is up to 64 KiB
	lowered, at := unit, int64(4*24*3600)
	s := comparable(unit, at, lowered)
	var model told
	if _, err := sim.Run(t.Context(), s, 0, &model); err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, a := range model.asks {
		if a.Taken {
			taken++
		}
	}
	if taken < 10 || taken == len(model.asks) {
		t.Fatalf("%d of %d asks are taken: the story tells nothing", taken, len(model.asks))
	}
	t.Logf("%d of %d asks are taken", taken, len(model.asks))
	c := memory("a", "b", "c", "d")
	c.Terms = testnet.Opening(s.Policy.Opening)
	virtually(t, c, func(ctx context.Context, n *testnet.Net) error {
		before := slices.IndexFunc(model.asks, func(a sim.Ask) bool { return a.Time > at })
		if before < 0 {
			return fmt.Errorf("nobody asks after the openings are lowered")
		}
		if err := ask(ctx, n, model.asks[:before], size); err != nil {
			return err
		}
		if err := lower(ctx, n, lowered); err != nil {
			return err
		}
		if err := ask(ctx, n, model.asks[before:], size); err != nil {
			return err
		}
		time.Sleep(5 * time.Minute) // who judges takes a turn
		return stand(ctx, n, model.accounts)
	})
}

// comparable is a small friendnet: four members, all friends of each other.
func comparable(unit potluck.Size, at int64, lowered potluck.Size) sim.Scenario {
	group := func(name string, units potluck.Size) sim.Group {
		return sim.Group{Name: name, Count: 1, Capacity: potluck.GiB, Demand: units * unit}
	}
	p := sim.Policy{Reciprocity: "pairwise", Opening: 3 * unit, K: 1, N: 1, Ladder: credit.DefaultPolicy()}
	later := p
	later.Opening = lowered
	return sim.Scenario{Name: "compared", Seed: 7, Days: 6, Check: true,
		Groups:   []sim.Group{group("a", 24), group("b", 7), group("c", 3), group("d", 1)},
		Topology: sim.Topology{Kind: "complete"}, Policy: p, Workload: sim.Workload{Unit: unit},
		Events: []sim.Event{{At: at, Kind: "set-policy", Policy: &later}}}
}

// ask has real nodes ask what modelled ones did, and compares the answers.
func ask(ctx context.Context, n *testnet.Net, asks []sim.Ask, size int) error {
	for i, a := range asks {
		owner, host := n.All()[a.Owner], n.All()[a.Host]
		_, err := putAt(ctx, owner, host, size)
		if err == nil && a.Taken {
			continue
		}
		if err == nil {
			return fmt.Errorf("ask %d: %s takes a share of %s, the modelled one refused", i, host.Label(), owner.Label())
		}
		if a.Taken {
			return fmt.Errorf("ask %d: the modelled one took it: %w", i, err)
		}
		if err := refusedFor(err, potluck.CodeUnfunded); err != nil {
			return fmt.Errorf("ask %d: %w", i, err)
		}
	}
	return nil
}

// lower gives everybody another opening at everybody.
func lower(ctx context.Context, n *testnet.Net, opening potluck.Size) error {
	for _, m := range n.All() {
		for _, o := range n.All() {
			if m == o {
				continue
			}
			if _, err := m.API().SetTerms(ctx, o.Peer().String(), api.TermsChange{Opening: &opening}); err != nil {
				return err
			}
		}
	}
	return nil
}

// stand compares every account with the modelled one.
func stand(ctx context.Context, n *testnet.Net, model []sim.Account) error {
	slices.SortFunc(model, func(a, b sim.Account) int { return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Peer, b.Peer)) })
	short := 0
	for _, want := range model {
		at, of := n.All()[want.Node], n.All()[want.Peer]
		s, err := serve(ctx, at, of)
		if err != nil {
			return err
		}
		v, err := at.API().Standing(ctx, of.Peer().String())
		if err != nil {
			return err
		}
		got := sim.Account{Node: want.Node, Peer: want.Peer, Held: s.Held, Earned: s.Earned, Short: s.Short, Step: want.Step}
		if got != want || v.Mine.Step != want.Step.String() {
			return fmt.Errorf("%s at %s is %+v and %s, the modelled one %+v", of.Label(), at.Label(), got, v.Mine.Step, want)
		}
		if want.Short > 0 && want.Step != credit.StepGood {
			short++
		}
	}
	if short == 0 {
		return fmt.Errorf("nobody is short of credit: the story tells nothing")
	}
	return nil
}
